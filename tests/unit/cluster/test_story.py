"""What an operator's spread-out answer means, as one sentence; states and reasons are KubeRay's and the kubelet's."""

from typing import Any

import pytest

from backcourt.cluster.rayjob import RayJob
from backcourt.cluster.story import Notice, PodState, story_of

IMAGE = "registry.example/backcourt:0.1.0"
EXIT = "Job entrypoint command failed with exit code {}, last available logs (truncated to 20,000 chars):\nblocked\n"
"""As Ray's job supervisor writes it; KubeRay copies it into status.message."""


def job(status: str = "", suspend: bool = False, labels: dict[str, str] | None = None, **more: Any) -> RayJob:
    return RayJob.model_validate(
        {
            "metadata": {"name": "season", "labels": labels or {}},
            "spec": {"entrypoint": "exec backcourt backfill", "suspend": suspend, "submissionMode": "K8sJobMode"},
            "status": {"jobDeploymentStatus": status, **more},
        }
    )


@pytest.mark.parametrize(
    ("found", "said", "code"),
    [
        (job("Complete", jobStatus="SUCCEEDED"), "season is done.", 0),
        (job("Failed", jobStatus="FAILED", reason="AppFailed", message=EXIT.format(3)), "blocked by the gate", 3),
        (job("Failed", jobStatus="FAILED", reason="AppFailed", message=EXIT.format(4)), "warehouse is not ready", 4),
        (job("Failed", jobStatus="STOPPED"), "was stopped", 143),
        (job("Failed", reason="DeadlineExceeded", message="passed"), "longer than backfill.activeDeadlineSeconds", 6),
        (job("Failed", reason="PreRunningDeadlineExceeded"), "not ready within backfill.preRunningDeadlineSeconds", 6),
        (job("Failed", reason="JobStatusCheckTimeoutExceeded"), "did not answer for five minutes", 1),
        (job("Failed", reason="SubmissionFailed"), "could not be handed to Ray", 1),
        (job("Failed", reason="Novel", message="something new."), "Novel: something new", 1),
    ],
)
def test_an_end_is_told_with_its_exit_code(found: RayJob, said: str, code: int) -> None:
    story = story_of(found, [], [])
    assert said in story.sentence
    assert (story.over, story.exit_code) == (True, code)


def test_a_refused_spec_is_told_by_the_operators_own_words() -> None:
    notices = [
        Notice("FailedToCreateRayCluster", "later"),
        Notice("InvalidRayJobSpec", "backoffLimit must be positive."),
    ]
    story = story_of(job("ValidationFailed", reason="ValidationFailed"), [], notices)
    assert "backoffLimit must be positive. Correct" in story.sentence
    assert (story.over, story.exit_code) == (True, 2)
    told = story_of(job("ValidationFailed", message="the RayJob name is too long"), [], notices)
    assert "the RayJob name is too long" in told.sentence


@pytest.mark.parametrize(
    ("waiting", "why", "said"),
    [
        ("ImagePullBackOff", 'Back-off pulling image "x"', f"the image {IMAGE} of pod season-head cannot be pulled"),
        ("ErrImageNeverPull", "", "cannot be pulled (ErrImageNeverPull)"),
        ("CreateContainerConfigError", 'secret "slack" not found', 'cannot be made: secret "slack" not found'),
        ("Unschedulable", "0/3 nodes are available: 3 Insufficient memory.", "0/3 nodes are available"),
        ("CrashLoopBackOff", "back-off 20s", "ends again and again"),
    ],
)
def test_a_pod_that_cannot_start_is_told_while_the_rayjob_only_says_initializing(
    waiting: str, why: str, said: str
) -> None:
    pods = [
        PodState("season-worker", "worker", "Running"),
        PodState("season-head", "head", "Pending", "", waiting, why, IMAGE),
    ]
    story = story_of(job("Initializing"), pods, [])
    assert said in story.sentence
    assert not story.over


def test_what_is_alive_is_told() -> None:
    pods = [PodState("a", "head", "Running"), PodState("b", "worker", "Pending")]
    assert story_of(job(), [], []).sentence == "season waits for KubeRay's operator to take it up."
    assert story_of(job("Initializing"), pods, []).sentence == "season starts: 1 of 2 pods run."
    assert "runs on Ray cluster c" in story_of(job("Running", rayClusterName="c"), pods, []).sentence
    assert "attempt 2" in story_of(job("Retrying", failed=2), pods, []).sentence
    assert "spec.suspend is false" in story_of(job("Suspended", suspend=True), [], []).sentence
    queued = job("Suspended", suspend=True, labels={"kueue.x-k8s.io/queue-name": "nights"})
    assert "Kueue's queue nights" in story_of(queued, [], []).sentence


def test_a_run_is_named_in_a_template_and_everything_else_is_kept() -> None:
    template = job(labels={"app.kubernetes.io/managed-by": "Helm", "kueue.x-k8s.io/queue-name": "q"})
    made = template.named("backfill-1", ["--tables", "a b;reboot"], ["a b;reboot"]).manifest()
    assert made["metadata"]["name"] == "backfill-1"
    assert made["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "backcourt",
        "kueue.x-k8s.io/queue-name": "q",
    }
    assert made["spec"]["entrypoint"] == "exec backcourt backfill --run backfill-1 --tables 'a b;reboot'"
    assert made["spec"]["submissionMode"] == "K8sJobMode"
    assert "status" not in made
