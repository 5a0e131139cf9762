"""Commits that earlier starts announced are awaited before a plan, however many there are."""

from random import Random
from typing import Any

from backcourt.pipeline.processor import Pipeline
from backcourt.warehouse.fake import Call, FakeWarehouse
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import JobRequest, JobResult, Kind
from ray_tasks.attempts import Attempts, Patience
from ray_tasks.permits import LocalPermits
from ray_tasks.prepare import Ground, resolve_unfinished
from tests.unit.engine.fake_clock import FakeClock
from tests.unit.pipeline.worlds import processor

MOST_PARAMETERS = 10_000
"""Of one statement (bq:quotas, "Query jobs", read 2026-11)."""


class Warehouse(FakeWarehouse):
    """`announced` commits that nobody saw end; `running` are the unfinished jobs that each listing finds."""

    def __init__(self, announced: int, running: list[tuple[str, ...]]) -> None:
        super().__init__(self._say)
        self.names = Names("proj")
        self._commits = [
            {"run_id": "old", "start_number": 1, "table_name": "d.t", "job_id": f"old-1-t-{n}-commit"}
            for n in range(announced)
        ]
        self._running = running

    @property
    def resolved(self) -> list[JobRequest]:
        """The statements that record ends."""
        return [r for r in self.arguments("run") if "INSERT" in r.sql]

    def _say(self, call: Call) -> Any:
        if call.method == "unfinished_jobs":
            found = self._running.pop(0) if self._running else ()
            return tuple(job for job in found if job.startswith(call.argument))
        if call.method == "run" and "INSERT" not in call.argument.sql:
            return JobResult(call.argument.job_id, tuple(self._commits))
        return NotImplemented


def resolve(warehouse: Warehouse) -> tuple[tuple[str, ...], FakeClock]:
    clock = FakeClock()
    attempts = Attempts(warehouse, LocalPermits(dict.fromkeys(Kind, 1), clock), clock, Random(1), Patience(tries=2))
    ground = Ground(Pipeline("p", (processor("a"),)), warehouse, attempts, clock, "state", "look", "n")  # type: ignore[arg-type]
    return resolve_unfinished(ground, ["d.t"], 2), clock


def test_thousands_are_resolved_by_few_statements_within_the_limit_of_parameters() -> None:
    warehouse = Warehouse(4_000, [])
    found, _ = resolve(warehouse)
    recorded = [p.value for r in warehouse.resolved for p in r.parameters if p.name.startswith("job_id_")]
    assert sorted(recorded) == sorted(found)
    assert len(set(recorded)) == 4_000
    assert max(len(r.parameters) for r in warehouse.resolved) <= MOST_PARAMETERS
    assert len({r.job_id for r in warehouse.resolved}) == len(warehouse.resolved) <= 10
    assert len(warehouse.arguments("unfinished_jobs")) == 1


def test_every_attempt_is_awaited_and_no_job_of_another_commit() -> None:
    mine, others = "old-1-t-7-commit-2", "old-1-t-77-commit-1"
    warehouse = Warehouse(10, [(mine, others), (mine,), (others,)])
    _, clock = resolve(warehouse)
    assert len(warehouse.arguments("unfinished_jobs")) == 3
    assert len(clock.slept) == 2
    assert len(warehouse.resolved) == 1


def test_without_any_nothing_is_listed_or_recorded() -> None:
    warehouse = Warehouse(0, [])
    assert resolve(warehouse)[0] == ()
    assert not warehouse.arguments("unfinished_jobs")
    assert not warehouse.resolved
