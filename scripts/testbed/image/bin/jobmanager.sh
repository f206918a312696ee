#!/bin/bash
# The JobManager of a standalone session cluster.
[[ ${1:-} == start-foreground ]] || {
	echo "usage: ${0##*/} start-foreground [ARGUMENT...]; a container has no use for a daemon" >&2
	exit 1
}
exec "${FLINK_HOME:-/opt/flink}/bin/launch" jobmanager standalonesession org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint "${@:2}"
