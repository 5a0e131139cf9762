"""Drives a board to its end without pool and warehouse: answers come in random order, and faults in between.

While it runs it checks what must hold at every instant: a block is read only when its dates are settled, a chunk is
computed only with all its blocks, and there is always something to wait for.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date
from random import Random

from backcourt.pipeline.board import Board, ComputeTask
from backcourt.pipeline.chunks import Block, BlockKey
from backcourt.pipeline.coverage import Measurement, Thresholds
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.outcomes import Category, Partition
from backcourt.pipeline.plan import Plan, build_plan
from backcourt.pipeline.triage import Passed
from tests.unit.pipeline.worlds import World, seen

Ledger = dict[tuple[str, date], LedgerEntry]


@dataclass
class Faults:
    """What goes wrong for good, by partition or block, and how often something goes wrong in passing (a share)."""

    raising: set[Partition] = field(default_factory=set)
    killing: set[Partition] = field(default_factory=set)
    uncovered: set[Partition] = field(default_factory=set)
    beaten: set[Partition] = field(default_factory=set)
    unreadable: set[BlockKey] = field(default_factory=set)
    passing: float = 0.0


@dataclass
class Commit:
    table: str
    number: int
    passed: tuple[Passed, ...]


class Simulation:
    """One run over a world, from a ledger that it changes as commits do."""

    def __init__(
        self, world: World, faults: Faults, seed: int, chunk_days: int, ledger: Ledger | None = None, lookahead: int = 8
    ) -> None:
        self.world, self.faults, self.random = world, faults, Random(seed)
        self.ledger: Ledger = {} if ledger is None else ledger
        self.plan: Plan = build_plan(world.pipeline, world.calendar, world.request, self.ledger)
        saw = seen(world.pipeline, world.calendar, self.plan, self.ledger)
        self.board = Board(world.pipeline, world.calendar, self.plan, saw, Thresholds(), chunk_days, lookahead)
        self.running: list[Block | ComputeTask | Commit] = []
        self.shelf: dict[BlockKey, object] = {}
        self.times_read: Counter[BlockKey] = Counter()
        self.deaths: Counter[Partition] = Counter()
        self.computed: list[tuple[date, ...]] = []
        self.losses = 0
        self.numbers: Counter[str] = Counter()

    def run(self) -> "Simulation":
        while not self.board.is_done:
            for _ in range(3):  # what one look admits, the next hands out
                self._hand_out()
            if self.board.is_done:
                break
            assert self.running, "the run hangs: partitions are open and nothing is under way"
            what = self.running.pop(self.random.randrange(len(self.running)))
            match what:
                case Block():
                    self._end_read(what)
                case ComputeTask():
                    self._end_compute(what)
                case Commit():
                    self._end_commit(what)
        return self

    def _hand_out(self) -> None:
        for block in self.board.next_reads(self.random.randint(0, 3) if self.running else 3):
            for day in block.days:
                assert Partition(block.key.input, day) not in self._open(), f"{block.key} is read too early"
            self.running.append(block)
        for task in self.board.next_computes(self.random.randint(0, 3) if self.running else 3):
            held = tuple(self.shelf[key] for key in task.blocks)
            assert task.references == held, "a chunk is started with other blocks than those that are held"
            self._check_reach(task)
            self.running.append(task)
        busy = {c.table for c in self.running if isinstance(c, Commit)}
        for table in self.board.passed_tables:
            if table not in busy and (self.random.random() < 0.7 or not self.running):
                self.numbers[table] += 1
                taken = self.board.take_passed(table, self.random.choice([1, 3, 200]))
                self.running.append(Commit(table, self.numbers[table], taken))

    def _open(self) -> set[Partition]:
        return set(self.plan.partitions) - set(self.board.outcomes)

    def _check_reach(self, task: ComputeTask) -> None:
        for each in self.world.pipeline.processor(task.chunk.table).inputs:
            for day in task.chunk.days:
                for other in self.world.window(each, day):
                    key = BlockKey(each.name, other.year, other.month)
                    assert key in task.blocks
                    assert other in self.board.shelf.block(key).days

    def _in_passing(self) -> bool:
        return self.random.random() < self.faults.passing and self.losses < 30

    def _end_read(self, block: Block) -> None:
        if block.key in self.faults.unreadable:
            self.board.block_failed(block.key, Category.WAREHOUSE, "no right")
        elif self._in_passing():
            self.losses += 1
            self.board.read_again(block.key)
        else:
            self.times_read[block.key] += 1
            self.shelf[block.key] = object()
            commits = {d: e.rows_commit for (t, d), e in self.ledger.items() if t == block.key.input}
            commits = {d: c for d, c in commits.items() if d in block.days}
            self.board.block_read(block.key, self.shelf[block.key], commits)

    def _end_compute(self, task: ComputeTask) -> None:
        table, days = task.chunk.table, task.chunk.days
        partitions = [Partition(table, d) for d in days]
        if task.blocks and self._in_passing():
            self.losses += 1
            self.board.blocks_lost(task.chunk, task.blocks)
        elif any(p in self.faults.killing for p in partitions) or (len(days) > 1 and self._in_passing()):
            if len(days) == 1:
                self.deaths[partitions[0]] += 1
            self.board.compute_failed(task.chunk, Category.WORKER, "it died")
        elif any(p in self.faults.raising for p in partitions):
            self.board.compute_failed(task.chunk, Category.CODE, "it raised")
        else:
            self.computed.append(days)
            self.board.computed(task.chunk, [self._measured(p) for p in partitions], object(), 1.0, {})

    def _measured(self, partition: Partition) -> Measurement:
        present = 1 if partition in self.faults.uncovered else 10
        missing = tuple("abcdefghi"[: 10 - present])
        return Measurement(partition.day, present, 10, present, missing, content_hash=f"h {partition} {present}")

    def _end_commit(self, commit: Commit) -> None:
        if self._in_passing():
            self.losses += 1
            self.board.give_back(commit.passed)
            return
        with_rows = [p for p in commit.passed if p.reference is not None]
        if with_rows and self._in_passing():
            self.losses += 1
            self.board.compute_again(with_rows)
            self.board.give_back(p for p in commit.passed if p.reference is None)
            return
        beaten = [p for p in commit.passed if p.partition in self.faults.beaten]
        if beaten:
            self.board.superseded(beaten, {p.entry.day: "other" for p in beaten})
            for each in beaten:
                self._write(each, "other", "other")
            self.board.give_back(p for p in commit.passed if p not in beaten)
            return
        commit_id = f"{commit.table}-{commit.number}"
        for each in commit.passed:
            self._write(each, commit_id, commit_id if each.reference is not None else each.entry.rows_commit)
        self.board.committed(commit.passed, commit_id)

    def _write(self, passed: Passed, commit_id: str, rows_commit: str) -> None:
        key = (passed.entry.table, passed.entry.day)
        self.ledger[key] = replace(passed.entry, commit_id=commit_id, rows_commit=rows_commit)
