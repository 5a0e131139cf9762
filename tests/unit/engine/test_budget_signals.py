"""Which answers of BigQuery shrink the budget, which park a kind of calls, and which say nothing about it."""

from contextlib import suppress
from random import Random
from typing import Any

import pytest

from backcourt.errors import BackcourtError
from backcourt.warehouse.errors import JobUnresolved
from backcourt.warehouse.fake import Call, FakeWarehouse
from backcourt.warehouse.foreign_errors import About, answered
from backcourt.warehouse.requests import JobPhase, JobRequest, JobState, Kind
from ray_tasks.attempts import Attempts, Patience
from ray_tasks.permit_book import KindState
from ray_tasks.permits import LocalPermits
from tests.unit.engine.fake_clock import FakeClock

DML = "Resources exceeded during query execution: Too many DML statements outstanding against table d.t, limit is 20"
QUEUED = "DML statement has been queued for too long"
RATE = "Exceeded rate limits: too many concurrent queries for this project_and_region"
QUOTA = "Quota exceeded: Your table exceeded quota for imports or query appends per table"
LOST = "Query error: Transaction is aborted due to concurrent update against table p:d.head__t."

# reason, text and HTTP status (None: the error of a finished job), as bq:error-messages and bq:troubleshoot-quotas have
# them; then the limit of 8 afterwards
SIGNALS: list[tuple[str, str, int | None]] = [
    ("rateLimitExceeded", RATE, 403),
    ("jobRateLimitExceeded", "too fast", None),
    ("resourcesExceeded", DML, None),
    ("invalidQuery", QUEUED, None),
    ("", "Too Many Requests", 429),
]
NO_SIGNALS: list[tuple[str, str, int | None]] = [
    ("backendError", "try again", 503),
    ("internalError", "try again", 500),
    ("", "Gateway Timeout", 504),
    ("timeout", "Operation timed out after 6.0 hours", None),
    ("stopped", "Job execution was cancelled", None),
    ("invalidQuery", LOST, None),
    ("resourcesExceeded", "Resources exceeded during query execution: not enough memory", None),
    ("responseTooLarge", "Response too large to return", None),
]


def after(answer: BaseException, *looks: JobPhase) -> KindState:
    """The query permits after one call that was answered so; `looks` is what the job is then found to be."""
    clock, phases = FakeClock(), list(looks)

    def answers(call: Call) -> Any:
        if call.method == "run":
            return answer if not isinstance(answer, JobUnresolved) or len(phases) == len(looks) else None
        return JobState("j", phases.pop(0)) if call.method == "job" else NotImplemented

    permits = LocalPermits({Kind.QUERY: 8}, clock)
    attempts = Attempts(FakeWarehouse(answers), permits, clock, Random(1), Patience())
    with suppress(BackcourtError):
        attempts.once(JobRequest("j", Kind.QUERY, "r", "d.t"))
    (state,) = permits.state()
    return state


@pytest.mark.parametrize(("reason", "text", "status"), SIGNALS)
def test_a_refusal_for_a_rate_halves_the_budget(reason: str, text: str, status: int | None) -> None:
    state = after(answered(reason, text, About("Job j", "j"), status))
    assert (state.limit, state.parked_seconds) == (4, 0.0)


@pytest.mark.parametrize(("reason", "text", "status"), NO_SIGNALS)
def test_what_fails_for_another_cause_leaves_it(reason: str, text: str, status: int | None) -> None:
    state = after(answered(reason, text, About("Job j", "j"), status))
    assert (state.limit, state.parked_seconds, state.seconds_since_signal) == (8, 0.0, None)


def test_a_slow_statement_is_no_signal() -> None:
    slow = JobUnresolved("it has not ended in time", job_id="j")
    state = after(slow, *[JobPhase.RUNNING] * 3600, JobPhase.DONE)
    assert (state.limit, state.seconds_since_signal) == (8, None)


@pytest.mark.parametrize("status", [403, None])
def test_a_quota_that_is_used_up_parks_the_kind_for_ten_minutes(status: int | None) -> None:
    state = after(answered("quotaExceeded", QUOTA, About("Job j", "j"), status))
    assert state.parked_seconds >= 600.0
