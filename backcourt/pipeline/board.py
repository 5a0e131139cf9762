"""The state of a run: which partitions are open, which chunks may go next, what is ready to be committed.

Pure bookkeeping, driven by events: the driver asks for work, hands it to the pool, and reports what came back. A chunk
passes through four places:

    waiting   until every partition that its windows reach is settled (committed, blocked, failed or not in the run)
    settled   in line; admitted a few at a time, so that not all blocks are in memory at once
    admitted  its blocks are read, then it is computed
    passed    the dates that the gate let through wait for their table's committer
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.chunks import Block, BlockKey, ChunkKey, all_blocks, blocks_of, chunks_of, cut_days, readers_of
from backcourt.pipeline.coverage import Measurement, Thresholds
from backcourt.pipeline.ledger import InputVersion
from backcourt.pipeline.open_partitions import OpenPartitions, month_of
from backcourt.pipeline.outcome_columns import OutcomeColumns
from backcourt.pipeline.outcomes import Category, Outcome, Partition, PartitionOutcome
from backcourt.pipeline.plan import Plan, Seen
from backcourt.pipeline.processor import Pipeline
from backcourt.pipeline.shelf import Shelf
from backcourt.pipeline.triage import Passed, Triage

DEATHS_ALLOWED = 2
"""A date that kills its worker this often is recorded as failed."""


@dataclass(frozen=True)
class ComputeTask:
    """A chunk whose blocks are all held, and those blocks in the order of `blocks`."""

    chunk: ChunkKey
    blocks: tuple[BlockKey, ...]
    references: tuple[object, ...]


@dataclass
class _Active:
    """An admitted chunk. `inputs` are its dates' input versions, fixed when its blocks were complete."""

    blocks: tuple[BlockKey, ...]
    inputs: dict[date, dict[str, InputVersion]] = field(default_factory=dict)


class Board:
    """One run's progress. Not thread-safe: only the driver's loop touches it."""

    def __init__(
        self,
        pipeline: Pipeline,
        calendar: Calendar,
        plan: Plan,
        seen: Seen,
        thresholds: Thresholds,
        chunk_days: int = 31,
        lookahead: int = 8,
        earlier: Mapping[Partition, str] | None = None,
    ) -> None:
        """Lay out the plan.

        Args:
            pipeline: the processors.
            calendar: the dates that exist.
            plan: what is to be done.
            seen: what the plan saw in the ledger; its versions grow as the run commits.
            thresholds: the gate's.
            chunk_days: the longest span of a chunk, in days.
            lookahead: how many chunks may be admitted at once.
            earlier: how partitions outside the plan ended when they were last tried, in words.
        """
        self.outcomes = OutcomeColumns(plan)
        self.versions = seen.versions
        self._pipeline, self._calendar, self._plan, self._lookahead = pipeline, calendar, plan, lookahead
        self._triage = Triage(pipeline, calendar, plan, seen, thresholds, self.outcomes, earlier or {})
        chunks = chunks_of(plan, chunk_days)
        readers = dict(readers_of(pipeline, calendar, chunks))
        self.shelf = Shelf(all_blocks(pipeline, calendar, chunks), readers)
        self._open = OpenPartitions(Partition(t.table, p.day) for t in plan.tables for p in t.to_do)
        self._waiting: dict[ChunkKey, int] = {}  # and for how many blocks
        self._watchers: dict[BlockKey, list[ChunkKey]] = {}
        self._settled: list[tuple[object, ChunkKey]] = []
        self._reads: list[BlockKey] = []
        self._computable: list[ChunkKey] = []
        self._active: dict[ChunkKey, _Active] = {}
        self._deaths: Counter[ChunkKey] = Counter()
        self._attempts: Counter[Partition] = Counter()
        self._passed: dict[str, list[Passed]] = {}
        self._fresh: list[PartitionOutcome] = []
        self.counts: dict[str, Counter[Outcome]] = {t.table: Counter() for t in plan.tables}
        self._needs = readers
        for chunk, keys in readers.items():
            self._enqueue(chunk, keys)

    @property
    def open_count(self) -> int:
        """Partitions that have no outcome yet."""
        return len(self._open)

    @property
    def is_done(self) -> bool:
        """Whether every partition has an outcome."""
        return not self._open

    @property
    def passed_tables(self) -> tuple[str, ...]:
        """Tables that have partitions ready to be committed."""
        return tuple(t for t, waiting in self._passed.items() if waiting)

    @property
    def passed_count(self) -> int:
        """Partitions that wait for a committer."""
        return sum(len(waiting) for waiting in self._passed.values())

    def new_outcomes(self) -> list[PartitionOutcome]:
        """Outcomes since the last call."""
        fresh, self._fresh = self._fresh, []
        return fresh

    # --- work to hand out -------------------------------------------------------------------------------------

    def next_reads(self, limit: int) -> list[Block]:
        """Up to `limit` blocks to read now; each is handed out once."""
        self._admit()
        taken, self._reads = self._reads[: max(limit, 0)], self._reads[max(limit, 0) :]
        return [self.shelf.block(key) for key in taken]

    def next_computes(self, limit: int) -> list[ComputeTask]:
        """Up to `limit` chunks to compute now; each is handed out once."""
        self._admit()
        self._computable.sort(key=_priority, reverse=True)
        tasks: list[ComputeTask] = []
        while self._computable and len(tasks) < limit:
            chunk = self._computable.pop()
            blocks = self._active[chunk].blocks
            if not self.shelf.is_complete(blocks):  # another chunk found out that a node took some of them along
                self._want(chunk)
                continue
            self._attempts.update(Partition(chunk.table, day) for day in chunk.days)
            tasks.append(ComputeTask(chunk, blocks, self.shelf.references(blocks)))
        return tasks

    def take_passed(self, table: str, most: int) -> tuple[Passed, ...]:
        """Up to `most` partitions of a table that wait for their commit, oldest dates first."""
        waiting = sorted(self._passed.get(table, []), key=lambda p: p.entry.day)
        self._passed[table] = waiting[most:]
        return tuple(waiting[:most])

    # --- what came back ---------------------------------------------------------------------------------------

    def block_read(self, key: BlockKey, reference: object, commits: Mapping[date, str]) -> None:
        """A block's rows are held; `commits` are the commits of its dates, equal before and after the reading."""
        if key.input in self.versions:
            self.versions[key.input].update(commits)
        for chunk in self.shelf.put(key, reference):
            self._want(chunk)  # a block that it had may have been lost while it waited for this one

    def read_again(self, key: BlockKey) -> None:
        """The reading was lost with its worker: it is handed out once more."""
        self._reads.insert(0, key)

    def block_failed(self, key: BlockKey, category: Category, reason: str) -> None:
        """A block could not be read: the dates that need it now fail; the others go on."""
        for chunk in self.shelf.waiters(key):
            needing = [day for day in chunk.days if key in self._blocks(_part(chunk, (day,)))]
            self._fail(chunk.table, needing, category, f"block {key} could not be read: {reason}")
            others = tuple(day for day in chunk.days if day not in needing)
            self._go_on(chunk, [_part(chunk, others)] if others else [])

    def blocks_lost(self, chunk: ChunkKey, keys: Iterable[BlockKey]) -> None:
        """The chunk could not start because blocks of its were lost with a node: they are read again."""
        for key in keys:
            self.shelf.lose(key)
        self._want(chunk)

    def computed(
        self,
        chunk: ChunkKey,
        measured: Iterable[Measurement],
        reference: object,
        seconds: float,
        notes: Mapping[date, str],
    ) -> None:
        """A chunk's rows are there and measured: judge each date."""
        inputs = self._active[chunk].inputs
        share = seconds / len(chunk.days)
        for each in measured:
            partition = Partition(chunk.table, each.day)
            verdict = self._triage.judge(partition, each, inputs[each.day], reference, notes.get(each.day, ""))
            attempts = self._attempts[partition]
            if isinstance(verdict, Passed):
                self._passed.setdefault(chunk.table, []).append(verdict.timed(share, attempts))
            else:
                self._settle(replace(verdict, seconds=share, attempts=attempts))
        self._retire(chunk, {})

    def compute_failed(
        self, chunk: ChunkKey, category: Category, reason: str, outcome: Outcome = Outcome.FAILED
    ) -> None:
        """A chunk failed or took its worker along: halve it until the failing date is alone, which ends so."""
        if len(chunk.days) > 1:
            self._go_on(chunk, chunk.halves())
            return
        self._deaths[chunk] += 1
        if category is Category.WORKER and self._deaths[chunk] < DEATHS_ALLOWED:
            self._want(chunk)
            return
        self._fail(chunk.table, chunk.days, category, reason, outcome)
        self._retire(chunk, {})

    def committed(self, passed: Iterable[Passed], commit_id: str) -> None:
        """The commit is done: those partitions are published, or their ledger renewed."""
        for each in passed:
            if each.reference is not None:
                self.versions[each.entry.table].update({each.entry.day: commit_id})
            self._settle(each.outcome(commit_id))

    def superseded(self, passed: Iterable[Passed], commits: Mapping[date, str]) -> None:
        """Another run committed those partitions first; `commits` are the commits that they have now, "" if unknown."""
        for each in passed:
            commit = commits.get(each.entry.day, "")
            if commit:
                self.versions[each.entry.table].update({each.entry.day: commit})
            reason = f"another run committed it first ({commit or 'unknown commit'})"
            self._settle(PartitionOutcome(each.partition, Outcome.SUPERSEDED, reason=reason, attempts=each.attempts))

    def give_back(self, passed: Iterable[Passed]) -> None:
        """Those partitions go into a later commit."""
        for each in passed:
            self._passed.setdefault(each.entry.table, []).append(each)

    def compute_again(self, passed: Iterable[Passed]) -> None:
        """The computed rows of those partitions were lost with a node: they are computed again."""
        by_table: dict[str, list[date]] = {}
        for each in passed:
            by_table.setdefault(each.entry.table, []).append(each.entry.day)
        for table, days in by_table.items():
            for group in cut_days(sorted(days), 31):
                chunk = ChunkKey(self._wave_of(table), group[0], table, group)
                keys = self._blocks(chunk)
                self.shelf.replace_reader(chunk, (), {chunk: keys})
                self._enqueue(chunk, keys)

    def commit_failed(
        self, passed: Iterable[Passed], category: Category, reason: str, outcome: Outcome = Outcome.FAILED
    ) -> None:
        """The commit failed for good."""
        for each in passed:
            self._settle(PartitionOutcome(each.partition, outcome, category, reason, attempts=each.attempts))

    def leave(self, reason: str) -> None:
        """The run ends: what has no outcome yet is left for the next one."""
        for partition in tuple(self._open):
            self._settle(PartitionOutcome(partition, Outcome.LEFT, Category.INTERRUPTED, reason))

    def _wave_of(self, table: str) -> int:
        return next(t.wave for t in self._plan.tables if t.table == table)

    # --- inside -----------------------------------------------------------------------------------------------

    def _blocks(self, chunk: ChunkKey) -> tuple[BlockKey, ...]:
        return blocks_of(self._pipeline.processor(chunk.table), chunk.days, self._calendar)

    def _enqueue(self, chunk: ChunkKey, keys: tuple[BlockKey, ...]) -> None:
        """Wait for the chunk's unsettled inputs, or stand in line at once."""
        self._needs[chunk] = keys
        unsettled = [key for key in keys if self._open.reach(self.shelf.block(key))]
        for key in unsettled:
            self._watchers.setdefault(key, []).append(chunk)
        if unsettled:
            self._waiting[chunk] = len(unsettled)
        else:
            heapq.heappush(self._settled, (_priority(chunk), chunk))

    def _settle(self, outcome: PartitionOutcome) -> None:
        """Record a partition's end and wake the chunks that waited for it."""
        partition = outcome.partition
        self._open.close(partition)
        self.outcomes.put(outcome)
        self._attempts.pop(partition, None)
        self.counts[partition.table][outcome.outcome] += 1
        self._fresh.append(outcome)
        key = month_of(partition)
        if key in self._watchers and not self._open.reach(self.shelf.block(key)):
            for chunk in self._watchers.pop(key):
                self._waiting[chunk] -= 1
                if not self._waiting[chunk]:
                    del self._waiting[chunk]
                    heapq.heappush(self._settled, (_priority(chunk), chunk))

    def _admit(self) -> None:
        """Let chunks in, nearest months first, as far as the lookahead goes."""
        while self._settled and len(self._active) < self._lookahead:
            _, chunk = heapq.heappop(self._settled)
            remaining, ended = self._triage.sort_out(chunk)
            for outcome in ended:
                self._settle(outcome)
            if not remaining:
                self._retire(chunk, {})
                continue
            if remaining != chunk.days:
                smaller = _part(chunk, remaining)
                keys = self._blocks(smaller)
                self._retire(chunk, {smaller: keys})
                self._needs[smaller] = keys
                chunk = smaller
            self._active[chunk] = _Active(self._needs[chunk])
            self._want(chunk)

    def _want(self, chunk: ChunkKey) -> None:
        self._reads.extend(self.shelf.want(chunk, self._active[chunk].blocks))
        self._complete(chunk)

    def _complete(self, chunk: ChunkKey) -> None:
        """Make the chunk computable if its blocks are all held, and fix the versions that it reads."""
        active = self._active[chunk]
        if self.shelf.is_complete(active.blocks):
            active.inputs = {day: self._triage.input_versions(chunk.table, day) for day in chunk.days}
            self._computable.append(chunk)

    def _retire(self, chunk: ChunkKey, parts: Mapping[ChunkKey, tuple[BlockKey, ...]]) -> None:
        self._active.pop(chunk, None)
        self.shelf.replace_reader(chunk, self._needs.pop(chunk), parts)

    def _go_on(self, chunk: ChunkKey, parts: Iterable[ChunkKey]) -> None:
        """Put smaller chunks in the place of an admitted one."""
        needs = {part: self._blocks(part) for part in parts}
        self._retire(chunk, needs)
        for part, keys in needs.items():
            self._enqueue(part, keys)

    def _fail(
        self, table: str, days: Iterable[date], category: Category, reason: str, outcome: Outcome = Outcome.FAILED
    ) -> None:
        for day in days:
            partition = Partition(table, day)
            attempts = max(1, self._attempts[partition])
            self._settle(PartitionOutcome(partition, outcome, category, reason, attempts=attempts))


def _part(chunk: ChunkKey, days: tuple[date, ...]) -> ChunkKey:
    """Some of a chunk's dates as a chunk of their own."""
    return replace(chunk, first=days[0], days=days)


def _priority(chunk: ChunkKey) -> tuple[int, int, int, date]:
    """Month by month through all waves: what a month's later tables read is still held then."""
    last = chunk.days[-1]
    return (last.year, last.month, chunk.wave, chunk.first)
