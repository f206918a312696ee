# shellcheck shell=bash disable=SC2034,SC2153 # names are shared between the files that one script sources
# The node: containerd with its images, kubelet, kube-proxy. Sourced after process.sh, binaries.sh and images.sh.

containerd_config() {
	cat <<-TOML
		version = 2
		root = "$STORE"
		state = "$DIR/containerd"
		disabled_plugins = [$1]
		[grpc]
		address = "$SOCKET"
		[plugins."io.containerd.grpc.v1.cri"]
		# Without CAP_SYS_RESOURCE a sandbox can't be given a lower oom_score_adj than its parent's.
		restrict_oom_score_adj = true
		netns_mounts_under_state_dir = true
		sandbox_image = "$PAUSE_IMAGE"
		[plugins."io.containerd.grpc.v1.cri".containerd]
		snapshotter = "overlayfs"
		[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
		runtime_type = "io.containerd.runc.v2"
		[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
		SystemdCgroup = false
		[plugins."io.containerd.grpc.v1.cri".cni]
		bin_dir = "/usr/lib/cni"
		conf_dir = "$DIR/cni"
	TOML
}

cni_config() {
	cat <<-JSON
		{"cniVersion": "0.4.0", "name": "pods", "plugins": [
		  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
		   "ipam": {"type": "host-local", "ranges": [[{"subnet": "$POD_RANGE"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
		  {"type": "portmap", "capabilities": {"portMappings": true}}]}
	JSON
}

kubelet_config() {
	cat <<-YAML
		apiVersion: kubelet.config.k8s.io/v1beta1
		kind: KubeletConfiguration
		failCgroupV1: false
		cgroupDriver: cgroupfs
		# The cluster's own: two kubelets that shared a root would clean up each other's pods.
		cgroupRoot: /$NAME/pods
		cgroupsPerQOS: true
		enforceNodeAllocatable: []
		containerRuntimeEndpoint: unix://$SOCKET
		clusterDNS: [$DNS_IP]
		clusterDomain: cluster.local
		failSwapOn: false
		authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $DIR/pki/ca.crt}}
		authorization: {mode: Webhook}
		tlsCertFile: $DIR/pki/kubelet.crt
		tlsPrivateKeyFile: $DIR/pki/kubelet.key
		# The images can't be pulled again, and the disk is the machine's: neither evict nor collect for it.
		evictionHard: {memory.available: "50Mi", nodefs.available: "0%", imagefs.available: "0%"}
		imageGCHighThresholdPercent: 100
		resolvConf: $DIR/resolv.conf
		podLogsDir: $DIR/podlogs
		volumePluginDir: $DIR/kubelet/volume-plugins
		# Renewed each second: "up" waits for the first one to know that the node is there again.
		nodeLeaseDurationSeconds: 4
		registerNode: true
	YAML
}

# containerd, CNI and the kubelet have folders compiled in that no option moves. They run in a mount namespace of
# their own with these empty: two nodes don't meet there, and all their mounts go when the last of them ends.
PRIVATE_FOLDERS=(/run/containerd /var/lib/cni /var/lib/kubelet /var/log/containers)
# shellcheck disable=SC2016
IN_PRIVATE='while [ "$1" != -- ]; do mount -t tmpfs node "$1" || exit 1; shift; done; shift; exec "$@"'

# make_private_folders: what was missing is noted, for `down`.
make_private_folders() {
	local folder
	for folder in "${PRIVATE_FOLDERS[@]}"; do
		[[ -d $folder ]] || { mkdir -p "$folder" && echo "$folder" >>"$DIR/made"; }
	done
}

# remove_private_folders: not while another node has something mounted there; removing the folder would unmount it.
remove_private_folders() {
	local folder
	[[ -f $DIR/made ]] || return 0
	while read -r folder; do
		grep -qs " $folder " /proc/[0-9]*/mountinfo || rmdir --ignore-fail-on-non-empty "$folder"
	done <"$DIR/made"
}

start_containerd() {
	containerd_config "$1" >"$DIR/containerd.toml"
	make_private_folders
	run containerd nsenter --net="$NETNS" unshare --mount sh -c "$IN_PRIVATE" sh "${PRIVATE_FOLDERS[@]}" -- \
		containerd --config "$DIR/containerd.toml"
	await_of containerd 120 'containerd ready' containers version
}

# containerd_up: containerd, and the kubelet with it: one can't go on without the other, for the kubelet lives in
# containerd's mount namespace. What an earlier pair left is cleared first.
containerd_up() {
	if ! alive containerd || ! alive kubelet; then
		node_clear
		make_cgroups
		mkdir -p "$DIR/cni" "$STORE" "$DIR/kubelet"
		cni_config >"$DIR/cni/10-pods.conflist"
		echo 'nameserver 127.0.0.1' >"$DIR/resolv.conf"
		# Containers of a node that was killed are still in the store. Without the part of containerd that would
		# take them up again they are removed; the kubelet starts its pods anew.
		if compgen -G "$STORE/io.containerd.grpc.v1.cri/*/*" >/dev/null; then
			say '      removing containers that were left'
			start_containerd '"io.containerd.grpc.v1.cri"'
			remove_containers
			stop containerd
			rm -rf "$STORE"/io.containerd.grpc.v1.cri/*
		fi
	fi
	start_containerd ''
}

# node_clear: ends what is left of a node's processes, and empties the folders that hold only their state.
node_clear() {
	stop kubelet
	kill_all pods
	stop containerd
	unmount_below "$DIR/kubelet"
	unmount_below "$DIR/containerd"
	rm -rf --one-file-system "$SOCKET" "$SOCKET.ttrpc" "$DIR/kubelet" "$DIR/containerd" "$DIR/podlogs"
}

# unmount_below FOLDER: mounts that a process made outside the node's own mount namespace.
unmount_below() {
	local where
	while read -r where; do
		[[ $where != "$1"/* ]] || umount --lazy "$where"
	done < <(cut -d' ' -f2 /proc/self/mounts | sort -r)
}

# remove_containers: all containers of the store, and their tasks if they have any.
remove_containers() {
	local ids
	mapfile -t ids < <(containers containers list --quiet)
	((${#ids[@]})) || return 0
	# A pause container may end by itself meanwhile, so a task may be missing.
	printf '%s\n' "${ids[@]}" | xargs -P 8 -I {} ctr --address "$SOCKET" --namespace k8s.io tasks delete --force {} >/dev/null 2>&1 || true
	containers containers delete "${ids[@]}" >/dev/null
}

# import SPEC: those images of the spec that the store hasn't got with this content. Blobs that it has are not written
# again: a new layer on a Flink image is then a matter of its own size.
import() {
	local spec=$1 have name digest missing=0
	have=$(containers images list)
	while read -r name digest; do
		grep -q "^$name .*$digest" <<<"$have" || missing=1
	done < <("$TESTBED/archive.py" digest "$spec")
	((missing)) || return 0
	containers content list --quiet | "$TESTBED/archive.py" write "$spec" | containers images import - >/dev/null
	# A machine that stops now shall not leave an image with empty files.
	sync -f "$STORE"
}

import_node_images() {
	image_spec >"$DIR/images.json"
	import "$DIR/images.json"
}

node_up() {
	local bin=$CACHE/$BINARIES since
	if ! alive kubelet; then
		kubelet_config >"$DIR/kubelet.yaml"
		since=$(date -u +%FT%T)
		run kubelet nsenter --target "$(pid_of containerd)" --net --mount "$bin/kubelet" --config "$DIR/kubelet.yaml" \
			--kubeconfig "$DIR/pki/kubelet.kubeconfig" --hostname-override "$NAME" --node-ip "$NODE_IP" --root-dir "$DIR/kubelet"
	fi
	# Connection tracking's limits are the machine's: not to be changed from here.
	run proxy nsenter --net="$NETNS" "$bin/kube-proxy" --kubeconfig "$DIR/pki/proxy.kubeconfig" --cluster-cidr "$POD_NET" \
		--hostname-override "$NAME" --proxy-mode iptables --conntrack-max-per-core=0 \
		--conntrack-tcp-timeout-established=0s --conntrack-tcp-timeout-close-wait=0s
	await_of kubelet 300 'node ready' node_ready "${since:-}"
}

# node_ready [SINCE]: Ready, and said so since then: of a node that was killed, the API still tells the old condition.
node_ready() {
	local renewed
	[[ $(kubectl get node "$NAME" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}') == True ]] || return 1
	[[ -n ${1:-} ]] || return 0
	renewed=$(kubectl get lease "$NAME" --namespace kube-node-lease -o 'jsonpath={.spec.renewTime}')
	[[ $renewed > $1 ]]
}

node_down() {
	stop proxy
	stop kubelet
	kill_all pods
	! alive containerd || remove_containers || true
	node_clear
}
