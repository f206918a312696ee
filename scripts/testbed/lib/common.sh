# shellcheck shell=bash disable=SC2034,SC2153 # names are shared between the files that one script sources
# Said by every script of the testbed: messages, the cache, hashes, waiting. Sourced, never run.

# The checkout's scripts folder, and the cache that outlives it.
SCRIPTS=$(dirname "$(dirname "$(dirname "$(realpath "${BASH_SOURCE[0]}")")")")
TESTBED=$SCRIPTS/testbed
CACHE=$(realpath -m "${NUTKIN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nutkin}")
# The folder of helm, kubectl and the like, by what they are made from.
TOOLS=tools/$(sha256sum <"$TESTBED/wheels.txt" | cut -c1-16)
TOOLS_BIN=$CACHE/$TOOLS/bin

say() { echo "$*" >&2; }
die() {
	echo "error: $*" >&2
	exit 1
}

# phase WHAT COMMAND...: runs the command, then says how long it took.
phase() {
	local what=$1 start=$EPOCHREALTIME
	shift
	"$@"
	say "$(seconds_since "$start") s  $what"
}

# seconds_since EPOCHREALTIME: with one decimal.
seconds_since() {
	local tenths=$(((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}) / 100000))
	printf '%3d.%d' $((tenths / 10)) $((tenths % 10))
}

# await SECONDS WHAT COMMAND...: until the command succeeds. After five seconds it says what is being waited for.
await() {
	local end=$((SECONDS + $1)) limit=$1 what=$2 told=$((SECONDS + 5))
	shift 2
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || die "not within $limit s: $what"
		if ((told && SECONDS >= told)); then
			say "      waiting for: $what"
			told=0
		fi
		sleep 0.3
	done
}

# hash_of FILE-OR-TEXT...: sixteen hex digits over the arguments themselves and the content of those that are files or
# folders (by name relative to the folder). The key of everything in the cache.
hash_of() {
	local item
	for item in "$@"; do
		if [[ -d $item ]]; then
			(cd "$item" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum)
		elif [[ -f $item ]]; then
			sha256sum <"$item"
		else
			printf '%s\n' "$item"
		fi
	done | sha256sum | cut -c1-16
}

# cached PATH COMMAND...: makes the file or folder $CACHE/PATH once. The command gets a path to fill as its last
# argument (and may use names that begin with it for scratch); it is moved into place whole, so what is there is complete. Two runs at once: the second waits.
cached() {
	local path=$CACHE/$1 lock
	shift
	[[ -e $path ]] && return
	mkdir -p "$(dirname "$path")" "$CACHE/lock"
	exec {lock}>"$CACHE/lock/$(hash_of "$path")"
	flock "$lock"
	if [[ ! -e $path ]]; then
		rm -rf "$path".part*
		# Not as a condition, or the command would run without errexit.
		"$@" "$path.part"
		mv "$path.part" "$path"
	fi
	exec {lock}>&-
}

# wheel NAME DIR: one pinned distribution of wheels.txt from the package index, checked against its hash.
wheel() {
	local line format=:none:
	line=$(grep "^$1[ =]" "$TESTBED/wheels.txt") || die "$1 is not in $TESTBED/wheels.txt"
	# A source archive where the index has no wheel: pip takes one by default only if nothing else fits.
	[[ $line == *'# sdist'* ]] && format=:all:
	mkdir -p "$2"
	python3 -m pip download --quiet --no-deps --no-binary "$format" --require-hashes --dest "$2" \
		--requirement /dev/stdin <<<"${line%%#*}" >&2 || die "$1: not available from the Python package index"
}
