{{- define "component" -}}
{{- $name := index . 0 -}}
{{- $cfg := index . 1 -}}
{{- $root := index . 2 -}}
name: {{ printf "%s-%s" $root.Release.Name $name }}
replicas: {{ $cfg.replicas }}
image: {{ printf "%s:%s" $cfg.image.repo $cfg.image.tag | quote }}
env:
{{- range $k := keys $cfg.env | sortAlpha }}
{{- $v := get $cfg.env $k }}
{{- if not (kindIs "invalid" $v) }}
- name: {{ $k }}
  value: {{ $v | quote }}
{{- end }}
{{- end }}
ports: {{ $cfg.ports | toJson }}
{{- if gt (len $cfg.ports) 1 }}
extra: {{ rest $cfg.ports | toJson }}
{{- end }}
{{- end -}}
{{- define "mutate" -}}
{{- $_ := set .state "count" (add (.state.count | default 0) 1) -}}
{{- $_ := set .state "seen" (append (.state.seen | default list) .name) -}}
{{- end -}}
