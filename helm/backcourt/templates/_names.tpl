{{/* Names, labels, image. */}}
{{- define "backcourt.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name }}{{ end }}
{{- end }}

{{/* The run's id, which is the RayJob's name: at most 47 characters, a letter first. */}}
{{- define "backcourt.run" -}}
{{- $run := printf "%s-%s" .Release.Name .Values.backfill.run }}
{{- if not (regexMatch "^[a-z][a-z0-9-]{0,46}$" $run) }}
{{- fail (printf "The run's name %s does not fit a RayJob: at most 47 lower-case letters, digits and hyphens, a letter first. Choose a shorter backfill.run or release." $run) }}
{{- end }}
{{- $run }}
{{- end }}

{{/* The command of a backfill, before its flags. */}}
{{- define "backcourt.backfill" -}}
backfill --yes --config /etc/backcourt/settings.yaml
{{- end }}

{{- define "backcourt.selector" -}}
app.kubernetes.io/part-of: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* KubeRay gives its pods a name of its own, by which the RayJob's service finds the head: leave it alone. */}}
{{- define "backcourt.rayLabels" -}}
{{ include "backcourt.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "backcourt.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
{{ include "backcourt.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "backcourt.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (include "backcourt.name" .) }}
{{- end }}

{{- define "backcourt.shares" -}}
{{- .Values.shares.configMap | default (printf "%s-shares" (include "backcourt.name" .)) }}
{{- end }}

{{/* Whether a CronJob's command, its first argument, is a run: it takes permits. */}}
{{- define "backcourt.isRun" -}}
{{- if has . (list "daily" "backfill" "ingest") }}true{{ end }}
{{- end }}

{{- define "backcourt.tokenSecret" -}}
{{- .Values.ray.tokenSecret | default (printf "%s-ray-token" (include "backcourt.name" .)) }}
{{- end }}

{{- define "backcourt.image" -}}
image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- end }}

{{/* What values.schema.json cannot say: conditions between two values. */}}
{{- define "backcourt.checked" -}}
{{- if and (not .Values.bigquery.project) (not .Values.tryout.enabled) }}
{{- fail "bigquery.project is empty. Set it to your Google Cloud project, or try backcourt without one: --values values-tryout.yaml" }}
{{- end }}
{{- if gt (float64 .Values.pipeline.blockBelow) (float64 .Values.pipeline.warnBelow) }}
{{- fail "pipeline.blockBelow is above pipeline.warnBelow: every warned partition would be blocked. Lower it." }}
{{- end }}
{{- if and .Values.dashboard.ingress.enabled (not .Values.dashboard.ingress.host) }}
{{- fail "dashboard.ingress.enabled needs dashboard.ingress.host." }}
{{- end }}
{{- if and .Values.dashboard.ingress.enabled .Values.networkPolicy.enabled (not .Values.dashboard.ingress.namespace) }}
{{- fail "dashboard.ingress.enabled needs dashboard.ingress.namespace, whose pods the network policy lets in." }}
{{- end }}
{{- if gt (int .Values.workers.autoscaling.minReplicas) (int .Values.workers.replicas) }}
{{- fail "workers.autoscaling.minReplicas is above workers.replicas, which is the most that there are." }}
{{- end }}
{{- end }}
