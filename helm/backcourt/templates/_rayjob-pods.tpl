{{/* The three pod templates of a RayJob. */}}
{{- define "backcourt.rayMetadata" -}}
metadata:
  labels:
    {{- include "backcourt.rayLabels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "backcourt.submitter" -}}
{{ include "backcourt.rayMetadata" (dict "root" . "component" "submitter") }}
spec:
  {{- include "backcourt.pod" . | nindent 2 }}
  automountServiceAccountToken: false
  restartPolicy: Never
  {{- with include "backcourt.placement" .Values.submitter }}{{ trim . | nindent 2 }}{{ end }}
  containers:
    - name: submitter
      {{- include "backcourt.image" . | nindent 6 }}
      env:
        {{- include "backcourt.tokenEnv" . | nindent 8 }}
      {{- include "backcourt.resources" .Values.submitter | nindent 6 }}
      {{- include "backcourt.containerSecurity" . | nindent 6 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- include "backcourt.tokenMount" . | nindent 8 }}
  volumes:
    - name: tmp
      emptyDir:
        sizeLimit: 1Gi
    {{- include "backcourt.tokenVolume" . | nindent 4 }}
{{- end }}

{{- define "backcourt.head" -}}
{{ include "backcourt.rayMetadata" (dict "root" . "component" "head") }}
spec:
  {{- include "backcourt.pod" . | nindent 2 }}
  automountServiceAccountToken: {{ or .Values.shares.enabled .Values.workers.autoscaling.enabled }}
  restartPolicy: Never
  # 30 s for the run's clean stop, and the rest for Ray's own.
  terminationGracePeriodSeconds: 75
  {{- with include "backcourt.placement" .Values.head }}{{ trim . | nindent 2 }}{{ end }}
  containers:
    - name: ray-head
      {{- include "backcourt.image" . | nindent 6 }}
      env:
        {{- include "backcourt.tokenEnv" . | nindent 8 }}
        - name: RAY_JOB_STOP_WAIT_TIME_S
          value: "30"
        - name: BACKCOURT_RAY_ADDRESS
          value: auto
        - name: BACKCOURT_WORKERS
          value: {{ mul .Values.workers.replicas .Values.workers.cpu | quote }}
        # KubeRay starts a failed run again: an end with 2, 3, 4 or 130 stands for as long as a new cluster may take to come.
        - name: BACKCOURT_SETTLED_SECONDS
          value: {{ int64 .Values.backfill.preRunningDeadlineSeconds | quote }}
      lifecycle:
        preStop:
          exec:
            command: [backcourt, drain]
      ports:
        - name: gcs-server
          containerPort: 6379
        - name: dashboard
          containerPort: 8265
        - name: client
          containerPort: 10001
        - name: metrics
          containerPort: 8080
      {{- include "backcourt.resources" .Values.head | nindent 6 }}
      {{- include "backcourt.containerSecurity" . | nindent 6 }}
      volumeMounts:
        {{- include "backcourt.volumeMounts" . | nindent 8 }}
        {{- include "backcourt.tokenMount" . | nindent 8 }}
        {{- with include "backcourt.alertsMount" . }}{{ trim . | nindent 8 }}{{ end }}
  volumes:
    {{- include "backcourt.volumes" (dict "root" . "scratch" .Values.workers.scratch) | nindent 4 }}
    {{- include "backcourt.tokenVolume" . | nindent 4 }}
    {{- with include "backcourt.alertsVolume" . }}{{ trim . | nindent 4 }}{{ end }}
{{- end }}

{{- define "backcourt.worker" -}}
{{ include "backcourt.rayMetadata" (dict "root" . "component" "worker") }}
spec:
  {{- include "backcourt.pod" . | nindent 2 }}
  automountServiceAccountToken: false
  restartPolicy: Never
  terminationGracePeriodSeconds: 75
  {{- with include "backcourt.placement" .Values.workers }}{{ trim . | nindent 2 }}{{ end }}
  affinity:
    podAntiAffinity: # one lost node should cost one worker
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 100
          podAffinityTerm:
            topologyKey: kubernetes.io/hostname
            labelSelector:
              matchLabels:
                {{- include "backcourt.selector" . | nindent 16 }}
                app.kubernetes.io/component: worker
  containers:
    - name: ray-worker
      {{- include "backcourt.image" . | nindent 6 }}
      env:
        {{- include "backcourt.tokenEnv" . | nindent 8 }}
      ports:
        - name: metrics
          containerPort: 8080
      {{- include "backcourt.resources" .Values.workers | nindent 6 }}
      {{- include "backcourt.containerSecurity" . | nindent 6 }}
      volumeMounts:
        {{- include "backcourt.volumeMounts" . | nindent 8 }}
        {{- include "backcourt.tokenMount" . | nindent 8 }}
  volumes:
    {{- include "backcourt.volumes" (dict "root" . "scratch" .Values.workers.scratch) | nindent 4 }}
    {{- include "backcourt.tokenVolume" . | nindent 4 }}
{{- end }}
