#!/bin/bash
# The JobManager of a native cluster: kubernetes-session or kubernetes-application.
case ${1:-} in
kubernetes-session) class=org.apache.flink.kubernetes.entrypoint.KubernetesSessionClusterEntrypoint ;;
kubernetes-application) class=org.apache.flink.kubernetes.entrypoint.KubernetesApplicationClusterEntrypoint ;;
*)
	echo "usage: ${0##*/} kubernetes-session|kubernetes-application [ARGUMENT...]" >&2
	exit 1
	;;
esac
exec "${FLINK_HOME:-/opt/flink}/bin/launch" jobmanager "$1" "$class" "${@:2}"
