{{/* The settings file: docs/settings.md says what each is. */}}
{{- define "backcourt.settings" -}}
{{- if .Values.tryout.enabled }}
endpoint: http://{{ include "backcourt.name" . }}-bigquery:9050
storage_endpoint: {{ include "backcourt.name" . }}-bigquery:9060
{{- else }}
project: {{ .Values.bigquery.project | quote }}
{{- end }}
{{- with .Values.bigquery.location }}
location: {{ . | quote }}
{{- end }}
{{- with .Values.bigquery.datasets }}
datasets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.bigquery.stateDataset }}
state_dataset: {{ . | quote }}
{{- end }}
priority: {{ .Values.bigquery.priority }}
{{- with .Values.bigquery.maximumBytesBilled }}
maximum_bytes_billed: {{ int64 . }}
{{- end }}
pipeline: {{ .Values.pipeline.name }}
block_below: {{ .Values.pipeline.blockBelow }}
warn_below: {{ .Values.pipeline.warnBelow }}
chunk_days: {{ .Values.pipeline.chunkDays }}
{{- with .Values.pipeline.timezone }}
timezone: {{ . | quote }}
{{- end }}
stall_seconds: {{ .Values.pipeline.stallSeconds }}
{{- with .Values.pipeline.source }}
source: {{ . | quote }}
{{- end }}
heal_days: {{ .Values.pipeline.healDays }}
{{- with .Values.pipeline.models }}
models: {{ . | quote }}
{{- end }}
{{- if .Values.alerts.webhookSecret }}
alert_webhook_file: /etc/alerts/{{ .Values.alerts.webhookKey }}
{{- end }}
shares: {{ if .Values.shares.enabled }}configmap:{{ .Release.Namespace }}/{{ include "backcourt.shares" . }}{{ else }}none{{ end }}
{{- with .Values.settings }}
{{ toYaml . }}
{{- end }}
budget_file: /etc/backcourt/settings.yaml
budget:
  {{- toYaml .Values.budget | nindent 2 }}
{{- end }}
