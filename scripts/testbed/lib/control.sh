# shellcheck shell=bash disable=SC2034,SC2153 # names are shared between the files that one script sources
# etcd and the control plane. Sourced after process.sh and binaries.sh.

# Started, not awaited: the node's images are looked after meanwhile.
control_start() {
	local bin=$CACHE/$BINARIES pki=$DIR/pki
	# Without fsync: a shared machine's disk would be the slowest part, and after a power cut the objects are
	# dropped anyway (see cluster).
	run etcd nsenter --net="$NETNS" "$bin/etcd" --data-dir "$DIR/etcd" --unsafe-no-fsync \
		--listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
		--listen-peer-urls http://127.0.0.1:2380
	# Memory is there; a collection takes as long as fifty writes, and falls on whoever is there.
	run apiserver env GOGC=400 nsenter --net="$NETNS" "$bin/kube-apiserver" --etcd-servers=http://127.0.0.1:2379 \
		--secure-port=6443 --bind-address=0.0.0.0 --advertise-address="$NODE_IP" \
		--tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt" \
		--service-account-key-file="$pki/sa.pub" --service-account-signing-key-file="$pki/sa.key" \
		--service-account-issuer=https://kubernetes.default.svc --service-cluster-ip-range="$SERVICE_NET" \
		--authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
		--kubelet-client-certificate="$pki/to-kubelet.crt" --kubelet-client-key="$pki/to-kubelet.key" \
		--kubelet-preferred-address-types=InternalIP # else logs and exec look the node up by name
}

api_ready() { curl -sf --max-time 5 --cacert "$DIR/pki/ca.crt" "https://$NODE_IP:6443/readyz"; }

# control_finish: once the API server answers, what needs it.
control_finish() {
	local bin=$CACHE/$BINARIES pki=$DIR/pki
	await_of apiserver 300 'API server ready' api_ready
	run controller-manager nsenter --net="$NETNS" "$bin/kube-controller-manager" --leader-elect=false \
		--kubeconfig="$pki/controller-manager.kubeconfig" --use-service-account-credentials \
		--service-account-private-key-file="$pki/sa.key" --root-ca-file="$pki/ca.crt" \
		--cluster-signing-cert-file="$pki/ca.crt" --cluster-signing-key-file="$pki/ca.key" \
		--allocate-node-cidrs --cluster-cidr="$POD_NET"
	run scheduler nsenter --net="$NETNS" "$bin/kube-scheduler" --kubeconfig="$pki/scheduler.kubeconfig" --leader-elect=false
}

control_down() {
	local name
	for name in scheduler controller-manager apiserver etcd; do stop "$name"; done
}
