"""`template` on charts in Helm's language: a small one, one of 100 templates, one that calls `tpl` 2,000 times."""

HELPERS = r"""
{{- define "app.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- define "app.fullname" -}}
{{- printf "%s-%s" .Release.Name (include "app.name" .) | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- define "app.selector" -}}
app.kubernetes.io/name: {{ include "app.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "app.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "app.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.extraLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}
"""

# Resolves, merges, ranges and hashes: what the large public charts' common libraries do on each object.
HEAVY = r"""
{{- define "app.image" -}}
{{- $registry := default "docker.io" .root.Values.global.registry -}}
{{- $tag := .image.tag | default .root.Chart.AppVersion | toString -}}
{{- if hasPrefix "sha256:" $tag -}}
{{- printf "%s/%s@%s" $registry .image.repository $tag -}}
{{- else -}}
{{- printf "%s/%s:%s" $registry .image.repository $tag -}}
{{- end -}}
{{- end }}
{{- define "app.render" -}}
{{- if typeIs "string" .value }}{{ tpl .value .context }}{{ else }}{{ tpl (toYaml .value) .context }}{{ end }}
{{- end }}
{{- define "app.config" -}}
{{- $merged := mustMergeOverwrite (deepCopy .root.Values.defaults) (dict "component" .name "port" (add 8000 .index)) -}}
{{- range $key, $value := $merged }}
{{- if kindIs "map" $value }}
{{ $key }}:
{{- range $k, $v := $value }}
  {{ $k | snakecase }}: {{ $v | toString | quote }}
{{- end }}
{{- else }}
{{ $key }}: {{ $value | toString | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- define "app.env" -}}
{{- range $i, $name := .root.Values.environment }}
- name: {{ printf "%s_%02d" (upper $name) $i }}
  value: {{ include "app.render" (dict "value" (printf "{{ .Release.Name }}-%s-{{ .Chart.Version }}" $name) "context" $.root) | quote }}
{{- end }}
{{- end }}
"""

WORKLOAD = r"""{{- $component := dict "root" . "name" "c%(i)d" "index" %(i)d "image" .Values.image }}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "app.fullname" . }}-c%(i)d
  labels:
    {{- include "app.labels" . | nindent 4 }}
data:
  config.yaml: |
    {{- include "app.config" $component | nindent 4 }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "app.fullname" . }}-c%(i)d
  labels:
    {{- include "app.labels" . | nindent 4 }}
    app.kubernetes.io/component: c%(i)d
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels:
      {{- include "app.selector" . | nindent 6 }}
      app.kubernetes.io/component: c%(i)d
  template:
    metadata:
      annotations:
        checksum/config: {{ include "app.config" $component | sha256sum }}
      labels:
        {{- merge (dict "app.kubernetes.io/component" "c%(i)d") (include "app.labels" . | fromYaml) | toYaml | nindent 8 }}
    spec:
      containers:
        - name: main
          image: {{ include "app.image" $component | quote }}
          env:
            {{- include "app.env" $component | nindent 12 }}
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
          {{- with .Values.probes }}
          {{- include "app.render" (dict "value" . "context" $) | nindent 10 }}
          {{- end }}
"""

VALUES = """replicas: 2
nameOverride: ""
global:
  registry: registry.example.com
image:
  repository: shop/orders
  tag: ""
extraLabels:
  team: payments
  tier: stream
environment: [alpha, beta, gamma, delta, epsilon, zeta, eta, theta]
defaults:
  logLevel: info
  retries: 3
  checkpoints: {intervalSeconds: 60, storage: s3, maxConcurrent: 1}
  network: {bufferSize: 32768, timeoutMillis: 30000, keepAlive: true}
resources:
  limits: {cpu: "2", memory: 2Gi}
  requests: {cpu: 500m, memory: 1Gi}
probes:
  livenessProbe:
    httpGet: {path: "/{{ .Chart.Name }}/live", port: http}
  readinessProbe:
    httpGet: {path: "/{{ .Chart.Name }}/ready", port: http}
"""

SMALL = r"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "app.fullname" . }}
  labels:
    {{- include "app.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels:
      {{- include "app.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "app.labels" . | nindent 8 }}
    spec:
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ include "app.fullname" . }}
  labels:
    {{- include "app.labels" . | nindent 4 }}
spec:
  selector:
    {{- include "app.selector" . | nindent 4 }}
  ports:
    - port: 80
"""

TPL = r"""apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}
data:
  {{- range $i, $text := .Values.texts }}
  text-{{ $i }}: {{ tpl $text $ | quote }}
  {{- end }}
"""


def chart(bench, name, templates, values):
    """Writes a chart; gives its folder."""
    bench.write(f"{name}/Chart.yaml", f"apiVersion: v2\nname: {name}\nversion: 1.2.3\nappVersion: '2.3.0'\n")
    bench.write(f"{name}/values.yaml", values)
    for file, text in templates.items():
        bench.write(f"{name}/templates/{file}", text)
    return bench.folder / name


def run(bench):
    """The rows of the section."""
    small = chart(bench, "small", {"_helpers.tpl": HELPERS, "app.yaml": SMALL}, VALUES)
    heavy = {f"component-{i:03}.yaml": WORKLOAD % {"i": i} for i in range(100)}
    heavy = chart(bench, "heavy", {"_helpers.tpl": HELPERS, "_heavy.tpl": HEAVY, **heavy}, VALUES)
    texts = "".join(
        f"  - 'number {i} of {{{{ .Release.Name }}}} in {{{{ .Values.where | upper }}}}'\n" for i in range(2000)
    )
    tpl = chart(bench, "texts", {"texts.yaml": TPL}, f"where: here\ntexts:\n{texts}")
    cases = {"small chart": small, "100 templates, heavy helpers": heavy, "tpl 2,000 times": tpl}
    return [
        bench.compare(
            case,
            [bench.nutkin, "template", "orders", folder],
            [bench.helm, "template", "orders", folder],
        )
        for case, folder in cases.items()
    ]
