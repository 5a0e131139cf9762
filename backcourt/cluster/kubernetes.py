"""Everything that speaks to Kubernetes' API: RayJobs, the chart's template of one, pods, events, logs.

It uses the kubeconfig that kubectl uses, or a pod's service account. Every call has a deadline; what goes wrong is told
in a sentence.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from lightkube import ApiError, Client, ConfigError, KubeConfig
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.core_v1 import ContainerStatus
from lightkube.resources.core_v1 import ConfigMap, Event
from lightkube.resources.core_v1 import Pod as KubernetesPod
from pydantic import ValidationError
from yaml import YAMLError, safe_load

from backcourt.cluster.rayjob import RayJob
from backcourt.cluster.story import Notice, PodState
from backcourt.errors import BackcourtError, Permanent, UsageError

CALL_SECONDS = 20.0
"""Deadline of one call."""
TEMPLATE = "app.kubernetes.io/component=rayjob-template"
"""The label of the chart's ConfigMap that holds the RayJob."""
INSTANCE, COMPONENT = "app.kubernetes.io/instance", "app.kubernetes.io/component"
ORIGIN, CLUSTER = "ray.io/originated-from-cr-name", "ray.io/cluster"
"""Labels by which KubeRay marks what belongs to a RayJob and to its Ray cluster."""
SUBMITTER = "submitter"
"""The component, and the container, that prints the driver's log."""
_RESOURCE: Any = create_namespaced_resource("ray.io", "v1", "RayJob", "rayjobs")


class ClusterError(BackcourtError, Permanent):
    """Raised when Kubernetes does not answer, or refuses."""


class Cluster:
    """A namespace of the cluster that the current context names."""

    def __init__(self, client: Client, namespace: str) -> None:
        """Ask through this client."""
        self._client, self.namespace = client, namespace

    def template(self, release: str | None) -> RayJob:
        """The RayJob of the release's values, without a run.

        Raises:
            UsageError: there is no such release, or several and none was named.
            ClusterError: the API does not answer.
        """
        with _told("the chart's ConfigMaps", self.namespace):
            found = list(self._client.list(ConfigMap, namespace=self.namespace, labels=_labels(TEMPLATE)))
        by_release = {(m.metadata.labels or {}).get(INSTANCE, ""): m for m in found if m.metadata}
        names = ", ".join(sorted(by_release))
        if not by_release:
            raise UsageError(
                f"backcourt is not installed in namespace {self.namespace}.",
                "Name its namespace with --namespace, or install the chart: docs/deployment.md.",
            )
        if release is None and len(by_release) > 1:
            raise UsageError(f"Namespace {self.namespace} has several releases.", f"Give --release: {names}.")
        if release is not None and release not in by_release:
            raise UsageError(f"There is no release {release} in namespace {self.namespace}.", f"There are: {names}.")
        chosen = by_release[release] if release else next(iter(by_release.values()))
        try:
            return RayJob.model_validate(safe_load((chosen.data or {})["rayjob.yaml"]))
        except (KeyError, YAMLError, ValidationError) as error:
            raise UsageError(
                f"The release's template of a RayJob cannot be read: {type(error).__name__}.", "Upgrade the release."
            ) from None

    def create(self, job: RayJob) -> RayJob:
        """Make it.

        Raises:
            UsageError: there is one of that name, or its fields are refused.
            ClusterError: it may not be made, or the API does not answer.
        """
        with _told(f"RayJob {job.name}", self.namespace):
            made = self._client.create(_RESOURCE.from_dict(job.manifest()), namespace=self.namespace)
        return RayJob.model_validate(made.to_dict())

    def get(self, run_id: str) -> RayJob | None:
        """A run's RayJob; None where there is none, or no longer.

        Raises:
            ClusterError: the API does not answer.
        """
        try:
            with _told(f"RayJob {run_id}", self.namespace):
                return RayJob.model_validate(self._client.get(_RESOURCE, run_id, namespace=self.namespace).to_dict())
        except _Absent:
            return None

    def jobs(self) -> list[RayJob]:
        """The namespace's RayJobs that backcourt or its chart made, the newest first.

        Raises:
            ClusterError: the API does not answer.
        """
        labels = _labels("app.kubernetes.io/part-of=backcourt")
        with _told("RayJobs", self.namespace):
            found = [
                RayJob.model_validate(o.to_dict())
                for o in self._client.list(_RESOURCE, namespace=self.namespace, labels=labels)
            ]
        return sorted(found, key=lambda j: str(j.metadata.creation_timestamp), reverse=True)

    def pods(self, job: RayJob) -> list[PodState]:
        """The pods of its submitters and of its present Ray cluster, the oldest first."""
        wanted = [_labels(f"{ORIGIN}={job.name}")]
        if job.status.ray_cluster_name:
            wanted.append(_labels(f"{CLUSTER}={job.status.ray_cluster_name}"))
        with _told(f"the pods of {job.name}", self.namespace):
            place = self.namespace
            found = [p for labels in wanted for p in self._client.list(KubernetesPod, namespace=place, labels=labels)]
        states = {state.name: state for state in map(_state, found)}
        return sorted(states.values(), key=lambda p: (p.created, p.name))

    def notices(self, job: RayJob) -> list[Notice]:
        """The operator's warnings about it, in their order."""
        fields = {"involvedObject.kind": "RayJob", "involvedObject.name": job.name, "type": "Warning"}
        with _told(f"the events of {job.name}", self.namespace):
            found = list(self._client.list(Event, namespace=self.namespace, fields=dict(fields)))
        found.sort(key=lambda e: str(e.lastTimestamp or e.eventTime or ""))
        return [Notice(e.reason or "", e.message or "") for e in found]

    def log(self, pod: str, since: int | None) -> list[str]:
        """The lines of a submitter's log of the last so many seconds, each behind its time; none while it starts."""
        try:
            with _told(f"the log of {pod}", self.namespace):
                lines = self._client.log(
                    pod,
                    namespace=self.namespace,
                    container=None,
                    since=since,
                    timestamps=True,
                    newlines=False,
                )
                return list(lines)
        except (_Absent, UsageError):  # gone, or its container has not started
            return []


@contextmanager
def open_cluster(namespace: str | None, context: str | None) -> Iterator[Cluster]:
    """The cluster of the kubeconfig's context, or of the pod that this is.

    Raises:
        UsageError: there is no kubeconfig, or no such context.
    """
    try:
        config = KubeConfig.from_env().get(context) if context else KubeConfig.from_env().get()
    except (ConfigError, OSError, KeyError, ValueError, YAMLError) as error:
        why = " ".join(str(error).split()).rstrip(".")
        raise UsageError(
            f"No cluster is configured here: {why}.",
            "Set KUBECONFIG as for kubectl; `kubectl config get-contexts` lists what --context may be.",
        ) from None
    if config is None:
        raise UsageError("The kubeconfig names no present context.", "Give --context, or `kubectl config use-context`.")
    place = namespace or config.namespace or "default"
    with Client(config, namespace=place, timeout=httpx2.Timeout(CALL_SECONDS), trust_env=False) as client:
        yield Cluster(client, place)


class _Absent(BackcourtError, Permanent):
    """Raised when the API knows no such object."""


@contextmanager
def _told(what: str, namespace: str) -> Iterator[None]:
    """Errors of a call as sentences."""
    try:
        yield
    except ApiError as error:
        raise _refusal(error, what, namespace) from None
    except httpx2.HTTPError as error:
        why = str(error).rstrip(".") or type(error).__name__
        raise ClusterError(
            f"Kubernetes' API does not answer about {what}: {why}.", "Look whether `kubectl get pods` answers."
        ) from None


def _refusal(error: ApiError, what: str, namespace: str) -> BackcourtError:
    code, message = error.status.code or 0, (error.status.message or str(error)).rstrip(".")
    told: dict[int, Callable[[], BackcourtError]] = {
        401: lambda: ClusterError("Kubernetes does not know who you are.", "Log in again, as for kubectl."),
        403: lambda: ClusterError(f"You may not do that in namespace {namespace}: {message}.", "Ask for the right."),
        404: lambda: _missing(error, what, namespace),
        409: lambda: UsageError(
            f"There is a {what} already.",
            "`backcourt runs` shows it; take another --run: what is committed is not done again.",
        ),
        400: lambda: UsageError(f"Kubernetes refuses {what}: {message}."),
        422: lambda: UsageError(f"Kubernetes refuses {what}: {message}.", "Correct the chart's values."),
    }
    return told.get(code, lambda: ClusterError(f"Kubernetes could not answer about {what}: {message}."))()


def _missing(error: ApiError, what: str, namespace: str) -> BackcourtError:
    if error.status.details is not None and error.status.details.name:
        return _Absent(f"There is no {what} in namespace {namespace}.")
    return ClusterError("The cluster knows no RayJobs.", "Install the KubeRay operator: docs/tryout.md.")


def _labels(text: str) -> dict[str, Any]:
    name, _, value = text.partition("=")
    return {name: value}


def _state(pod: KubernetesPod) -> PodState:
    meta, status = pod.metadata, pod.status
    assert meta is not None  # noqa: S101 (every object that the API lists has a name)
    waiting, why, image = "", "", ""
    statuses = [*(status.initContainerStatuses or []), *(status.containerStatuses or [])] if status else []
    for container in statuses:
        waiting, why, image = _cannot_start(container)
        if waiting:
            break
    else:
        for condition in (status.conditions if status else None) or []:
            if condition.type == "PodScheduled" and condition.status == "False":
                waiting, why = condition.reason or "", condition.message or ""
    return PodState(
        meta.name or "",
        (meta.labels or {}).get(COMPONENT, ""),
        (status.phase if status else None) or "",
        str(meta.creationTimestamp or ""),
        waiting,
        why,
        image,
    )


def _cannot_start(container: ContainerStatus) -> tuple[str, str, str]:
    state = container.state.waiting if container.state else None
    if state is None or state.reason in ("ContainerCreating", "PodInitializing", None):
        return "", "", ""
    return state.reason, state.message or "", container.image
