# shellcheck shell=bash disable=SC2034,SC2153 # names are shared between the files that one script sources
# Keys, certificates and kubeconfigs of the cluster, made once for each. Sourced after settings.sh.

pki_up() {
	local pki=$DIR/pki user
	[[ ! -e $pki/done ]] || return 0
	rm -rf "$pki"
	mkdir -p "$pki"
	chmod 700 "$pki"
	openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 3650 -subj /CN=testbed \
		-keyout "$pki/ca.key" -out "$pki/ca.crt" 2>/dev/null
	openssl ecparam -name prime256v1 -genkey -noout -out "$pki/sa.key"
	openssl ec -in "$pki/sa.key" -pubout -out "$pki/sa.pub" 2>/dev/null
	certificate apiserver /CN=kube-apiserver "DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:127.0.0.1,IP:$NODE_IP,IP:$API_SERVICE_IP"
	certificate to-kubelet /O=system:masters/CN=kube-apiserver-kubelet-client
	certificate admin /O=system:masters/CN=admin
	certificate controller-manager /CN=system:kube-controller-manager
	certificate scheduler /CN=system:kube-scheduler
	certificate proxy /CN=system:kube-proxy
	certificate kubelet "/O=system:nodes/CN=system:node:$NAME" "DNS:$NAME,IP:$NODE_IP"
	for user in controller-manager scheduler proxy kubelet; do
		kubeconfig_of "$user" >"$pki/$user.kubeconfig"
	done
	(umask 077 && kubeconfig_of admin >"$KUBECONFIG_FILE")
	touch "$pki/done"
}

# certificate FILE SUBJECT [ALTERNATIVE-NAMES]: a key, and a certificate signed by the cluster's authority.
certificate() {
	local file=$DIR/pki/$1
	openssl req -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -subj "$2" \
		-keyout "$file.key" -out "$file.csr" 2>/dev/null
	openssl x509 -req -in "$file.csr" -CA "$DIR/pki/ca.crt" -CAkey "$DIR/pki/ca.key" -CAcreateserial -days 3650 \
		-extfile <(echo "subjectAltName=${3:-DNS:$1}") -out "$file.crt" 2>/dev/null
}

# kubeconfig_of USER: whole, with its keys in it, so that it can be copied.
kubeconfig_of() {
	local file=$DIR/pki/$1
	cat <<-YAML
		apiVersion: v1
		kind: Config
		clusters:
		- name: $NAME
		  cluster:
		    server: https://$NODE_IP:6443
		    certificate-authority-data: $(base64 -w0 "$DIR/pki/ca.crt")
		users:
		- name: $1
		  user:
		    client-certificate-data: $(base64 -w0 "$file.crt")
		    client-key-data: $(base64 -w0 "$file.key")
		contexts:
		- name: $NAME
		  context: {cluster: $NAME, user: $1}
		current-context: $NAME
	YAML
}
