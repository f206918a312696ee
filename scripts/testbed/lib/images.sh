# shellcheck shell=bash disable=SC2034,SC2153 # names are shared between the files that one script sources
# The node's images, built without a container tool: a Debian base with a JRE, each Flink on it, and pause.
# Sourced after common.sh.

# The Flinks that a cluster has images of; the images' names are the official ones. NUTKIN_CLUSTER_FLINKS names others
# of wheels.txt, or none.
FLINK_2=2.3.0
FLINK_1=1.20.5
read -ra FLINKS <<<"${NUTKIN_CLUSTER_FLINKS-$FLINK_2 $FLINK_1}"
PAUSE_IMAGE=registry.k8s.io/pause:3.10
DEBIAN=bookworm
BASE_PACKAGES=openjdk-17-jre-headless,gettext-base,libsnappy1v5,libjemalloc2,procps

flink_image() { echo "docker.io/library/flink:$1"; }

# flink_home VERSION: lib, opt, plugins and bin/bash-java-utils.jar as the Python package carries them; no start
# scripts are in it. In the cache.
flink_home() { echo "flink/$1-$(hash_of "$(grep "^apache-flink-libraries==$1 " "$TESTBED/wheels.txt")" "$(declare -f fetch_flink)")"; }

fetch_flink() {
	local version=$1 out=$2 scratch
	say "fetching Flink $version"
	scratch=$out-scratch
	mkdir -p "$scratch"
	wheel "apache-flink-libraries==$version" "$scratch"
	python3 - "$scratch" "$out" <<-'PY'
		import glob, os, shutil, sys, tarfile, zipfile
		scratch, out = sys.argv[1:]
		(archive,) = glob.glob(scratch + "/apache_flink_libraries*")
		parts = ("bin", "lib", "opt", "plugins")
		if archive.endswith(".whl"):
		    root = scratch + "/pyflink"
		    with zipfile.ZipFile(archive) as wheel:
		        wheel.extractall(scratch, [n for n in wheel.namelist() if n.split("/")[1] in parts])
		else:
		    root = archive[: -len(".tar.gz")] + "/deps"
		    with tarfile.open(archive) as source:
		        wanted = [m for m in source if m.name.split("/")[1:2] == ["deps"]]
		        source.extractall(scratch, wanted, filter="data")
		os.makedirs(out)
		for part in parts:
		    shutil.move(f"{root}/{part}", f"{out}/{part}")
	PY
	rm -rf "$scratch"
}

base_layer() { echo "layers/base-$(hash_of "$DEBIAN $BASE_PACKAGES" "$(declare -f build_base_layer)").tar"; }

build_base_layer() {
	local out=$1 root
	say "building the images' Debian base (one to two minutes)"
	root=$out-scratch
	nice -n 5 debootstrap --variant=minbase --include="$BASE_PACKAGES" "$DEBIAN" "$root" >"$out.log" 2>&1 ||
		die "debootstrap failed: $(tail -n 3 "$out.log")"
	echo 'flink:x:9999:9999::/opt/flink:/bin/bash' >>"$root/etc/passwd"
	echo 'flink:x:9999:' >>"$root/etc/group"
	rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* "$root"/usr/share/{doc,man,locale,info}/*
	rm -f "$root/etc/resolv.conf" "$root/etc/hostname"
	tar --create --file "$out" --directory "$root" --sort=name --numeric-owner --mtime=@0 --one-file-system .
	rm -rf "$root" "$out.log"
}

flink_layer() { echo "layers/flink-$1-$(hash_of "$(flink_home "$1")" "$TESTBED/archive.py").tar"; }

build_flink_layer() {
	"$TESTBED/archive.py" layer "$2" "$CACHE/$(flink_home "$1")=/opt/flink"
}

# Our start scripts, alike for all versions, in a layer of their own: a change of them moves a few kilobytes.
scripts_layer() { echo "layers/scripts-$(hash_of "$TESTBED/image" "$TESTBED/archive.py" "$(declare -f build_scripts_layer)").tar"; }

build_scripts_layer() {
	local out=$1 empty image=$TESTBED/image
	empty=$(mktemp -d)
	"$TESTBED/archive.py" layer "$out" "$image/docker-entrypoint.sh=/docker-entrypoint.sh" "$image/bin=/opt/flink/bin" \
		"$image/conf=/opt/flink/conf" "$image/share=/opt/flink/share" "$empty=/opt/flink/log" "$empty=/opt/flink/usrlib"
	rmdir "$empty"
}

pause_layer() { echo "layers/pause-$(hash_of "$TESTBED/pause.c" "$TESTBED/archive.py").tar"; }

build_pause_layer() {
	local program
	program=$(mktemp)
	gcc -static -Os -s -o "$program" "$TESTBED/pause.c"
	chmod 755 "$program"
	"$TESTBED/archive.py" layer "$1" "$program=/pause"
	rm "$program"
}

FLINK_CONFIG='{"Entrypoint": ["/docker-entrypoint.sh"], "Cmd": ["help"], "User": "9999", "WorkingDir": "/opt/flink",
	"ExposedPorts": {"6123/tcp": {}, "8081/tcp": {}}, "Env": ["FLINK_HOME=/opt/flink",
	"PATH=/opt/flink/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}'

images() {
	local version
	cached "$(pause_layer)" build_pause_layer
	cached "$(scripts_layer)" build_scripts_layer
	for version in "${FLINKS[@]}"; do
		cached "$(flink_home "$version")" fetch_flink "$version"
		cached "$(flink_layer "$version")" build_flink_layer "$version"
	done
	cached "$(base_layer)" build_base_layer
}

# flink_layers VERSION: the tars of a Flink image, the base first.
flink_layers() {
	echo "$CACHE/$(base_layer)" "$CACHE/$(flink_layer "$1")" "$CACHE/$(scripts_layer)"
}

# image_spec: what archive.py makes the node's images from.
image_spec() {
	local version
	printf '[{"name": "%s", "layers": ["%s"], "config": {"Entrypoint": ["/pause"]}}' "$PAUSE_IMAGE" "$CACHE/$(pause_layer)"
	for version in "${FLINKS[@]}"; do
		printf ', '
		flink_spec "$(flink_image "$version")" "$version"
	done
	echo ']'
}

# flink_spec NAME VERSION [LAYER-TAR...]: one entry: a Flink image, with more layers on it.
flink_spec() {
	local name=$1 layers
	read -ra layers <<<"$(flink_layers "$2")"
	layers+=("${@:3}")
	printf '{"name": "%s", "layers": [%s], "config": %s}' "$name" "$(printf ', "%s"' "${layers[@]}" | cut -c3-)" "$FLINK_CONFIG"
}
