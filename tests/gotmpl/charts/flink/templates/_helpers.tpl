{{- define "flink.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-{{ .Chart.Name }}{{ end }}
{{- end }}
{{- define "flink.labels" -}}
app: {{ include "flink.fullname" . }}
release: {{ .Release.Name | quote }}
{{- end }}
{{- define "flink.taskmanagers" -}}
{{- $slots := index .Values.flinkConfiguration "taskmanager.numberOfTaskSlots" | int -}}
{{- .Values.taskmanager.replicas | default (div (add .Values.job.parallelism $slots -1) $slots) -}}
{{- end }}
{{- define "flink.conf" -}}
jobmanager.rpc.address: {{ include "flink.fullname" . }}-jobmanager
parallelism.default: {{ .Values.job.parallelism }}
{{- range $key, $value := .Values.flinkConfiguration }}
{{ $key }}: {{ tpl ($value | toString) $ }}
{{- end }}
{{- end }}
