# shellcheck shell=bash disable=SC2034,SC2153 # names are shared between the files that one script sources
# The cluster's programs, compiled from Go modules. Sourced after common.sh.

KUBERNETES=1.37.2

build_kubernetes() {
	local out=$1 version=k8s.io/component-base/version flags
	# Without the version the server calls itself v0.0.0, and charts' version checks fail.
	flags="-s -w -X $version.gitVersion=v$KUBERNETES -X $version.gitMajor=1 -X $version.gitMinor=${KUBERNETES:2:2}"
	mkdir -p "$out"
	say "compiling Kubernetes $KUBERNETES and etcd (about 10 minutes on 2 cores)"
	(
		cd "$TESTBED/go" || exit
		go_build "$flags" "$out/" k8s.io/kubernetes/cmd/{kube-apiserver,kube-controller-manager,kube-scheduler,kubelet,kube-proxy}
		go_build '-s -w' "$out/etcd" go.etcd.io/etcd/server/v3
	)
}

build_dns() {
	local out=$1
	mkdir -p "$out"
	say "compiling CoreDNS (one to two minutes)"
	(cd "$TESTBED/dns" && go_build '-s -w' "$out/coredns" .)
}

# go_build LINKER-FLAGS OUT PACKAGE...: the modules are pinned by go.sum; nothing is resolved anew.
go_build() {
	nice -n 5 env GOFLAGS=-mod=readonly GOWORK=off go build -trimpath -buildvcs=false -ldflags "$1" -o "$2" "${@:3}" >&2
}

# What the binaries are made from: the modules' exact versions, and how they are built.
BINARIES=binaries/$(hash_of "$TESTBED/go" "$KUBERNETES" "$(declare -f build_kubernetes go_build)")
DNS_BINARY=coredns/$(hash_of "$TESTBED/dns" "$(declare -f build_dns go_build)")

binaries() {
	cached "$BINARIES" build_kubernetes
	cached "$DNS_BINARY" build_dns
}
