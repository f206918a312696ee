# shellcheck shell=bash disable=SC2034,SC2153 # names are shared between the files that one script sources
# CoreDNS beside the node, on its address, and the Service that points to it. Sourced after process.sh and binaries.sh.

corefile() {
	cat <<-END
		.:53 {
		  bind $NODE_IP
		  errors
		  kubernetes cluster.local in-addr.arpa {
		    kubeconfig $KUBECONFIG_FILE
		  }
		  cache 5
		  ready $NODE_IP:8181
		}
	END
}

dns_service() {
	cat <<-YAML
		apiVersion: v1
		kind: Service
		metadata: {name: kube-dns, namespace: kube-system}
		spec:
		  clusterIP: $DNS_IP
		  ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
		---
		apiVersion: discovery.k8s.io/v1
		kind: EndpointSlice
		metadata: {name: kube-dns-node, namespace: kube-system, labels: {kubernetes.io/service-name: kube-dns}}
		addressType: IPv4
		endpoints: [{addresses: ["$NODE_IP"]}]
		ports: [{name: dns, port: 53, protocol: UDP}, {name: dns-tcp, port: 53, protocol: TCP}]
	YAML
}

dns_start() {
	corefile >"$DIR/Corefile"
	run coredns nsenter --net="$NETNS" "$CACHE/$DNS_BINARY/coredns" -conf "$DIR/Corefile"
	dns_service | kubectl apply -f - >/dev/null
}

# dns_ready: asked as a pod would, through the service address, so kube-proxy has done its part too.
dns_ready() { in_net "$TESTBED/resolve.py" "$DNS_IP" kubernetes.default.svc.cluster.local "$API_SERVICE_IP"; }
