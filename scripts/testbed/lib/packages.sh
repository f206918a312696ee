# shellcheck shell=bash disable=SC2034,SC2153 # names are shared between the files that one script sources
# What must be on the machine, and the Debian packages that the scripts install themselves. Sourced.

# Says in one go all that is missing of what the README asks for.
check_givens() {
	local missing=() program
	[[ $(uname -s) == Linux ]] || die "Linux is needed"
	((EUID == 0)) || die "root is needed: Debian packages, network namespaces and mounts"
	for program in go:'Go 1.26' cargo:'Rust, by rustup' rustup:rustup javac:'a JDK, 17' python3:'Python 3' gcc:gcc; do
		command -v "${program%%:*}" >/dev/null || missing+=("${program#*:}")
	done
	((${#missing[@]} == 0)) || die "missing on this machine:$(printf ' [%s]' "${missing[@]}")"
}

# packages NAME...: installs those that are missing. A program of that package in PATH is enough.
packages() {
	local name lock missing=()
	for name; do
		case $name in
		iproute2) command -v ip ;;
		python3-pip) command -v pip3 || python3 -m pip --version ;;
		containernetworking-plugins) [[ -x /usr/lib/cni/bridge && -x /usr/lib/cni/portmap ]] ;;
		util-linux) command -v nsenter && command -v unshare ;;
		*) command -v "$name" ;;
		esac >/dev/null 2>&1 || missing+=("$name")
	done
	((${#missing[@]})) || return 0
	command -v apt-get >/dev/null || die "missing, and no apt-get to install them: ${missing[*]}"
	say "installing Debian packages: ${missing[*]}"
	# The lists of a fresh machine are empty or old: refresh them only when the install fails without. One at a time:
	# apt waits for another's install, but not for another's refresh.
	mkdir -p "$CACHE/lock"
	exec {lock}>"$CACHE/lock/apt"
	flock "$lock"
	apt_install "${missing[@]}" || { apt-get update -qq >&2 && apt_install "${missing[@]}"; } ||
		die "Debian packages could not be installed: ${missing[*]}"
	exec {lock}>&-
}

apt_install() {
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
		-o DPkg::Lock::Timeout=300 "$@" </dev/null >&2
}
