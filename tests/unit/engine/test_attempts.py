"""Attempts: three classes of errors, a permit for each call, none while waiting for the next."""

from contextlib import suppress
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcourt.errors import BackcourtError
from backcourt.warehouse.errors import (
    InvalidQuery,
    JobUnresolved,
    QuotaExceeded,
    RateLimited,
    Stopped,
    Superseded,
    TransactionAborted,
    TransientError,
    Unreachable,
)
from backcourt.warehouse.fake import Call, FakeWarehouse
from backcourt.warehouse.requests import JobPhase, JobRequest, JobResult, JobState, Kind
from ray_tasks.attempts import RESOLVE_POLL_SECONDS, Attempts, Patience
from ray_tasks.permits import LocalPermits
from tests.unit.engine.fake_clock import FakeClock

LIMITS = dict.fromkeys(Kind, 4)


class Scene:
    """Attempts against scripted answers; sleeping checks that no permit is held, but while a job is being followed."""

    def __init__(self, runs: list[Any], looks: list[Any] | None = None, patience: Patience | None = None) -> None:
        self.runs, self.looks = runs, looks or []
        self.clock = FakeClock(self._while_sleeping)
        self.permits = LocalPermits(LIMITS, self.clock)
        self.warehouse = FakeWarehouse(self._answer)
        self.attempts = Attempts(self.warehouse, self.permits, self.clock, Random(1), patience or Patience())

    @property
    def held(self) -> int:
        return sum(kind.held for kind in self.permits.state())

    @property
    def ids(self) -> list[str]:
        return [request.job_id for request in self.warehouse.arguments("run")]

    def _while_sleeping(self, seconds: float) -> None:
        assert self.held == (1 if seconds == RESOLVE_POLL_SECONDS else 0)

    def _answer(self, call: Call) -> Any:
        if call.method == "run":
            assert self.held == 1
            return self.runs.pop(0) if self.runs else None
        if call.method == "job" and self.looks:
            answer = self.looks.pop(0)
            phase = answer if isinstance(answer, JobPhase) else JobPhase.FAILED
            return JobState(call.argument, phase, None if isinstance(answer, JobPhase) else answer)
        return NotImplemented


def job(kind: Kind = Kind.QUERY) -> JobRequest:
    return JobRequest("j", kind, "r", "d.t")


@pytest.mark.parametrize("error", [TransientError, Unreachable, TransactionAborted, RateLimited])
def test_what_may_pass_is_tried_again_under_a_new_id(error: type[BackcourtError]) -> None:
    scene = Scene([error("no"), error("no")])
    assert scene.attempts.run(job()).job_id == "j-3"
    assert scene.ids == ["j-1", "j-2", "j-3"]
    assert len(scene.clock.slept) >= 2
    assert scene.held == 0


@pytest.mark.parametrize("error", [InvalidQuery, Superseded])
def test_what_cannot_pass_is_raised_at_once(error: type[BackcourtError]) -> None:
    scene = Scene([error("no")])
    with pytest.raises(error):
        scene.attempts.run(job())
    assert scene.ids == ["j-1"]
    assert not scene.clock.slept
    assert scene.held == 0


def test_only_a_refusal_for_a_limit_shrinks_the_budget() -> None:
    def limit(scene: Scene) -> int:
        scene.attempts.run(job())
        return next(k.limit for k in scene.permits.state() if k.kind is Kind.QUERY)

    assert limit(Scene([TransientError("no")])) == 4
    assert limit(Scene([RateLimited("no")])) == 2


def test_a_quota_of_the_day_parks_its_kind() -> None:
    scene = Scene([QuotaExceeded("no", park_seconds=700.0)])
    with pytest.raises(QuotaExceeded):
        scene.attempts.once(job())
    assert {k.kind: k.parked_seconds for k in scene.permits.state()} == {**dict.fromkeys(Kind, 0.0), Kind.QUERY: 700.0}


def test_errors_are_counted_by_class_and_have_an_end() -> None:
    scene = Scene([TransientError("no")] * 9, patience=Patience(tries=3))
    with pytest.raises(TransientError):
        scene.attempts.run(job())
    assert len(scene.ids) == 4
    assert (scene.attempts.count.retryable, scene.attempts.count.quota) == (3, 0)
    refused = Scene([RateLimited("no")] * 9, patience=Patience(tries=1, quota_tries=5))
    with pytest.raises(RateLimited):
        refused.attempts.run(job())
    assert len(refused.ids) == 6


def test_waiting_doubles_up_to_its_longest() -> None:
    scene = Scene([TransientError("no")] * 6, patience=Patience(tries=6, first=1.0, longest=8.0))
    scene.attempts.run(job())
    assert all(longest / 2 <= s <= longest for s, longest in zip(scene.clock.slept, [1, 2, 4, 8, 8, 8], strict=True))


@pytest.mark.parametrize("kind", [Kind.QUERY, Kind.LOAD, Kind.COMMIT])
def test_a_job_that_outlives_its_call_keeps_its_permit_until_it_has_ended(kind: Kind) -> None:
    scene = Scene([JobUnresolved("lost", job_id="j-1")], [JobPhase.RUNNING, JobPhase.RUNNING, JobPhase.DONE])
    assert scene.attempts.run(job(kind)).job_id == "j-1"
    assert set(scene.ids) == {"j-1"}
    assert scene.clock.slept == [1.0, 1.0]
    assert scene.warehouse.arguments("cancel") == ([] if kind is Kind.COMMIT else ["j-1"])
    assert scene.held == 0


@pytest.mark.parametrize("kind", [Kind.QUERY, Kind.LOAD])
def test_a_job_that_was_cancelled_for_its_slowness_is_sent_again(kind: Kind) -> None:
    cancelled = Stopped("Job execution was cancelled: User requested cancellation")
    scene = Scene([JobUnresolved("slow"), cancelled], [JobPhase.RUNNING, cancelled])
    with pytest.raises(Stopped):  # nobody here asked for the second one's end
        scene.attempts.run(job(kind))
    assert scene.warehouse.arguments("cancel") == ["j-1"]
    assert scene.ids == ["j-1", "j-2"]
    assert scene.attempts.count.retryable == 1


def test_a_commit_that_was_stopped_is_never_sent_again() -> None:
    scene = Scene([JobUnresolved("slow")], [Stopped("Job execution was cancelled")])
    with pytest.raises(Stopped):
        scene.attempts.run(job(Kind.COMMIT))
    assert scene.ids == ["j-1"]


def test_the_rows_of_a_query_that_was_found_done_are_fetched() -> None:
    rows = JobResult("j-1", ({"n": 1},), adopted=True)
    scene = Scene([JobUnresolved("lost"), rows], [JobPhase.DONE])
    assert scene.attempts.run(job()) is rows


def test_a_job_that_never_arrived_is_sent_again() -> None:
    scene = Scene([JobUnresolved("lost")], [JobPhase.MISSING])
    assert scene.attempts.run(job(Kind.COMMIT)).job_id == "j-2"


def test_a_found_jobs_own_error_decides() -> None:
    scene = Scene([JobUnresolved("lost")], [RateLimited("no")])
    assert scene.attempts.run(job(Kind.LOAD)).job_id == "j-2"
    assert next(k.limit for k in scene.permits.state() if k.kind is Kind.LOAD) == 2
    lost = Scene([JobUnresolved("lost")], [Superseded("no")])
    with pytest.raises(Superseded):
        lost.attempts.run(job(Kind.COMMIT))


def test_a_job_that_never_ends_stays_unresolved() -> None:
    scene = Scene([JobUnresolved("lost")], [JobPhase.RUNNING] * 20, Patience(resolve=10.0))
    with pytest.raises(JobUnresolved):
        scene.attempts.run(job(Kind.COMMIT))
    assert scene.ids == ["j-1"]
    assert scene.held == 0


def test_once_means_once_and_under_its_own_id() -> None:
    scene = Scene([TransientError("no")])
    with pytest.raises(TransientError):
        scene.attempts.once(job())
    assert scene.ids == ["j"]


ANSWERS = st.lists(
    st.sampled_from([TransientError("a"), RateLimited("b"), InvalidQuery("c"), JobUnresolved("d"), None]), max_size=12
)


@settings(max_examples=150, deadline=None)
@given(
    runs=ANSWERS,
    looks=st.lists(st.sampled_from([*JobPhase, TransientError("x"), InvalidQuery("y")]), max_size=20),
    kind=st.sampled_from([Kind.LOAD, Kind.COMMIT]),
)
def test_no_id_is_used_twice_and_every_permit_comes_back(runs: list[Any], looks: list[Any], kind: Kind) -> None:
    looks = [InvalidQuery("failed") if look is JobPhase.FAILED else look for look in looks]
    scene = Scene(list(runs), looks)
    with suppress(BackcourtError):
        scene.attempts.run(job(kind))
    assert len(set(scene.ids)) == len(scene.ids)
    assert scene.held == 0
    if kind is Kind.COMMIT:
        assert not scene.warehouse.arguments("cancel")


def test_what_jobs_billed_is_summed_up_and_what_failed_is_not() -> None:
    answers = [JobResult("a", bytes_billed=10), TransientError("weather"), JobResult("b", bytes_billed=32)]
    scene = Scene(answers)
    for name in ("a", "b"):
        scene.attempts.run(JobRequest(name, Kind.QUERY, "r", "d.t"))
    assert scene.attempts.count.billed_bytes == 42
