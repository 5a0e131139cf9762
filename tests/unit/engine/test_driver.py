"""Driver, committer and serial pool together, over a BigQuery in memory, with commits that end when a test says so."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from random import Random
from typing import Any

import polars as pl
import pytest

from backcourt.errors import GateError
from backcourt.pipeline.board import Board
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.content_hash import content_hashes
from backcourt.pipeline.coverage import Thresholds
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.outcomes import Category, Outcome, Partition, PartitionOutcome, exit_code
from backcourt.pipeline.plan import Request, build_plan
from backcourt.pipeline.processor import SAME_DATE, Chunk, Inputs, Pipeline, Processor
from backcourt.warehouse.errors import (
    AccessDenied,
    AlreadyCommitted,
    InvalidQuery,
    StagingMismatch,
    Stopped,
    Superseded,
)
from backcourt.warehouse.fake import Call, FakeWarehouse
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import JobRequest, Kind
from ray_tasks import committer as committer_module
from ray_tasks.attempts import Attempts, Patience
from ray_tasks.committer import Batch, Committer, RunIdentity
from ray_tasks.driver import Driver, DriverSettings, RunEnd
from ray_tasks.errors import Bystander, WorkerDied
from ray_tasks.observing import Progress
from ray_tasks.permit_book import KindState
from ray_tasks.permits import LocalPermits
from ray_tasks.pool import Finished, SerialPool
from ray_tasks.steps import Bench, StageStep, Step
from tests.unit.engine.fake_clock import FakeClock
from tests.unit.engine.memory_warehouse import Fault, MemoryWarehouse
from tests.unit.pipeline.worlds import day, one_row_a_date, processor, reads, seen

Ledger = dict[tuple[str, date], LedgerEntry]


class Watcher:
    """Remembers outcomes; asks for a stop with 143 once it has seen `stop_after` of them."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.outcomes: list[PartitionOutcome] = []
        self._stop_after = stop_after

    @property
    def exit_code(self) -> int:
        return 143 if self._stop_after is not None and len(self.outcomes) >= self._stop_after else 0

    def opened(self, dashboard_url: str) -> None: ...

    def progress(self, progress: Progress) -> None: ...

    def ended(self, outcome: PartitionOutcome) -> None:
        self.outcomes.append(outcome)


class Run:
    """One run of a pipeline over some dates. Commits wait until the driver has nothing else to do (it sleeps)."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        *processors: Processor,
        dates: int = 10,
        chunk_days: int = 1,
        fault: Fault = lambda *_: None,
        stop_after: int | None = None,
        commits_end: bool = True,
        ledger: Ledger | None = None,
        settings: DriverSettings | None = None,
        kinds: tuple[KindState, ...] = (),
        pool: type[SerialPool] = SerialPool,
    ) -> None:
        self.pending: list[tuple[Callable[[Batch], None], Batch]] = []
        monkeypatch.setattr(committer_module, "_in_thread", lambda work, batch: self.pending.append((work, batch)))
        self.commits_end = commits_end
        self.clock = FakeClock(self._while_sleeping)
        self.memory = MemoryWarehouse(fault)
        self.warehouse = FakeWarehouse(self.memory)
        self.watcher = Watcher(stop_after)
        permits = LocalPermits(dict.fromkeys(Kind, 4), self.clock)
        attempts = Attempts(self.warehouse, permits, self.clock, Random(1), Patience())
        pipeline = Pipeline("p", processors or (processor("a"),))
        days = tuple(day(n) for n in range(dates))
        tables = tuple(p.name for p in pipeline.processors)
        request = Request(run_id="r", tables=tables, days=days, as_of=day(1000), other_versions=True)
        plan = build_plan(pipeline, Calendar(days), request, ledger or {})
        saw = seen(pipeline, Calendar(days), plan, ledger or {})
        self.board = Board(pipeline, Calendar(days), plan, saw, Thresholds(), chunk_days)
        self.committer = Committer(RunIdentity("r", 1, "v"), pipeline, self.warehouse, Names("proj"), attempts, "state")
        self.driver = Driver(
            pipeline,
            plan,
            self.board,
            pool(Bench(pipeline, self.warehouse, attempts, self.clock, "state")),
            self.committer,
            settings or DriverSettings(reads=4, loads=4),
            self.clock,
            self.watcher,
            self.watcher,
            lambda: kinds or permits.state(),
        )
        self.end: RunEnd = self.driver.run()

    def _while_sleeping(self, _: float) -> None:
        if self.commits_end and self.pending:
            work, batch = self.pending.pop(0)
            work(batch)

    def ends(self, table: str = "d.a") -> dict[int, Outcome]:
        return {(p.day - day(0)).days: o.outcome for p, o in self.board.outcomes.items() if p.table == table}


def is_commit(call: Call) -> bool:
    return isinstance(call.argument, JobRequest) and call.argument.kind is Kind.COMMIT


def on_commit(answers: dict[int, Any]) -> Fault:
    """Faults by the number of the commit script, counted from one."""
    number = 0

    def fault(_: MemoryWarehouse, call: Call) -> Any:
        nonlocal number
        if is_commit(call):
            number += 1
            return answers.get(number)
        return None

    return fault


def test_what_waits_while_a_commit_runs_goes_into_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch)
    assert set(run.ends().values()) == {Outcome.COMMITTED}
    assert [(commit, len(days)) for commit, days in run.memory.commits] == [("r-1-a-1", 1), ("r-1-a-2", 9)]
    assert run.end == RunEnd()
    assert run.board.shelf.held == 0
    dropped = {str(ref) for ref in run.warehouse.arguments("drop")}
    assert dropped == set(run.memory.staged) == {"state.staging__r_1_a_1", "state.staging__r_1_a_2"}


def test_every_outcome_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, processor("a"), processor("b", [reads("a", SAME_DATE)]))
    assert sorted(o.partition for o in run.watcher.outcomes) == sorted(run.board.outcomes)


@pytest.mark.parametrize("chunk_days", [1, 3, 31])
def test_later_tables_read_what_earlier_ones_committed(monkeypatch: pytest.MonkeyPatch, chunk_days: int) -> None:
    run = Run(monkeypatch, processor("a"), processor("b", [reads("a", SAME_DATE)]), chunk_days=chunk_days, dates=6)
    assert set(run.ends("d.b").values()) == {Outcome.COMMITTED}
    read = [r for r in run.warehouse.arguments("read") if str(r.table) == "d.a"]
    assert len(read) == 1
    assert set(run.memory.published["d.b"]) == {day(n) for n in range(6)}


def test_superseded_dates_are_dropped_and_the_rest_is_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    error = Superseded("superseded", dates=(day(2), day(4)))
    run = Run(monkeypatch, chunk_days=31, fault=on_commit({1: error}))
    assert run.ends() == {n: Outcome.SUPERSEDED if n in (2, 4) else Outcome.COMMITTED for n in range(10)}
    assert [len(days) for _, days in run.memory.commits] == [8]


def test_superseded_without_dates_is_looked_up_in_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service may cut a long error text short."""

    def fault(memory: MemoryWarehouse, call: Call) -> Any:
        if is_commit(call) and not memory.ledger:
            memory.ledger["d.a"] = [(day(3), "other-1")]
            return Superseded("cut short")
        return None

    run = Run(monkeypatch, chunk_days=31, fault=fault)
    assert run.ends() == {n: Outcome.SUPERSEDED if n == 3 else Outcome.COMMITTED for n in range(10)}
    assert "other-1" in run.board.outcomes[Partition("d.a", day(3))].reason


def test_a_commit_that_is_superseded_by_nobody_knows_whom_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, chunk_days=31, fault=on_commit(dict.fromkeys(range(1, 99), Superseded("by nobody"))))
    assert set(run.ends().values()) == {Outcome.FAILED}


def test_a_staging_that_does_not_add_up_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, chunk_days=31, fault=on_commit({1: StagingMismatch("3 rows of 4")}))
    assert set(run.ends().values()) == {Outcome.COMMITTED}
    assert [commit for commit, _ in run.memory.commits] == ["r-1-a-2"]
    assert {str(ref) for ref in run.warehouse.arguments("drop")} == set(run.memory.staged)
    assert len(run.memory.staged) == 2


def dying_while_staging(times: int, error: type[WorkerDied]) -> type[SerialPool]:
    """A pool whose worker dies so many times while it stages."""
    left = [error("The worker died.")] * times

    class Dying(SerialPool):
        def submit(self, step: Step, references: Sequence[object]) -> int:
            self._staging = isinstance(step, StageStep)
            return super().submit(step, references)

        def wait(self, timeout: float) -> list[Finished]:
            done = super().wait(timeout)
            return [replace(done[0], result=None, error=left.pop())] if done and self._staging and left else done

    return Dying


def test_a_batch_that_kills_its_worker_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, chunk_days=31, pool=dying_while_staging(4, WorkerDied))
    assert {(o.outcome, o.category) for o in run.watcher.outcomes} == {(Outcome.FAILED, Category.WORKER)}


def test_a_batch_whose_worker_dies_of_what_it_computes_is_staged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, chunk_days=31, pool=dying_while_staging(12, Bystander))
    assert set(run.ends().values()) == {Outcome.COMMITTED}


def test_a_staging_that_never_adds_up_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = on_commit(dict.fromkeys(range(1, 99), StagingMismatch("3 rows of 4")))
    run = Run(monkeypatch, chunk_days=31, fault=faults)
    assert set(run.ends().values()) == {Outcome.FAILED}
    assert {o.category for o in run.board.outcomes.values()} == {Category.WAREHOUSE}


def test_an_earlier_attempt_that_got_through_is_a_success(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, chunk_days=31, fault=on_commit({1: AlreadyCommitted("yes")}))
    assert set(run.ends().values()) == {Outcome.COMMITTED}


def test_a_commit_that_somebody_cancelled_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, chunk_days=31, fault=on_commit({1: Stopped("cancelled")}))
    assert set(run.ends().values()) == {Outcome.COMMITTED}
    assert [commit for commit, _ in run.memory.commits] == ["r-1-a-2"]


def test_a_commit_that_was_published_before_it_was_cancelled_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(memory: MemoryWarehouse, call: Call) -> Any:
        if is_commit(call):
            memory.commit(call.argument)
            return Stopped("cancelled")
        return None

    run = Run(monkeypatch, chunk_days=31, fault=fault)
    assert set(run.ends().values()) == {Outcome.COMMITTED}
    assert [commit for commit, _ in run.memory.commits] == ["r-1-a-1"]


def test_a_commit_that_fails_leaves_other_tables_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(_: MemoryWarehouse, call: Call) -> Any:
        return InvalidQuery("no") if is_commit(call) and call.argument.table == "d.a" else None

    run = Run(monkeypatch, processor("a"), processor("b"), processor("c", [reads("a", SAME_DATE)]), fault=fault)
    assert set(run.ends("d.a").values()) == {Outcome.FAILED}
    assert set(run.ends("d.b").values()) == {Outcome.COMMITTED}
    assert set(run.ends("d.c").values()) == {Outcome.BLOCKED}


def test_a_bug_in_a_commit_is_a_failure_and_no_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, chunk_days=31, fault=on_commit({1: ZeroDivisionError("a bug")}))
    assert set(run.ends().values()) == {Outcome.FAILED}
    assert "ZeroDivisionError: a bug" in run.board.outcomes[Partition("d.a", day(0))].reason


def test_a_block_that_cannot_be_read_fails_its_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(_: MemoryWarehouse, call: Call) -> Any:
        return AccessDenied("no right") if call.method == "read" and str(call.argument.table) == "d.a" else None

    run = Run(monkeypatch, processor("a"), processor("b", [reads("a", SAME_DATE)]), fault=fault)
    assert set(run.ends("d.a").values()) == {Outcome.COMMITTED}
    assert set(run.ends("d.b").values()) == {Outcome.FAILED}
    assert run.board.shelf.held == 0


def failing_on(bad: date) -> Processor:
    def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
        if bad in chunk.dates:
            raise ValueError("a strange game")
        return one_row_a_date(chunk, inputs)

    return replace(processor("a"), compute=compute)


def test_a_processor_that_fails_on_one_date_fails_on_that_date_only(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, failing_on(day(6)), chunk_days=31)
    assert run.ends() == {n: Outcome.FAILED if n == 6 else Outcome.COMMITTED for n in range(10)}
    failed = run.board.outcomes[Partition("d.a", day(6))]
    assert failed.category is Category.CODE
    assert "ValueError: a strange game" in failed.reason


def test_a_date_that_a_processor_refuses_is_blocked_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
        if day(6) in chunk.dates:
            raise GateError("made for 33 features, holds 34.", "Train again.")
        return one_row_a_date(chunk, inputs)

    refusing = replace(processor("a"), compute=compute)
    run = Run(monkeypatch, refusing, processor("b", [reads("a", SAME_DATE)]), chunk_days=31)
    ends = {n: Outcome.BLOCKED if n == 6 else Outcome.COMMITTED for n in range(10)}
    assert run.ends("d.a") == run.ends("d.b") == ends
    refused = run.board.outcomes[Partition("d.a", day(6))]
    assert (refused.category, refused.reason) == (Category.REFUSED, "made for 33 features, holds 34. Train again.")
    assert refused.reason in run.board.outcomes[Partition("d.b", day(6))].reason
    assert exit_code(run.board.outcomes.values()) == 3


def without_rows(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    return one_row_a_date(chunk, inputs).clear()


def test_dates_that_expect_nothing_and_hold_nothing_are_committed(monkeypatch: pytest.MonkeyPatch) -> None:
    def expect_none(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
        return without_rows(chunk, inputs).select("day", "who")

    run = Run(monkeypatch, replace(processor("a"), compute=without_rows, expected_keys=expect_none))
    assert set(run.ends().values()) == {Outcome.COMMITTED}
    assert not run.memory.staged
    assert {o.coverage for o in run.board.outcomes.values()} == {1.0}


def test_dates_that_expect_something_and_hold_nothing_are_blocked(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, replace(processor("a"), compute=without_rows))
    assert set(run.ends().values()) == {Outcome.BLOCKED}
    assert {o.missing for o in run.board.outcomes.values()} == {("x",)}
    assert not run.memory.commits


def test_a_stop_lets_commits_end_and_leaves_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, processor("a"), processor("b", [reads("a", SAME_DATE)]), stop_after=1)
    assert run.end == RunEnd(stopped=143)
    ends = list(run.board.outcomes.values())
    committed = {(t, d) for commit, days in run.memory.commits for t in [f"d.{commit.split('-')[2]}"] for d in days}
    assert {(o.partition.table, o.partition.day) for o in ends if o.outcome is Outcome.COMMITTED} == committed
    left = [o for o in ends if o.outcome is Outcome.LEFT]
    assert len(left) + len(committed) == len(ends) == 20
    assert left
    assert {(o.category, o.reason) for o in left} == {(Category.INTERRUPTED, "the run was stopped")}


def test_a_stop_before_anything_leaves_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(monkeypatch, stop_after=0)
    assert set(run.ends().values()) == {Outcome.LEFT}
    assert not run.warehouse.calls


def test_the_watchdog_names_what_it_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = DriverSettings(reads=4, loads=4, stall_seconds=5.0)
    run = Run(monkeypatch, commits_end=False, settings=settings)
    assert run.end.stall.startswith("No progress for 5 s. It waited for: commit r-1-a-1")
    assert run.end.in_flight == ("r-1-a-1",)
    assert set(run.ends().values()) == {Outcome.LEFT}
    assert run.board.outcomes[Partition("d.a", day(0))].reason == run.end.stall


def test_a_limit_of_time_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = DriverSettings(reads=4, loads=4, deadline_seconds=3.0)
    run = Run(monkeypatch, commits_end=False, settings=settings)
    assert run.end.stall.startswith("The run's limit of 3 s has passed.")


@pytest.mark.parametrize(
    ("lapsed", "ended"),
    [
        (False, "The run's limit of 300 s has passed."),  # other runs have the budget: that is no stall
        (True, "No progress for 70 s. It waited for: commit r-1-a-1; the run's share of the budget, which cannot be"),
    ],
)
def test_a_run_waits_for_its_share_but_not_for_one_that_cannot_be_renewed(
    monkeypatch: pytest.MonkeyPatch, lapsed: bool, ended: str
) -> None:
    state = KindState(Kind.COMMIT, 8, 8, 0, 0, int(not lapsed), None, 0.0, (), share=0, lapsed=lapsed)
    settings = DriverSettings(reads=4, loads=4, stall_seconds=70.0, deadline_seconds=300.0)
    run = Run(monkeypatch, dates=2, commits_end=False, settings=settings, kinds=(state,))
    assert run.end.stall.startswith(ended)


def test_a_commit_that_is_cut_to_renewals_stages_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two dates whose rows are as before, two new ones, and a script that is too long for more than two."""
    monkeypatch.setattr(committer_module, "fits", lambda batch, *_: len(batch.entries) <= 2)
    days = (day(0), day(1))
    rows = one_row_a_date(Chunk("d.a", days, day(1000)), {})
    hashes = content_hashes(processor("a").table, rows, days)
    ledger = {
        ("d.a", d): LedgerEntry("d.a", d, 1, "old-1", "old-1", processor_version="0", content_hash=hashes[d])
        for d in days
    }
    run = Run(monkeypatch, dates=4, chunk_days=31, ledger=ledger)
    assert run.ends() == {0: Outcome.RENEWED, 1: Outcome.RENEWED, 2: Outcome.COMMITTED, 3: Outcome.COMMITTED}
    assert [len(d) for _, d in run.memory.commits] == [2, 2]
    assert set(run.memory.staged) == {"state.staging__r_1_a_2"}
