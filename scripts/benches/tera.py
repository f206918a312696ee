"""`template` on a Tera chart of 50 templates, beside helm on the same chart written in Go templates."""

from benches.template import chart

VALUES = """replicas: 2
repository: shop/orders
team: payments
environment: [alpha, beta, gamma, delta, epsilon, zeta, eta, theta]
settings:
  execution.checkpointing.interval: 60s
  taskmanager.numberOfTaskSlots: "2"
  state.backend.type: rocksdb
resources:
  limits: {cpu: "2", memory: 2Gi}
  requests: {cpu: 500m, memory: 1Gi}
"""

GO_HELPERS = r"""
{{- define "app.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
team: {{ .Values.team }}
{{- end }}
"""

GO = r"""apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-c%(i)d
  labels:
    {{- include "app.labels" . | nindent 4 }}
data:
  settings: |
    {{- toYaml .Values.settings | nindent 4 }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-c%(i)d
  labels:
    {{- include "app.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels:
      {{- include "app.labels" . | nindent 6 }}
  template:
    metadata:
      annotations:
        checksum: {{ toYaml .Values.settings | sha256sum }}
      labels:
        {{- include "app.labels" . | nindent 8 }}
    spec:
      containers:
        - name: main
          image: {{ .Values.repository }}:{{ .Chart.AppVersion }}
          env:
            {{- range .Values.environment }}
            - name: {{ upper . }}
              value: {{ printf "%%s-%%s" $.Release.Name . | quote }}
            {{- end }}
          resources:
            {{- toYaml .Values.resources | nindent 12 }}
"""

TERA_HELPERS = r"""{% component labels(@release, @chart, @values) -%}
app.kubernetes.io/name: {{ chart.name }}
app.kubernetes.io/instance: {{ release.name }}
app.kubernetes.io/managed-by: {{ release.service }}
team: {{ values.team }}
{%- endcomponent labels %}
"""

TERA = r"""apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ release.name }}-c%(i)d
  labels:
    {{ <labels /> | indent }}
data:
  settings: |
    {{ values.settings | to_yaml | indent }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ release.name }}-c%(i)d
  labels:
    {{ <labels /> | indent }}
spec:
  replicas: {{ values.replicas }}
  selector:
    matchLabels:
      {{ <labels /> | indent(width=6) }}
  template:
    metadata:
      annotations:
        checksum: {{ values.settings | to_yaml | sha256 }}
      labels:
        {{ <labels /> | indent(width=8) }}
    spec:
      containers:
        - name: main
          image: {{ values.repository }}:{{ chart.app_version }}
          env:
            {%% for name in values.environment %%}
            - name: {{ name | upper }}
              value: {{ (release.name ~ "-" ~ name) | quote }}
            {%% endfor %%}
          resources:
            {{ values.resources | to_yaml | indent(width=12) }}
"""


def run(bench):
    """The rows of the section."""
    go = {f"component-{i:02}.yaml": GO % {"i": i} for i in range(50)}
    tera = {f"component-{i:02}.yaml.tera": TERA % {"i": i} for i in range(50)}
    # Two charts of one name, in two folders.
    go_chart = chart(bench, "shop", {"_helpers.tpl": GO_HELPERS, **go}, VALUES).rename(bench.folder / "go")
    tera_chart = chart(bench, "shop", {"_helpers.tera": TERA_HELPERS, **tera}, VALUES).rename(bench.folder / "tera")

    def same(text):
        """The manifest without blank lines and without the languages' file names."""
        lines = (line.replace(".yaml.tera", ".yaml") for line in text.splitlines())
        return [line.rstrip() for line in lines if line.strip()]

    return [
        bench.compare(
            "50 templates, Tera beside Go",
            [bench.nutkin, "template", "orders", tera_chart],
            [bench.helm, "template", "orders", go_chart],
            same,
        )
    ]
