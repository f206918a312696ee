{{- define "name" -}}
{{ .Release.Name }}-{{ .Chart.Name }}
{{- end -}}
{{- define "echo" }}[{{ . }}]{{ end -}}
{{- define "fails" -}}
line
{{ .Values.nothing.here }}
{{- end -}}
{{- define "calls-fails" }}{{ include "fails" . }}{{ end -}}
{{- define "forever" }}{{ include "forever" . }}{{ end -}}
{{- define "blank" }}   {{/* nothing */}} {{ end -}}
