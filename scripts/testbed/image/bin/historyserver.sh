#!/bin/bash
# The history server.
[[ ${1:-} == start-foreground ]] || {
	echo "usage: ${0##*/} start-foreground [ARGUMENT...]; a container has no use for a daemon" >&2
	exit 1
}
exec "${FLINK_HOME:-/opt/flink}/bin/launch" historyserver historyserver org.apache.flink.runtime.webmonitor.history.HistoryServer "${@:2}"
