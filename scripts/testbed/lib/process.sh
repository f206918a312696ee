# shellcheck shell=bash disable=SC2034,SC2153 # names are shared between the files that one script sources
# Starting, knowing and ending the cluster's processes, and only those. Each daemon is started in a cgroup of its own
# below the cluster's, so all that comes from it (containerd's shims, pods) is found, whoever its parent is now.
# Sourced after settings.sh.

# cgroup_roots: where cgroups are mounted: one place (v2), or one for each controller (v1).
cgroup_roots() {
	local procs
	if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
		echo /sys/fs/cgroup
	else
		for procs in /sys/fs/cgroup/*/cgroup.procs; do echo "${procs%/*}"; done
	fi
}

# The hierarchy that tells which processes are the cluster's. Containers' own processes are in all of them.
tracking_root() {
	if [[ -e /sys/fs/cgroup/pids/cgroup.procs ]]; then echo /sys/fs/cgroup/pids; else cgroup_roots | head -n 1; fi
}
TRACK=$(tracking_root)/$NAME

# make_cgroups: the kubelet wants its root to exist, in each hierarchy of v1; in v2 with the controllers it uses, which
# each parent must hand down.
make_cgroups() {
	local root controller
	while read -r root; do
		mkdir -p "$root/$NAME/pods"
		[[ $root == /sys/fs/cgroup ]] || continue
		for controller in $(<"$root/cgroup.controllers"); do
			echo "+$controller" >"$root/cgroup.subtree_control" || true
			echo "+$controller" >"$root/$NAME/cgroup.subtree_control" || true
		done 2>/dev/null
	done < <(cgroup_roots)
}

remove_cgroups() {
	local root
	while read -r root; do
		[[ ! -d $root/$NAME ]] || find "$root/$NAME" -depth -type d -exec rmdir {} +
	done < <(cgroup_roots)
}

# processes [CGROUP]: ids of all the cluster's processes, or of those below one of its cgroups.
processes() {
	[[ ! -d $TRACK${1:+/$1} ]] || find "$TRACK${1:+/$1}" -name cgroup.procs -exec cat {} +
}

# kill_all [CGROUP]: until none is left there.
kill_all() {
	local ids tries
	for ((tries = 0; tries < 300; tries++)); do
		mapfile -t ids < <(processes "$@")
		((${#ids[@]})) || return 0
		kill -KILL "${ids[@]}" 2>/dev/null || true
		sleep 0.1
	done
	die "processes that can't be ended: ${ids[*]}"
}

# identity PID: what tells this process from a later one with the same id: its start time and the machine's boot.
identity() {
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
	# The name, in parentheses, may hold spaces; the start time is the 22nd field.
	echo "$1 $(cut -d' ' -f20 <<<"${stat##*) }") $(</proc/sys/kernel/random/boot_id)"
}

# pid_of NAME: the id of a daemon that runs; fails when it does not.
pid_of() {
	local noted now
	noted=$(cat "$DIR/run/$1" 2>/dev/null) || return 1
	now=$(identity "${noted%% *}") && [[ $now == "$noted" ]] || return 1
	# A process that ended but was not waited for is not alive.
	[[ $(cut -d' ' -f3 <<<"$(sed 's/(.*)/x/' "/proc/${noted%% *}/stat" 2>/dev/null)") != Z ]] || return 1
	echo "${noted%% *}"
}
alive() { pid_of "$1" >/dev/null; }

# run NAME COMMAND...: starts a daemon, in the background, with a log; nothing when it already runs. One that runs and
# was not noted (its start was cut short) is ended first.
run() {
	local name=$1 pid
	shift
	alive "$name" && return
	kill_all "system/$name"
	mkdir -p "$DIR/run" "$DIR/log" "$TRACK/system/$name"
	(
		echo "$BASHPID" >"$TRACK/system/$name/cgroup.procs"
		# Not the lock of this script, nor its output: who reads that would wait for the daemon.
		[[ -z ${LOCK:-} ]] || exec {LOCK}>&-
		exec setsid "$@" >>"$DIR/log/$name.log" 2>&1 </dev/null
	) &
	pid=$!
	identity "$pid" >"$DIR/run/$name"
}

# stop NAME: asks a daemon to end, and makes it; what it left running in its cgroup too.
stop() {
	local pid tries
	if pid=$(pid_of "$1"); then
		kill -TERM "$pid" 2>/dev/null || true
		for ((tries = 0; tries < 100; tries++)); do
			alive "$1" || break
			sleep 0.1
		done
	fi
	kill_all "system/$1"
	rm -f "$DIR/run/$1"
}

# await_of NAME SECONDS WHAT COMMAND...: as await, but ends at once, with its last words, when the daemon ends.
await_of() {
	local name=$1
	shift
	await "$1" "$2" holds "$name" "${@:3}"
	alive "$name" || die "$name ended: $(tail -n 3 "$DIR/log/$name.log")"
}
holds() { ! alive "$1" || "${@:2}"; }
