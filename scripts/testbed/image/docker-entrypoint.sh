#!/bin/bash
# Entry point of the testbed's Flink image. It takes what the official image's takes: jobmanager, standalone-job,
# taskmanager, history-server, help, any other command; JOB_MANAGER_RPC_ADDRESS, TASK_MANAGER_NUMBER_OF_TASK_SLOTS,
# FLINK_PROPERTIES, ENABLE_BUILT_IN_PLUGINS, DISABLE_JEMALLOC.
#
# Where it differs from the official one:
# - A read-only conf mount together with FLINK_PROPERTIES: the official entry point can't write the file, says so and
#   goes on without the properties. This one warns and applies them to a copy. A chart must not count on it.
# - The image runs as 9999 in both Flink lines; the official 1.20 starts as root and drops to that user itself.
set -u
export FLINK_HOME=/opt/flink
export PATH=$FLINK_HOME/bin:$PATH

use_jemalloc() {
	local lib=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2
	[[ ${DISABLE_JEMALLOC:-false} == false && -f $lib ]] && export LD_PRELOAD=${LD_PRELOAD:+$LD_PRELOAD:}$lib
}

# ENABLE_BUILT_IN_PLUGINS: names of jars in opt, divided by semicolons, each linked into a plugin folder of its own.
link_plugins() {
	local jar folder plugins=${ENABLE_BUILT_IN_PLUGINS:-}
	for jar in ${plugins//;/ }; do
		folder=$FLINK_HOME/plugins/${jar%.jar}
		[[ -e $FLINK_HOME/opt/$jar ]] || {
			echo "no plugin $jar in $FLINK_HOME/opt" >&2
			exit 1
		}
		mkdir -p "$folder" && ln -sf "$FLINK_HOME/opt/$jar" "$folder/"
	done
}

# properties: FLINK_PROPERTIES as -Dkey=value, one a line. As in the official image all white space of a line goes,
# also inside the value, and only values have their variables substituted.
properties() {
	local line value
	while IFS= read -r line; do
		line=${line//[[:space:]]/}
		[[ -n $line ]] || continue
		value=$(envsubst <<<"${line#*:}")
		printf -- '-D%s=%s\n' "${line%%:*}" "$value"
	done <<<"$FLINK_PROPERTIES"
}

configure() {
	local conf=${FLINK_CONF_DIR:-$FLINK_HOME/conf} file options=() copy
	file=$conf/config.yaml
	# 1.20 still reads the old file where the new one is missing.
	[[ -f $file || ! -f $conf/flink-conf.yaml ]] || file=$conf/flink-conf.yaml
	if [[ -w $file ]]; then
		options+=("-Djobmanager.rpc.address=${JOB_MANAGER_RPC_ADDRESS:-$(hostname -f)}")
		options+=(-Dblob.server.port=6124 -Dquery.server.port=6125)
		[[ -z ${TASK_MANAGER_NUMBER_OF_TASK_SLOTS:-} ]] ||
			options+=("-Dtaskmanager.numberOfTaskSlots=$TASK_MANAGER_NUMBER_OF_TASK_SLOTS")
	elif [[ -n ${FLINK_PROPERTIES:-} ]]; then
		echo "$file is read-only: the official image ignores FLINK_PROPERTIES here, this one applies it to a copy" >&2
		copy=$(mktemp -d) && cp -rL "$conf/." "$copy" && chmod -R u+w "$copy" || exit 1
		file=$copy/${file##*/}
		export FLINK_CONF_DIR=$copy
	fi
	[[ -z ${FLINK_PROPERTIES:-} ]] || mapfile -t -O "${#options[@]}" options < <(properties)
	((${#options[@]} == 0)) || set-configuration "$file" "${options[@]}" || exit 1
}

use_jemalloc
link_plugins
configure
case ${1:-help} in
help)
	echo "Usage: ${0##*/} (jobmanager|standalone-job|taskmanager|history-server|help|COMMAND) [ARGUMENT...]"
	;;
jobmanager) exec jobmanager.sh start-foreground "${@:2}" ;;
standalone-job) exec standalone-job.sh start-foreground "${@:2}" ;;
taskmanager) exec taskmanager.sh start-foreground "${@:2}" ;;
history-server) exec historyserver.sh start-foreground "${@:2}" ;;
*) exec "$@" ;;
esac
