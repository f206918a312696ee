#!/bin/bash
# A TaskManager of a native cluster, in a pod that the JobManager made.
exec "${FLINK_HOME:-/opt/flink}/bin/launch" taskmanager kubernetes-taskmanager \
	org.apache.flink.kubernetes.taskmanager.KubernetesTaskExecutorRunner "$@"
