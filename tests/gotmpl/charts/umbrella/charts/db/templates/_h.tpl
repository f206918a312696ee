{{- define "db.host" -}}
{{ .Release.Name }}-{{ .Chart.Name }}.{{ .Values.global.domain }}:{{ .Values.port }}
{{- end -}}
