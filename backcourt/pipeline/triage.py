"""Decisions on single partitions of a run: what ends before it is computed, and what the gate makes of the rest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.chunks import ChunkKey
from backcourt.pipeline.coverage import Judgement, Measurement, Thresholds, Verdict, judge
from backcourt.pipeline.ledger import InputVersion, LedgerEntry
from backcourt.pipeline.outcomes import Category, Outcome, Partition, PartitionOutcome
from backcourt.pipeline.plan import Plan, Reason, Seen, is_stale
from backcourt.pipeline.processor import Input, Pipeline
from backcourt.pipeline.withdrawn import withdrawn_days

HOLES_SHOWN = 20
"""How many holes an outcome names; the ledger has them all."""
ABSENT = "is not committed"


@dataclass(frozen=True, slots=True)
class Passed:
    """A partition that the gate let through, on its way to a commit.

    `entry` is the ledger row to write, without commit id and generation. `reference` leads to the chunk's rows; None
    where the rows are those already published and only the ledger is renewed. `seen_commit` is the commit that the
    plan saw, "" for none: the commit fails if it is another now.
    """

    entry: LedgerEntry
    measured: Measurement
    judgement: Judgement
    seen_commit: str
    reference: object | None
    seconds: float = 0.0
    attempts: int = 1

    @property
    def partition(self) -> Partition:
        """Which partition it is."""
        return Partition(self.entry.table, self.entry.day)

    def timed(self, seconds: float, attempts: int) -> "Passed":
        """The same with what it cost."""
        return replace(self, seconds=seconds, attempts=attempts)

    def outcome(self, commit_id: str) -> PartitionOutcome:
        """The outcome once its commit is done."""
        verdict = self.judgement.verdict
        return PartitionOutcome(
            self.partition,
            Outcome.COMMITTED if self.reference is not None else Outcome.RENEWED,
            Category.FORCED if verdict is Verdict.FORCED else Category.NONE,
            self.judgement.reason,
            self.measured.missing,
            self.measured.row_count,
            self.measured.expected_count,
            self.measured.present_count,
            warned=verdict is not Verdict.PASS,
            holes=_named_holes(self.entry.inputs),
            attempts=self.attempts,
            seconds=self.seconds,
            commit_id=commit_id,
            notes=self.entry.notes,
        )


@dataclass(frozen=True)
class Triage:
    """What a decision on a partition looks at; the versions of `seen` and the outcomes change as the run goes.

    `earlier` says how partitions that are not in this plan ended when they were last tried.
    """

    pipeline: Pipeline
    calendar: Calendar
    plan: Plan
    seen: Seen
    thresholds: Thresholds
    outcomes: Mapping[Partition, PartitionOutcome]
    earlier: Mapping[Partition, str] = field(default_factory=dict)

    def sort_out(self, chunk: ChunkKey) -> tuple[tuple[date, ...], list[PartitionOutcome]]:
        """The chunk's dates that must be computed, and the outcomes of those that end here."""
        remaining, ended = [], []
        for day in chunk.days:
            outcome = self._blocked(chunk.table, day) or self._current(chunk.table, day)
            if outcome:
                ended.append(outcome)
            else:
                remaining.append(day)
        return tuple(remaining), ended

    def input_versions(self, table: str, day: date) -> dict[str, InputVersion]:
        """The versions of the partition's input windows as they are now."""
        return {
            each.name: self.seen.versions[each.name].window(
                each.window.first(day, self.calendar), each.window.last(day)
            )
            for each in self.pipeline.processor(table).table_inputs
        }

    def judge(
        self,
        partition: Partition,
        measured: Measurement,
        inputs: Mapping[str, InputVersion],
        reference: object,
        notes: str,
    ) -> Passed | PartitionOutcome:
        """Through the gate: a partition on its way to a commit, or its end."""
        judgement = judge(measured, self.thresholds, force=self.plan.request.force)
        if not judgement.publish:
            covered = measured.coverage >= self.thresholds.block
            return PartitionOutcome(
                partition,
                Outcome.BLOCKED,
                Category.ROWS if measured.problems or covered else Category.COVERAGE,
                judgement.reason,
                measured.missing,
                measured.row_count,
                measured.expected_count,
                measured.present_count,
                holes=_named_holes(inputs),
                notes=notes,
            )
        processor = self.pipeline.processor(partition.table)
        old = self.seen.entries.get((partition.table, partition.day))
        entry = LedgerEntry(
            partition.table,
            partition.day,
            processor_version=processor.version,
            row_count=measured.row_count,
            expected_count=measured.expected_count,
            present_count=measured.present_count,
            forced=judgement.verdict is Verdict.FORCED,
            content_hash=measured.content_hash,
            inputs=inputs,
            notes=notes,
        )
        if old is None or old.content_hash != measured.content_hash:
            return Passed(entry, measured, judgement, old.commit_id if old else "", reference)
        entry = replace(entry, rows_commit=old.rows_commit)
        if _says_the_same(old, entry):
            return PartitionOutcome(
                partition,
                Outcome.UNCHANGED,
                Category.FORCED if entry.forced else Category.NONE,
                judgement.reason,
                measured.missing,
                measured.row_count,
                measured.expected_count,
                measured.present_count,
                warned=judgement.verdict is not Verdict.PASS,
                holes=_named_holes(inputs),
                commit_id=old.commit_id,
                notes=notes,
            )
        return Passed(entry, measured, judgement, old.commit_id, None)

    @cached_property
    def _changes_at_most(self) -> frozenset[Partition]:
        """Partitions that were planned only because an input might change."""
        return frozenset(
            Partition(table.table, planned.day)
            for table in self.plan.tables
            for planned in table.to_do
            if planned.reason is Reason.INPUT_CHANGES
        )

    def _blocked(self, table: str, day: date) -> PartitionOutcome | None:
        """The outcome of a partition whose input of the same date, or a hole, blocks it."""
        partition = Partition(table, day)
        for each in self.pipeline.processor(table).table_inputs:
            versions = self.seen.versions[each.name]
            for gone in self._withdrawn(each, day):
                reason = f"the rows of input {each.name} of {gone} were taken away by cleanup: compute that table too"
                return PartitionOutcome(partition, Outcome.BLOCKED, Category.UPSTREAM, reason)
            if each.window.same_date and not each.optional and versions.expects(day) and day not in versions:
                reason = f"input {each.name} of {day} {ABSENT}{self._why_absent(Partition(each.name, day))}"
                return PartitionOutcome(partition, Outcome.BLOCKED, Category.UPSTREAM, reason)
            if each.holes_block:
                holes = versions.window(each.window.first(day, self.calendar), each.window.last(day)).holes
                if holes:
                    reason = f"input {each.name} has holes: {', '.join(map(str, holes[:HOLES_SHOWN]))}"
                    return PartitionOutcome(partition, Outcome.BLOCKED, Category.UPSTREAM, reason)
        return None

    def _withdrawn(self, each: Input, day: date) -> Iterator[date]:
        """Dates of an input's window whose rows were taken away and that this run has not published again."""
        first, last = each.window.first(day, self.calendar), each.window.last(day)
        for gone in self._withdrawn_days.get(each.name, ()):
            if first <= gone <= last and not self._published_since(Partition(each.name, gone)):
                yield gone

    def _published_since(self, partition: Partition) -> bool:
        """Whether this run, or one beside it, has published the partition after the plan was made."""
        outcome = self.outcomes.get(partition)
        ours = outcome is not None and outcome.outcome is Outcome.COMMITTED
        known = self.seen.entries[partition.table, partition.day].rows_commit
        return ours or self.seen.versions[partition.table].commit_of(partition.day) != known

    @cached_property
    def _withdrawn_days(self) -> Mapping[str, tuple[date, ...]]:
        return withdrawn_days(self.seen.entries)

    def _why_absent(self, partition: Partition) -> str:
        """Why, to follow "is not committed": of a chain of inputs that wait for each other, the one where it began."""
        outcome = self.outcomes.get(partition)
        why = f"{outcome.outcome}, {outcome.reason}" if outcome else self.earlier.get(partition, "not part of this run")
        _, waits, first = why.rpartition("input ")
        return f", since input {first}" if waits and ABSENT in first else f": {why}"

    def _current(self, table: str, day: date) -> PartitionOutcome | None:
        """The outcome of a partition that was planned because an input might change, and did not."""
        entry = self.seen.entries.get((table, day))
        if entry is None or Partition(table, day) not in self._changes_at_most:
            return None
        if is_stale(self.pipeline.processor(table), day, self.calendar, entry, self.seen.versions):
            return None
        return PartitionOutcome(
            Partition(table, day),
            Outcome.CURRENT,
            row_count=entry.row_count,
            expected_count=entry.expected_count,
            present_count=entry.present_count,
            commit_id=entry.commit_id,
        )


def _says_the_same(old: LedgerEntry, new: LedgerEntry) -> bool:
    """Whether a renewed ledger row would say nothing new of the same rows."""
    return (
        old.inputs == new.inputs
        and old.processor_version == new.processor_version
        and old.forced == new.forced
        and (old.expected_count, old.present_count) == (new.expected_count, new.present_count)
        and old.notes == new.notes
    )


def _named_holes(inputs: Mapping[str, InputVersion]) -> tuple[str, ...]:
    return tuple(f"{name} {hole}" for name, version in inputs.items() for hole in version.holes)[:HOLES_SHOWN]
