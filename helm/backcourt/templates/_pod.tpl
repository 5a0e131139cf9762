{{/* What every pod and container has: identity, security, files. */}}
{{- define "backcourt.pod" -}}
serviceAccountName: {{ include "backcourt.serviceAccount" . }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{/* Which nodes a pod may run on: `nodeSelector` and `tolerations` of a part of the values. */}}
{{- define "backcourt.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "backcourt.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  runAsNonRoot: true
  capabilities:
    drop: [ALL]
  seccompProfile:
    type: RuntimeDefault
{{- end }}

{{/* Memory that is asked for is the limit: a worker that is killed for a neighbour costs more than it saves. */}}
{{- define "backcourt.resources" -}}
resources:
  requests:
    cpu: {{ .cpuRequest | default .cpu | quote }}
    memory: {{ .memory }}
  limits:
    cpu: {{ .cpu | quote }}
    memory: {{ .memory }}
{{- end }}

{{/* Files of a Ray node. Shared memory is charged to the pod's memory, so it needs no limit of its own. */}}
{{- define "backcourt.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ .scratch }}
- name: shared-memory
  emptyDir:
    medium: Memory
- name: settings
  configMap:
    name: {{ include "backcourt.name" .root }}-settings
{{- end }}

{{/* The settings are mounted as a folder: a file mounted by subPath would never be renewed. */}}
{{- define "backcourt.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
- name: shared-memory
  mountPath: /dev/shm
- name: settings
  mountPath: /etc/backcourt
  readOnly: true
{{- end }}

{{/* The webhook is a secret: a file that the settings name, in the pods whose command may send an alert. */}}
{{- define "backcourt.alertsVolume" -}}
{{- with .Values.alerts.webhookSecret }}
- name: alerts
  secret:
    secretName: {{ . }}
    defaultMode: 0440
{{- end }}
{{- end }}

{{- define "backcourt.alertsMount" -}}
{{- if .Values.alerts.webhookSecret }}
- name: alerts
  mountPath: /etc/alerts
  readOnly: true
{{- end }}
{{- end }}

{{- define "backcourt.tokenVolume" -}}
- name: ray-token
  secret:
    secretName: {{ include "backcourt.tokenSecret" . }}
    defaultMode: 0440
{{- end }}

{{- define "backcourt.tokenMount" -}}
- name: ray-token
  mountPath: /etc/ray-token
  readOnly: true
{{- end }}

{{/* Ray takes the token from the file because RAY_AUTH_TOKEN is empty; it is there so that KubeRay does not add it. */}}
{{- define "backcourt.tokenEnv" -}}
- name: RAY_AUTH_MODE
  value: token
- name: RAY_AUTH_TOKEN
  value: ""
- name: RAY_AUTH_TOKEN_PATH
  value: /etc/ray-token/auth_token
{{- end }}
