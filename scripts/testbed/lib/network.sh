# shellcheck shell=bash disable=SC2034,SC2153 # names are shared between the files that one script sources
# The cluster's network namespace: a veth pair to the machine, and no way on from there. Sourced after process.sh.

# The namespace is held by a file of the cluster's, not under /run/netns: then `down` has nothing there to clean.
network_up() {
	mkdir -p "$DIR"
	if [[ $(stat -f -c %T "$NETNS" 2>/dev/null) != nsfs ]]; then
		touch "$NETNS"
		unshare --net="$NETNS" true
	fi
	if ! in_net ip link show eth0 >/dev/null 2>&1 || ! ip link show "$LINK" >/dev/null 2>&1; then
		! ip link show "$LINK" >/dev/null 2>&1 || ip link delete "$LINK"
		! ip route get "$NODE_IP" 2>/dev/null | grep -q "dev .*src $HOST_IP" ||
			die "the address $HOST_IP is in use: set NUTKIN_CLUSTER_INDEX to another digit"
		ip link add "$LINK" type veth peer name eth0 netns "$NETNS"
	fi
	ip address replace "$HOST_IP/30" dev "$LINK"
	ip link set "$LINK" up
	in_net ip address replace "$NODE_IP/30" dev eth0
	in_net ip link set eth0 up
	in_net ip link set lo up
	# No default route: nothing leaves the machine. Service addresses need a route before they are translated.
	in_net ip route replace "$SERVICE_NET" via "$HOST_IP"
	in_net sysctl -qw net.ipv4.ip_forward=1
	in_net sysctl -qw net.bridge.bridge-nf-call-iptables=1 2>/dev/null || true
}

network_down() {
	! ip link show "$LINK" >/dev/null 2>&1 || ip link delete "$LINK"
	! mountpoint -q "$NETNS" || umount "$NETNS"
	rm -f "$NETNS"
}
