{{- define "library.image" -}}
{{- include "common.images.image" (dict "imageRoot" .Values.image "global" .Values.global "chart" .Chart) -}}
{{- end -}}
{{- define "library.id" -}}
{{ printf "%s/%s" .Release.Name .Chart.Name | sha256sum | trunc 12 }}
{{- end -}}
