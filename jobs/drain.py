"""`backcourt drain`: what a Ray head's pod runs before it is stopped, so that its run ends cleanly.

KubeRay suspends and retries a run without stopping its Ray job first, and asks for a preStop hook instead. Ray sends
SIGTERM to the job's driver and, after RAY_JOB_STOP_WAIT_TIME_S, SIGKILL: backcourt finishes the commits that are under
way within that time. Ray itself takes the token that its dashboard asks for from the environment.
"""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

    from backcourt.clock import Clock

LOOK_SECONDS = 0.5
"""Pause between looks at the jobs that were asked to stop."""


def drain(
    address: Annotated[str, typer.Option(help="The dashboard of this pod.")] = "http://127.0.0.1:8265",
    patience: Annotated[float, typer.Option(min=0, help="Seconds to wait for the jobs' end.")] = 60.0,
) -> None:
    """Ask every submitted job of this Ray cluster to stop, and wait until all have."""
    from ray.job_submission import JobSubmissionClient

    from backcourt.clock import SystemClock
    from backcourt.errors import LimitReached, PreflightError

    try:
        client = JobSubmissionClient(address)
        left = stop_jobs(client, SystemClock(), patience)
    except (ConnectionError, RuntimeError) as error:
        why = " ".join(str(error).split()).rstrip(".")
        raise PreflightError(f"Ray's dashboard at {address} does not answer: {why}.", "Is this a head's pod?") from None
    if left:
        raise LimitReached(f"Still running after {patience:.0f} s: {', '.join(left)}.", "Ray will kill them.")


def stop_jobs(client: "JobSubmissionClient", clock: "Clock", patience: float) -> list[str]:
    """Stop every submitted job that has not ended; the ids of those that run on after `patience` seconds.

    Raises:
        ConnectionError, RuntimeError: the dashboard does not answer, or refuses.
    """
    running = _unfinished(client)
    for job in running:
        client.stop_job(job)
    deadline = clock.monotonic() + patience
    while running and clock.monotonic() < deadline:
        clock.sleep(LOOK_SECONDS)
        running = _unfinished(client)
    return running


def _unfinished(client: "JobSubmissionClient") -> list[str]:
    """Submission ids; a driver that nobody submitted has none and cannot be stopped this way."""
    return [j.submission_id for j in client.list_jobs() if j.submission_id and not j.status.is_terminal()]
