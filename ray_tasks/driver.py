"""The driver's loop: hand out work, take back results, gate them, commit them, until every partition has an outcome.

One thread, no waiting but in `pool.wait`: the board says what may go next, the pool runs it, the committer publishes in
threads of its own. Three things end a run early: a stop that was asked for, a watchdog, and nothing left to do.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from backcourt.clock import Clock
from backcourt.errors import BackcourtError, DataError, GateError, QuotaSignal
from backcourt.pipeline.board import Board, ComputeTask
from backcourt.pipeline.chunks import Block
from backcourt.pipeline.estimate import MOST_PARTITIONS
from backcourt.pipeline.outcomes import Category, Outcome
from backcourt.pipeline.plan import Plan
from backcourt.pipeline.processor import Chunk, Feed, Pipeline
from backcourt.pipeline.triage import Passed
from backcourt.warehouse.errors import Held, NotFound, StagingMismatch, Stopped, Superseded, WarehouseError
from backcourt.warehouse.requests import Kind
from ray_tasks.committer import Batch, CommitEnded, Committer
from ray_tasks.errors import Bystander, InputLost, PermitTimeout, WorkerDied
from ray_tasks.observing import Observer, Progress
from ray_tasks.permit_book import KindState
from ray_tasks.pool import Finished, Pool
from ray_tasks.steps import BlockRead, ChunkComputed, ComputeStep, ReadStep, Telemetry

POLL_SECONDS = 0.1
"""Longest wait for the pool before commits and stops are looked at."""
IDLE_SECONDS = 0.01
"""Pause of a loop whose pool has nothing to do, while commits are under way."""
STAGING_TRIES = 4
"""How often a partition is staged, a block read or a chunk started, after a death or a load that did not add up."""
BYSTANDER_TRIES = 20
"""The same where the worker died of what it computed beside: a date that kills its worker takes a dozen with it."""
STAGE_AGAIN = (WorkerDied, StagingMismatch, NotFound, Stopped)
"""What a fresh staging table mends: a death, rows that do not add up, and a later start of the same run, which cancels
loads and drops staging tables of earlier starts."""
NOTICE_SECONDS = 0.7
"""How long until the state of the permits shows that killed workers left orphans behind."""
STOP_SECONDS = 14.0
"""How long a stop waits for commits in flight; the whole stop takes at most 25 s."""


@dataclass(frozen=True)
class DriverSettings:
    """What bounds the loop. `reads` and `loads` are the budgets: more steps of a kind would only wait for permits."""

    reads: int
    loads: int
    stall_seconds: float = 900.0
    deadline_seconds: float | None = None


class StopRequest(Protocol):
    """Whether somebody asked the run to stop."""

    @property
    def exit_code(self) -> int:
        """0, or 130 and 143 after SIGINT and SIGTERM."""


@dataclass
class RunEnd:
    """How the loop ended.

    `stall` says what a run without progress waited for, or which deadline passed. `in_flight` are commits that may
    still be running at BigQuery: the next start resolves them. `since` is when an early end began, by the run's clock.
    """

    stopped: int = 0
    stall: str = ""
    in_flight: tuple[str, ...] = ()
    since: float = field(default=0.0, compare=False)


@dataclass
class _Tally:
    totals: Telemetry = field(default_factory=Telemetry)
    commits: int = 0

    def add(self, told: Telemetry) -> None:
        """Sum up what a step cost."""
        old = self.totals
        self.totals = Telemetry(
            old.rows + told.rows,
            old.bytes + told.bytes,
            old.seconds + told.seconds,
            old.retries + told.retries,
            old.refusals + told.refusals,
        )


class Driver:
    """One run from its plan to its outcomes."""

    def __init__(
        self,
        pipeline: Pipeline,
        plan: Plan,
        board: Board,
        pool: Pool,
        committer: Committer,
        settings: DriverSettings,
        clock: Clock,
        stop: StopRequest,
        observer: Observer,
        kinds: Callable[[], tuple[KindState, ...]],
    ) -> None:
        """Take what it works with; `kinds` tells the state of the permits."""
        self._pipeline, self._plan, self._board = pipeline, plan, board
        self._pool, self._committer, self._settings = pool, committer, settings
        self._clock, self._stop, self._observer, self._kinds = clock, stop, observer, kinds
        self._reads: dict[int, Block] = {}
        self._computes: dict[int, ComputeTask] = {}
        self._stages: dict[int, Batch] = {}
        self._tries: dict[object, int] = {}
        self._tally = _Tally()

    def run(self) -> RunEnd:
        """Work until every partition has an outcome or something ends the run."""
        started = moved = self._clock.monotonic()
        end = RunEnd()
        while not self._board.is_done:
            end.stopped = self._stop.exit_code
            end.stall = "" if end.stopped else self._overdue(started, moved)
            if end.stopped or end.stall:
                end.since = self._clock.monotonic()
                self._finish_commits()
                break
            self._dispatch()
            if self._collect():
                moved = self._clock.monotonic()
            self._show()
        end.in_flight = self._committer.sent
        self._board.leave("the run was stopped" if end.stopped else end.stall or "the run ended")
        self._show()
        return end

    # --- handing out ------------------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        """Fill the workers: what ends partitions first, then what computes, then what reads."""
        for table in self._board.passed_tables:
            if table not in self._committer.busy and self._room_to_stage():
                self._commit(table)
        if self._board.passed_count < 4 * MOST_PARTITIONS:
            for task in self._board.next_computes(self._pool.free_to_compute):
                self._compute(task)
        wanted = with_spare(self._within_share(Kind.READ, self._settings.reads)) - len(self._reads)
        for block in self._board.next_reads(min(self._pool.free_to_transfer, wanted)):
            self._read(block)

    def _room_to_stage(self) -> bool:
        return self._pool.free_to_transfer > 0 and len(self._stages) < with_spare(
            self._within_share(Kind.LOAD, self._settings.loads)
        )

    def _within_share(self, kind: Kind, budget: int) -> int:
        """The budget, or what other runs leave of it: workers that only wait for a permit can't compute."""
        return min((max(1, k.share) for k in self._kinds() if k.kind is kind and k.share is not None), default=budget)

    def _commit(self, table: str) -> None:
        batch, rest = self._committer.begin(table, self._board.take_passed(table, MOST_PARTITIONS))
        self._board.give_back(rest)
        step = self._committer.stage_step(batch)
        if step is None:
            self._committer.send(batch)
        else:
            self._stages[self._pool.submit(step, batch.references)] = batch

    def _compute(self, task: ComputeTask) -> None:
        request = self._plan.request
        chunk = Chunk(task.chunk.table, task.chunk.days, request.as_of, frozenset(request.options))
        step = ComputeStep(request.run_id, chunk, tuple(k.input for k in task.blocks), str(task.chunk))
        self._computes[self._pool.submit(step, task.references)] = task

    def _read(self, block: Block) -> None:
        found = next(i.table for p in self._pipeline.processors for i in p.inputs if i.name == block.key.input)
        feed = found if isinstance(found, Feed) else None
        table = None if isinstance(found, Feed) else found
        step = ReadStep(self._plan.request.run_id, block, feed, table)
        self._reads[self._pool.submit(step, ())] = block

    # --- taking back ------------------------------------------------------------------------------------------

    def _collect(self) -> bool:
        """Take back what has ended; whether there was anything."""
        if not (self._reads or self._computes or self._stages):
            self._clock.sleep(IDLE_SECONDS)
        finished = self._pool.wait(POLL_SECONDS)
        for each in finished:
            if each.ticket in self._reads:
                self._read_ended(self._reads.pop(each.ticket), each)
            elif each.ticket in self._computes:
                self._compute_ended(self._computes.pop(each.ticket), each)
            else:
                self._stage_ended(self._stages.pop(each.ticket), each)
            if each.result:
                self._tally.add(each.result.telemetry)
        commits = list(self._committer.ended())
        for commit in commits:
            self._commit_ended(commit)
        return bool(finished or commits)

    def _read_ended(self, block: Block, done: Finished) -> None:
        if isinstance(done.result, BlockRead):
            self._board.block_read(block.key, done.reference, done.result.commits)
        elif isinstance(done.error, WorkerDied) and self._may_try_again(block.key, done.error):
            self._board.read_again(block.key)
        elif done.error:
            self._board.block_failed(block.key, category_of(done.error), str(done.error))

    def _compute_ended(self, task: ComputeTask, done: Finished) -> None:
        if isinstance(done.result, ChunkComputed):
            told = done.result
            self._board.computed(task.chunk, told.measured, done.reference, told.telemetry.seconds, told.notes)
        elif isinstance(done.error, InputLost) and self._may_try_again(task.chunk, done.error):
            self._board.blocks_lost(task.chunk, task.blocks)
        elif isinstance(done.error, GateError):
            self._board.compute_failed(task.chunk, Category.REFUSED, str(done.error), Outcome.BLOCKED)
        elif done.error:
            self._board.compute_failed(task.chunk, category_of(done.error), str(done.error))

    def _stage_ended(self, batch: Batch, done: Finished) -> None:
        if done.error is None:
            self._committer.send(batch)
            return
        self._committer.abandon(batch)
        if isinstance(done.error, InputLost):
            self._board.compute_again(batch.with_rows)
            self._board.give_back(p for p in batch.passed if p.reference is None)
        else:
            self._try_again_or_fail(batch.passed, done.error, isinstance(done.error, STAGE_AGAIN))

    def _commit_ended(self, ended: CommitEnded) -> None:
        batch = ended.batch
        if isinstance(ended.error, Held):
            self._board.commit_failed(batch.passed, Category.HELD, str(ended.error), Outcome.BLOCKED)
        elif ended.error:
            self._try_again_or_fail(batch.passed, ended.error, isinstance(ended.error, STAGE_AGAIN))
        elif ended.superseded is not None:
            beaten = [p for p in batch.passed if p.entry.day in ended.superseded]
            if not beaten:
                what = f"Commit {batch.commit_id} was superseded, and the ledger does not say by which."
                self._try_again_or_fail(batch.passed, Superseded(what, "Run the command again."), True)
                return
            self._board.superseded(beaten, ended.superseded)
            self._board.give_back(p for p in batch.passed if p.entry.day not in ended.superseded)
        else:
            self._tally.commits += 1
            self._board.committed(batch.passed, batch.commit_id)

    def _try_again_or_fail(self, passed: Iterable[Passed], error: BackcourtError, worth_it: bool) -> None:
        for each in passed:
            if worth_it and self._may_try_again(each.partition, error):
                self._board.give_back([each])
            else:
                self._board.commit_failed([each], category_of(error), str(error))

    def _may_try_again(self, what: object, error: BackcourtError) -> bool:
        self._tries[what] = self._tries.get(what, 0) + 1
        return self._tries[what] < (BYSTANDER_TRIES if isinstance(error, Bystander) else STAGING_TRIES)

    # --- ending -----------------------------------------------------------------------------------------------

    def _finish_commits(self) -> None:
        """The run ends early: no new work; commits that may be at BigQuery and the reaper get a while to end."""
        self._pool.close()
        deadline = self._clock.monotonic() + STOP_SECONDS
        self._clock.sleep(NOTICE_SECONDS)
        while self._clock.monotonic() < deadline:
            if not self._committer.sent and not any(k.orphaned for k in self._kinds()):
                break
            self._clock.sleep(POLL_SECONDS)
            for commit in self._committer.ended():
                self._commit_ended(commit)

    def _overdue(self, started: float, moved: float) -> str:
        """Why the run must end: it stands still, or its time is up. "" to go on."""
        now = self._clock.monotonic()
        limit = self._settings.deadline_seconds
        if limit is not None and now - started > limit:
            return f"The run's limit of {limit:.0f} s has passed. {self._waits_for()}"
        parked = any(k.parked_seconds > 0 or _others_have_it(k) for k in self._kinds()) if now - moved > 60 else False
        if now - moved > self._settings.stall_seconds and not parked:
            return f"No progress for {now - moved:.0f} s. {self._waits_for()}"
        return ""

    def _waits_for(self) -> str:
        waits = [*self._pool.describe(), *(f"commit {b.commit_id}" for b in self._committer.busy.values())]
        waits += [
            f"{k.waiting} ask for a {k.kind} permit, held by {', '.join(k.holders)}" for k in self._kinds() if k.waiting
        ]
        waits += [
            f"the run's share of the budget, which cannot be renewed ({k.kind})" for k in self._kinds() if k.lapsed
        ]
        return f"It waited for: {'; '.join(waits) or 'nothing that it knows of'}."

    def _show(self) -> None:
        for outcome in self._board.new_outcomes():
            self._observer.ended(outcome)
        self._observer.progress(
            Progress(
                {t: {o.value: n for o, n in c.items()} for t, c in self._board.counts.items()},
                self._board.open_count,
                tuple(self._pool.describe()),
                tuple(b.commit_id for b in self._committer.busy.values()),
                self._kinds(),
                self._tally.totals,
                self._board.shelf.reads,
                self._tally.commits,
            )
        )


def _others_have_it(kind: KindState) -> bool:
    """Whether the run waits for other runs to give up some of the budget that they share."""
    return kind.waiting > 0 and kind.share == 0 and not kind.lapsed


def with_spare(budget: int) -> int:
    """Steps of a kind that are handed out: half more than may be in flight, for there is work around each call."""
    return budget + max(1, budget // 2)


def category_of(error: BackcourtError) -> Category:
    """The category under which history records an error."""
    if isinstance(error, WorkerDied | InputLost):
        return Category.WORKER
    if isinstance(error, PermitTimeout):
        return Category.TIMEOUT
    if isinstance(error, QuotaSignal):
        return Category.QUOTA
    if isinstance(error, DataError):
        return Category.CODE
    return Category.WAREHOUSE if isinstance(error, WarehouseError) else Category.CODE
