{{/*
A RayJob of the release's values, and its spec alone. Both take `root`, `run` (its id, and the RayJob's name), `command`
(what backcourt does), `tables` in words, and whether to `suspend`.
*/}}
{{- define "backcourt.rayjob" -}}
apiVersion: ray.io/v1
kind: RayJob
metadata:
  name: {{ .run }}
  labels:
    {{- include "backcourt.labels" .root | nindent 4 }}
    app.kubernetes.io/component: backfill
    {{- with .root.Values.kueue.queueName }}
    kueue.x-k8s.io/queue-name: {{ . }}
    {{- end }}
spec:
  {{- include "backcourt.rayjobSpec" . | nindent 2 }}
{{- end }}

{{- define "backcourt.rayjobSpec" -}}
submissionMode: K8sJobMode
# exec: the shell goes, so that Ray's SIGTERM reaches backcourt, which then stops cleanly.
entrypoint: >-
  exec backcourt {{ .command }}
metadata:
  run: {{ .run }}
  tables: {{ .tables | quote }}
suspend: {{ .suspend }}
shutdownAfterJobFinishes: true
ttlSecondsAfterFinished: {{ int64 .root.Values.backfill.ttlSecondsAfterFinished }}
activeDeadlineSeconds: {{ int64 .root.Values.backfill.activeDeadlineSeconds }}
preRunningDeadlineSeconds: {{ int64 .root.Values.backfill.preRunningDeadlineSeconds }}
backoffLimit: {{ .root.Values.backfill.backoffLimit }}
submitterConfig:
  backoffLimit: 2
submitterPodTemplate:
  {{- include "backcourt.submitter" .root | nindent 2 }}
rayClusterSpec:
  rayVersion: {{ .root.Values.ray.version | quote }}
  authOptions:
    mode: token
    secretName: {{ include "backcourt.tokenSecret" .root }}
  enableInTreeAutoscaling: {{ .root.Values.workers.autoscaling.enabled }}
  {{- if .root.Values.workers.autoscaling.enabled }}
  autoscalerOptions:
    version: v2
    idleTimeoutSeconds: {{ .root.Values.workers.autoscaling.idleTimeoutSeconds }}
    {{- include "backcourt.containerSecurity" .root | nindent 4 }}
    volumeMounts:
      {{- include "backcourt.volumeMounts" .root | nindent 6 }}
      {{- include "backcourt.tokenMount" .root | nindent 6 }}
    env:
      {{- include "backcourt.tokenEnv" .root | nindent 6 }}
  {{- end }}
  headGroupSpec:
    rayStartParams:
      num-cpus: "0" # the driver's node: no worker may land beside it
    template:
      {{- include "backcourt.head" .root | nindent 6 }}
  workerGroupSpecs:
    - groupName: workers
      replicas: {{ if .root.Values.workers.autoscaling.enabled }}{{ .root.Values.workers.autoscaling.minReplicas }}{{ else }}{{ .root.Values.workers.replicas }}{{ end }}
      minReplicas: {{ if .root.Values.workers.autoscaling.enabled }}{{ .root.Values.workers.autoscaling.minReplicas }}{{ else }}{{ .root.Values.workers.replicas }}{{ end }}
      maxReplicas: {{ .root.Values.workers.replicas }}
      rayStartParams: {}
      template:
        {{- include "backcourt.worker" .root | nindent 8 }}
{{- end }}
