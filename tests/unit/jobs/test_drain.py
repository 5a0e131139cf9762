"""`backcourt drain` against a dashboard's client that is played; tests/cluster has the real one."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from ray.job_submission import JobStatus

from jobs.drain import stop_jobs


@dataclass
class Job:
    submission_id: str | None
    status: JobStatus


@dataclass
class Dashboard:
    """Jobs that were asked to stop do so at the `slow`-th look afterwards."""

    jobs: list[Job]
    slow: int = 1
    stopped: list[str] = field(default_factory=list)

    def list_jobs(self) -> list[Job]:
        if self.stopped:
            self.slow -= 1
        if self.slow <= 0:
            for job in self.jobs:
                if job.submission_id in self.stopped:
                    job.status = JobStatus.STOPPED
        return self.jobs

    def stop_job(self, job_id: str) -> bool:
        self.stopped.append(job_id)
        return True


class CountedClock:
    """Time passes by sleeping only."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


def test_running_submissions_are_stopped_and_awaited() -> None:
    dashboard = Dashboard(
        [
            Job("done", JobStatus.SUCCEEDED),
            Job("alive", JobStatus.RUNNING),
            Job("waiting", JobStatus.PENDING),
            Job(None, JobStatus.RUNNING),
        ],
        slow=5,
    )
    clock = CountedClock()
    assert stop_jobs(dashboard, clock, patience=60) == []
    assert dashboard.stopped == ["alive", "waiting"]
    assert clock.at == 2.5


def test_what_does_not_stop_is_named() -> None:
    clock = CountedClock()
    assert stop_jobs(Dashboard([Job("stuck", JobStatus.RUNNING)], slow=1000), clock, patience=10) == ["stuck"]
    assert clock.at == 10


def test_nothing_to_stop_takes_no_time() -> None:
    clock = CountedClock()
    assert stop_jobs(Dashboard([Job("done", JobStatus.FAILED)]), clock, patience=60) == []
    assert clock.at == 0
