# shellcheck shell=bash disable=SC2034,SC2153 # names are shared between the files that one script sources
# One cluster's name, addresses and folders. A second one on the same machine needs only another
# NUTKIN_CLUSTER_INDEX. Sourced after common.sh.

INDEX=${NUTKIN_CLUSTER_INDEX:-0}
[[ $INDEX =~ ^[0-9]$ ]] || die "NUTKIN_CLUSTER_INDEX is '$INDEX': a digit is needed"
# The node's name, and that of its cgroup; with a digit after it, of its network link.
NAME=nutkin$([[ $INDEX == 0 ]] || echo "$INDEX")
# What the cluster keeps while it is up: keys, etcd, logs, kubelet, the folder for jobs' state. `down` removes it.
DIR=$(realpath -m "${NUTKIN_CLUSTER_DIR:-$CACHE/cluster/$NAME}")
# containerd's images and snapshots: they outlive `down`, so that `up` imports nothing twice.
STORE=$CACHE/containerd/$NAME
# A folder on the node that Flink's user can write to, for hostPath volumes. A hostPath that the kubelet makes is
# root's with mode 755, and fsGroup does not reach it.
STATE_DIR=$DIR/state

LINK=${NAME}0
HOST_IP=10.201.$INDEX.1
NODE_IP=10.201.$INDEX.2
POD_NET=10.$((244 + INDEX)).0.0/16
POD_RANGE=10.$((244 + INDEX)).0.0/24
SERVICE_NET=10.$((96 + INDEX)).0.0/16
API_SERVICE_IP=10.$((96 + INDEX)).0.1
DNS_IP=10.$((96 + INDEX)).0.10

NETNS=$DIR/netns
KUBECONFIG_FILE=$DIR/admin.kubeconfig
SOCKET=$DIR/containerd.sock
((${#SOCKET} < 104)) || die "$SOCKET is too long for a socket: set NUTKIN_CLUSTER_DIR to a shorter path"

in_net() { nsenter --net="$NETNS" "$@"; }
kubectl() { "$TOOLS_BIN/kubectl" --kubeconfig "$KUBECONFIG_FILE" "$@"; }
containers() { ctr --address "$SOCKET" --namespace k8s.io "$@"; }
