"""What is going on with a RayJob, in sentences: pure, from the object, its pods and its events.

The operator spreads it over four places: deployment status, reason, events, and the pods' own waiting reasons. A wrong
field shows as an event, an image that cannot be pulled only in a pod, and the RayJob itself just says Initializing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from backcourt.cluster.rayjob import RayJob

OVER = frozenset({"Complete", "Failed", "ValidationFailed"})
"""Deployment statuses that nothing follows, but for an attempt that is left."""
PULL = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"})
"""Reasons of a kubelet that has no image to start."""
CONFIGURATION = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
"""Reasons of a kubelet that cannot start a container as it is described."""
AGAIN = "Submit it again under another name: what is committed is not done again"
"""What goes on with a RayJob that is over; Kubernetes keeps its name until it is deleted."""


@dataclass(frozen=True)
class PodState:
    """A pod in short. `waiting` and `why` are of its first container that cannot start, or of its scheduling."""

    name: str
    component: str
    phase: str
    created: str = ""
    waiting: str = ""
    why: str = ""
    image: str = ""


@dataclass(frozen=True)
class Notice:
    """An event of the operator's about the RayJob."""

    reason: str
    message: str


@dataclass(frozen=True)
class Story:
    """One sentence for now. Once it is `over`, `exit_code` is the command's, as far as anybody knows it."""

    sentence: str
    over: bool = False
    exit_code: int = 0


def story_of(job: RayJob, pods: Sequence[PodState], notices: Sequence[Notice]) -> Story:
    """How a RayJob stands."""
    status = job.status.job_deployment_status
    if status in OVER:
        return _end(job, status, notices)
    if status in ("Suspending", "Suspended") or job.spec.suspend:
        return Story(f"{job.name} is held ({'suspend' if job.spec.suspend else status}): {_held(job)}")
    return Story(f"{job.name} {_alive(job, status, pods)}")


def _alive(job: RayJob, status: str, pods: Sequence[PodState]) -> str:
    stuck = _stuck(pods)
    if stuck:
        return f"cannot start: {stuck}"
    if status == "Retrying":
        return f"failed (attempt {job.status.failed or 1}) and starts again on a new cluster."
    if status == "Running":
        return f"runs on Ray cluster {job.status.ray_cluster_name}."
    if not status and not pods:
        return "waits for KubeRay's operator to take it up."
    return f"starts: {sum(p.phase == 'Running' for p in pods)} of {len(pods)} pods run."


def _end(job: RayJob, status: str, notices: Sequence[Notice]) -> Story:
    if status == "Complete" and job.status.job_status in ("SUCCEEDED", ""):
        return Story(f"{job.name} is done.", over=True)
    if status == "ValidationFailed":
        said = next((n.message for n in reversed(notices) if "Invalid" in n.reason or "Validat" in n.reason), "")
        why = job.status.message or said or "the operator gave no reason"
        return Story(f"KubeRay's operator refuses {job.name}: {_short(why)}. Correct the chart's values.", True, 2)
    code = job.exit_code
    if code is not None:
        return Story(f"{job.name} ended with exit code {code}: {MEANING.get(code, 'see its log')}.", True, code or 1)
    if job.status.job_status == "STOPPED":
        return Story(f"{job.name} was stopped. {AGAIN}.", True, 143)
    told = REASONS.get(job.status.reason, f"{job.status.reason or status}: {_short(job.status.message)}")
    return Story(f"{job.name} failed. {told}", True, 6 if "DeadlineExceeded" in job.status.reason else 1)


def _stuck(pods: Sequence[PodState]) -> str:
    for pod in pods:
        why = _short(pod.why) or pod.waiting
        if pod.waiting in PULL:
            return (
                f"the image {pod.image} of pod {pod.name} cannot be pulled ({why}). Push it, or correct"
                " image.repository, image.tag and image.pullSecrets."
            )
        if pod.waiting in CONFIGURATION:
            return f"pod {pod.name} cannot be made: {why}. Correct what is named; the pod is tried again."
        if pod.waiting == "Unschedulable":
            return f"no node takes pod {pod.name}: {why}. Ask for less, or let the cluster grow."
        if pod.waiting == "CrashLoopBackOff":
            return f"pod {pod.name} ends again and again: {why}. Look at `kubectl logs {pod.name} --previous`."
    return ""


def _held(job: RayJob) -> str:
    queue = job.metadata.labels.get("kueue.x-k8s.io/queue-name")
    if queue:
        return f"it waits in Kueue's queue {queue}."
    return "it goes on when spec.suspend is false."


def _short(text: str) -> str:
    return " ".join(text.split())[:400].rstrip(". ")


MEANING = {
    1: "an internal error, see its log",
    2: "a flag or a setting is wrong, see its log",
    3: "dates were blocked by the gate, see `backcourt status`",
    4: "the warehouse is not ready, see `backcourt preflight`",
    5: f"dates failed. {AGAIN}",
    6: f"a limit was reached. {AGAIN}",
    130: f"it was interrupted. {AGAIN}",
    143: f"it was stopped. {AGAIN}",
}
"""Exit codes as sentences."""

REASONS = {
    "DeadlineExceeded": (
        "It took longer than backfill.activeDeadlineSeconds, and KubeRay does not try that again. What is committed"
        f" stays; give it longer. {AGAIN}."
    ),
    "PreRunningDeadlineExceeded": (
        "Its pods were not ready within backfill.preRunningDeadlineSeconds: look at `kubectl get pods` and at the"
        " cluster's free room."
    ),
    "SubmissionFailed": "Its command could not be handed to Ray: look at the submitter pod's log.",
    "JobStatusCheckTimeoutExceeded": (
        f"Its head did not answer for five minutes and KubeRay gave it up; it does not try that again. {AGAIN}."
    ),
    "JobDeploymentStatusTransitionGracePeriodExceeded": (
        "Ray's job had ended, but not its submitter: look at `backcourt history` for how it ended."
    ),
}
"""The operator's reasons of failure (JobFailedReason) as sentences."""
