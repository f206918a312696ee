{{- /* Names, labels and texts that several templates share. */ -}}

{{- define "flink.name" -}}
{{ default .Release.Name .Values.fullnameOverride }}
{{- end -}}

{{- define "flink.serviceAccount" -}}
{{- if .Values.serviceAccount.name -}}
{{ .Values.serviceAccount.name }}
{{- else if .Values.serviceAccount.create -}}
{{ include "flink.name" . }}
{{- else -}}
default
{{- end -}}
{{- end -}}

{{- /* What a selector matches, of (list . role); never changed, for a selector is immutable. */ -}}
{{- define "flink.selector" -}}
{{- $top := index . 0 -}}
app.kubernetes.io/name: {{ $top.Chart.Name }}
app.kubernetes.io/instance: {{ $top.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "flink.labels" -}}
{{- $top := index . 0 -}}
{{ include "flink.selector" . }}
app.kubernetes.io/version: {{ include "flink.tag" $top | quote }}
helm.sh/chart: {{ $top.Chart.Name }}-{{ $top.Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "flink.tag" -}}
{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}

{{- /* The folder of this release under the base URI; two releases may share a bucket. */ -}}
{{- define "flink.stateUri" -}}
{{- if and (eq .Values.state.volume.kind "none") (not .Values.state.uri) -}}
{{- fail "state.volume.kind is none, so state.uri must say where the state is kept" -}}
{{- end -}}
{{- $base := default (printf "file://%s" .Values.state.volume.mountPath) .Values.state.uri -}}
{{ trimSuffix "/" $base }}/{{ .Release.Namespace }}/{{ include "flink.name" . }}
{{- end -}}

{{- /* Flink's config.yaml: the chart's keys, then those of flinkConfiguration over them. */ -}}
{{- define "flink.config" -}}
{{- $name := include "flink.name" . -}}
{{- $uri := include "flink.stateUri" . -}}
{{- /* The image's own config.yaml opens these to Flink on Java 17 and later; this one takes its place. */ -}}
{{- $open := list -}}
{{- range list "java.io" "java.lang" "java.lang.reflect" "java.net" "java.nio" "java.text" "java.time" "java.util" "java.util.concurrent" "java.util.concurrent.atomic" "java.util.concurrent.locks" "sun.nio.ch" -}}
{{- $open = append $open (printf "--add-opens=java.base/%s=ALL-UNNAMED" .) -}}
{{- end -}}
{{- $own := dict
  "env.java.opts.all" (join " " $open)
  "jobmanager.rpc.address" (printf "%s-jobmanager" $name)
  "jobmanager.rpc.port" "6123"
  "jobmanager.bind-host" "0.0.0.0"
  "jobmanager.memory.process.size" (printf "%dm" (int .Values.jobManager.memory))
  "blob.server.port" "6124"
  "rest.port" "8081"
  "rest.bind-address" "0.0.0.0"
  "taskmanager.rpc.port" "6122"
  "taskmanager.bind-host" "0.0.0.0"
  "taskmanager.memory.process.size" (printf "%dm" (int .Values.taskManager.memory))
  "taskmanager.numberOfTaskSlots" .Values.taskManager.slots
  "parallelism.default" .Values.job.parallelism
  "execution.checkpointing.interval" .Values.checkpoints.interval
  "execution.checkpointing.timeout" .Values.checkpoints.timeout
  "execution.checkpointing.num-retained" .Values.checkpoints.retained
  "execution.checkpointing.dir" (printf "%s/checkpoints" $uri)
  "execution.checkpointing.savepoint-dir" (printf "%s/savepoints" $uri)
  "execution.checkpointing.externalized-checkpoint-retention" "RETAIN_ON_CANCELLATION"
  "execution.shutdown-on-application-finish" "false" -}}
{{- if .Values.highAvailability.enabled -}}
{{- $own = merge (dict
  "high-availability.type" "kubernetes"
  "high-availability.storageDir" (printf "%s/ha" $uri)
  "high-availability.cluster-id" $name
  "kubernetes.cluster-id" $name
  "kubernetes.namespace" .Release.Namespace
  "job-result-store.delete-on-commit" "false") $own -}}
{{- end -}}
{{- /* A number of the values is a float here, and toString would write a large one with an exponent. */ -}}
{{- range $key, $value := mergeOverwrite $own .Values.flinkConfiguration }}
{{ $key }}: {{ ternary (toJson $value) (toString $value) (kindIs "float64" $value) | quote }}
{{- end }}
{{- end -}}

{{- /* Changes with the configuration, so that the pods are made anew when it does. */ -}}
{{- define "flink.checksum" -}}
{{ printf "%s%s" (include "flink.config" .) .Values.log4j | sha256sum }}
{{- end -}}

{{- /* The metadata of a part's pods, of (list . role part). */ -}}
{{- define "flink.podMetadata" -}}
labels:
  {{- include "flink.selector" . | nindent 2 }}
  {{- with (index . 2).podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  checksum/config: {{ include "flink.checksum" (index . 0) }}
  {{- with (index . 2).podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- /* What JobManager and TaskManager pods have in common, of (list . role part). */ -}}
{{- define "flink.podSpec" -}}
{{- $top := index . 0 -}}
{{- $part := index . 2 -}}
{{- $volume := $top.Values.state.volume -}}
serviceAccountName: {{ include "flink.serviceAccount" $top }}
automountServiceAccountToken: {{ $top.Values.highAvailability.enabled }}
enableServiceLinks: false
terminationGracePeriodSeconds: {{ $part.terminationGracePeriodSeconds }}
securityContext:
  {{- toYaml $top.Values.podSecurityContext | nindent 2 }}
{{- with $top.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- range $key := list "nodeSelector" "tolerations" "affinity" "priorityClassName" }}
{{- with index $part $key }}
{{ $key }}: {{ toJson . }}
{{- end }}
{{- end }}
{{- $fix := and $volume.fixPermissions (ne $volume.kind "none") }}
{{- if or $fix $part.initContainers }}
initContainers:
  {{- if $fix }}
  - name: fix-permissions
    image: {{ $top.Values.image.repository }}:{{ include "flink.tag" $top }}
    imagePullPolicy: {{ $top.Values.image.pullPolicy }}
    command: [chown, "{{ $top.Values.podSecurityContext.runAsUser }}:{{ $top.Values.podSecurityContext.runAsGroup }}", {{ $volume.mountPath | quote }}]
    securityContext:
      runAsUser: 0
      runAsNonRoot: false
      allowPrivilegeEscalation: false
      capabilities:
        drop: [ALL]
        add: [CHOWN]
    volumeMounts:
      - name: state
        mountPath: {{ $volume.mountPath }}
  {{- end }}
  {{- with $part.initContainers }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
volumes:
  - name: conf
    configMap:
      name: {{ include "flink.name" $top }}-config
  {{- with $top.Values.job.jarConfigMap }}
  - name: jar
    configMap:
      name: {{ . }}
  {{- end }}
  {{- if eq $volume.kind "claim" }}
  - name: state
    persistentVolumeClaim:
      claimName: {{ include "flink.name" $top }}-state
  {{- else if eq $volume.kind "existingClaim" }}
  - name: state
    persistentVolumeClaim:
      claimName: {{ $volume.claimName }}
  {{- else if eq $volume.kind "hostPath" }}
  - name: state
    hostPath:
      path: {{ $volume.hostPath }}
      type: DirectoryOrCreate
  {{- else if eq $volume.kind "emptyDir" }}
  - name: state
    emptyDir: {}
  {{- end }}
  {{- with $part.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- /* What the two containers have in common, of (list . role part). */ -}}
{{- define "flink.container" -}}
{{- $top := index . 0 -}}
{{- $part := index . 2 -}}
image: {{ $top.Values.image.repository }}:{{ include "flink.tag" $top }}
imagePullPolicy: {{ $top.Values.image.pullPolicy }}
securityContext:
  {{- toYaml $top.Values.securityContext | nindent 2 }}
resources:
  requests:
    cpu: {{ $part.cpu | quote }}
    memory: {{ int $part.memory }}Mi
  limits:
    {{- with $part.cpuLimit }}
    cpu: {{ . | quote }}
    {{- end }}
    memory: {{ int $part.memory }}Mi
env:
  - name: POD_IP
    valueFrom:
      fieldRef:
        fieldPath: status.podIP
  {{- with $part.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $part.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - name: conf
    mountPath: /opt/flink/conf
    readOnly: true
  {{- if $top.Values.job.jarConfigMap }}
  - name: jar
    mountPath: /opt/flink/usrlib
    readOnly: true
  {{- end }}
  {{- if ne $top.Values.state.volume.kind "none" }}
  - name: state
    mountPath: {{ $top.Values.state.volume.mountPath }}
  {{- end }}
  {{- with $part.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}
