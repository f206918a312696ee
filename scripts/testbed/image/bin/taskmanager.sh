#!/bin/bash
# A TaskManager of a standalone cluster.
[[ ${1:-} == start-foreground ]] || {
	echo "usage: ${0##*/} start-foreground [ARGUMENT...]; a container has no use for a daemon" >&2
	exit 1
}
exec "${FLINK_HOME:-/opt/flink}/bin/launch" taskmanager taskexecutor org.apache.flink.runtime.taskexecutor.TaskManagerRunner "${@:2}"
