{{- define "conditions.ingress.apiVersion" -}}
  {{- if semverCompare ">=1.19-0" .Capabilities.KubeVersion.Version -}}
    networking.k8s.io/v1
  {{- else if .Capabilities.APIVersions.Has "networking.k8s.io/v1beta1" -}}
    networking.k8s.io/v1beta1
  {{- else -}}
    extensions/v1beta1
  {{- end -}}
{{- end -}}
{{- define "conditions.ingress.isStable" -}}
  {{- eq (include "conditions.ingress.apiVersion" .) "networking.k8s.io/v1" -}}
{{- end -}}
{{- define "conditions.bool" -}}{{ if . }}true{{ end }}{{- end -}}
