"""What a run left undone, asked of a warehouse that answers by script."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from backcourt.errors import UsageError
from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.processor import Pipeline
from backcourt.warehouse.errors import AccessDenied, NotFound
from backcourt.warehouse.fake import Call, FakeWarehouse
from backcourt.warehouse.history_reads import OutcomeFilter
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import (
    JobRequest,
    JobResult,
    Kind,
    ReadRequest,
    TableDefinition,
    TableRef,
    TableState,
)
from ray_tasks.attempts import Attempts, Patience
from ray_tasks.lookback import read_code_versions, read_failures, read_not_through, read_outcomes, read_runs
from ray_tasks.permits import LocalPermits
from ray_tasks.prepare import Ground, read_ledger
from tests.unit.engine.fake_clock import START, FakeClock
from tests.unit.pipeline.worlds import day, processor


@dataclass
class Named(FakeWarehouse):
    """A fake that knows how tables are called."""

    names: Names = field(default_factory=lambda: Names("proj"))


def ground(warehouse: Named) -> Ground:
    clock = FakeClock()
    attempts = Attempts(warehouse, LocalPermits(dict.fromkeys(Kind, 1), clock), clock, Random(1), Patience(tries=2))
    return Ground(Pipeline("p", (processor("a"),)), warehouse, attempts, clock, "state", "look", "n")  # type: ignore[arg-type]


def row(table: str, number: int, outcome: str) -> dict[str, Any]:
    return {
        "run_id": "night", "start_number": 1, "table_name": table, "partition_date": day(number), "outcome": outcome,
        "recorded_at": datetime(2026, 11, 1, tzinfo=UTC), "category": None, "retry_can_help": False, "reason": None,
        "missing": '["ann"]', "row_count": 0, "expected_count": 1, "present_count": 0, "warned": None, "holes": None,
        "attempts": 1, "seconds": 0.0, "commit_id": None, "notes": None,
    }  # fmt: skip


def answering(*rows: dict[str, Any]) -> Named:
    return Named(lambda call: JobResult(call.argument.job_id, rows) if isinstance(call.argument, JobRequest) else None)


NIGHT = answering(
    row("d.a", 4, "left"), row("d.a", 1, "blocked"), row("d.a", 2, "failed"), row("d.a", 3, "committed"),
    row("d.a", 5, "superseded"), row("d.raw", 1, "blocked"),
)  # fmt: skip


def test_blocked_failed_and_left_are_to_be_done_and_nothing_else() -> None:
    assert read_not_through(ground(NIGHT), "night", ["d.a"]) == tuple(Partition("d.a", day(n)) for n in (1, 2, 4))


def test_a_run_of_other_tables_is_told_apart_from_a_run_that_nobody_knows() -> None:
    with pytest.raises(UsageError, match=r"Run night had none of these tables: it made d.a, d.raw\. .*ingest"):
        read_not_through(ground(NIGHT), "night", ["d.b"])
    with pytest.raises(UsageError, match="There is no history of a run nobody"):
        read_not_through(ground(answering()), "nobody", ["d.a"])


def test_two_questions_of_one_command_are_two_jobs() -> None:
    """A job id is used once: the second question would otherwise get the first one's answer."""
    warehouse = answering()
    asked = ground(warehouse)
    read_outcomes(asked, OutcomeFilter(START.date()))
    read_outcomes(asked, OutcomeFilter(START.date(), run_id="night"))
    assert len({request.job_id for request in warehouse.arguments("run")}) == 2


def test_a_warehouse_without_history_is_empty() -> None:
    def lost(_: Call) -> Any:
        return NotFound("There is no table.", "Create it.")

    asked = ground(Named(lost))
    assert read_outcomes(asked, OutcomeFilter(START.date())) == ()
    assert read_runs(asked, START.date()) == ()
    assert read_code_versions(asked) == ()


def test_failures_are_what_was_blocked_or_failed_and_why() -> None:
    told = {"reason": "coverage 1 of 187"}
    warehouse = answering(row("d.a", 1, "blocked") | told, row("d.a", 2, "failed") | told, row("d.a", 4, "left"))
    assert read_failures(ground(warehouse), day(1)) == {
        Partition("d.a", day(1)): "blocked in run night, coverage 1 of 187",
        Partition("d.a", day(2)): "failed in run night, coverage 1 of 187",
    }
    (query,) = warehouse.calls
    asked = {p.name: p.value for p in query.argument.parameters}
    assert set(asked["left"]) >= {"blocked", "failed"}  # BigQuery leaves the others out, thousands of them


def without_ledger(error: Exception, described: object) -> Named:
    """A warehouse whose ledger cannot be read; `described` is what it says of the table itself."""
    return Named(lambda call: error if isinstance(call.argument, ReadRequest) else described)


@pytest.mark.parametrize("error", [NotFound("no such table"), AccessDenied("forbidden, or perhaps does not exist")])
def test_a_ledger_that_is_not_there_yet_is_empty(error: Exception) -> None:
    assert read_ledger(ground(without_ledger(error, NotFound("no such dataset"))), day(1), day(9)) == {}
    assert read_ledger(ground(without_ledger(error, NotImplemented)), day(1), day(9)) == {}


def test_a_ledger_that_is_forbidden_is_not_taken_for_an_empty_one() -> None:
    there = TableState(TableDefinition(TableRef("state", "ledger"), ()), num_rows=1, num_bytes=1)
    with pytest.raises(AccessDenied):
        read_ledger(ground(without_ledger(AccessDenied("no"), there)), day(1), day(9))
