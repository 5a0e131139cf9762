"""The outcomes of a run's partitions as they come in, held column by column: a long run has a hundred thousand.

What most partitions have in common (the outcome, its reason, the commit) is kept once; what is each one's own takes 40
bytes. An outcome is made anew whenever it is asked for.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Generic, TypeVar

from backcourt.pipeline.outcomes import Category, Outcome, Partition, PartitionOutcome
from backcourt.pipeline.plan import Plan, PlannedPartition

_NONE = -1
_DAY = attrgetter("day")

T = TypeVar("T")
_Common = tuple[Outcome, Category, str, tuple[str, ...], bool, tuple[str, ...], int, str]


class OutcomeColumns(Mapping[Partition, PartitionOutcome]):
    """Outcomes by partition, in the plan's order; partitions that have none yet are not in it."""

    def __init__(self, plan: Plan) -> None:
        """Nothing has an outcome yet."""
        self._columns = {table.table: _Columns(table.to_do) for table in plan.tables}
        self._commons: _Once[_Common] = _Once()
        self._commits: _Once[str] = _Once()
        self._count = 0

    def put(self, outcome: PartitionOutcome) -> None:
        """A partition of the plan has ended so.

        Raises:
            KeyError: it is not in the plan.
        """
        columns, at = self._place(outcome.partition)
        self._count += columns.common[at] == _NONE
        columns.common[at] = self._commons.number(
            (
                outcome.outcome,
                outcome.category,
                outcome.reason,
                outcome.missing,
                outcome.warned,
                outcome.holes,
                outcome.attempts,
                outcome.notes,
            )
        )
        columns.commit[at] = self._commits.number(outcome.commit_id)
        columns.rows[at], columns.seconds[at] = outcome.row_count, outcome.seconds
        columns.expected[at], columns.present[at] = outcome.expected_count, outcome.present_count

    def __getitem__(self, partition: Partition) -> PartitionOutcome:
        columns, at = self._place(partition)
        if columns.common[at] == _NONE:
            raise KeyError(partition)
        what, category, reason, missing, warned, holes, attempts, notes = self._commons.value(columns.common[at])
        return PartitionOutcome(
            partition,
            what,
            category,
            reason,
            missing,
            columns.rows[at],
            columns.expected[at],
            columns.present[at],
            warned,
            holes,
            attempts,
            columns.seconds[at],
            self._commits.value(columns.commit[at]),
            notes,
        )

    def __iter__(self) -> Iterator[Partition]:
        for table, columns in self._columns.items():
            for planned, common in zip(columns.to_do, columns.common, strict=True):
                if common != _NONE:
                    yield Partition(table, planned.day)

    def __len__(self) -> int:
        return self._count

    def _place(self, partition: Partition) -> "tuple[_Columns, int]":
        columns = self._columns[partition.table]
        at = bisect_left(columns.to_do, partition.day, key=_DAY)
        if at == len(columns.to_do) or columns.to_do[at].day != partition.day:
            raise KeyError(partition)
        return columns, at


class _Columns:
    """One table's: what the plan has of it, by ascending dates, and by their positions what each partition has."""

    def __init__(self, to_do: tuple[PlannedPartition, ...]) -> None:
        self.to_do = to_do
        self.common = array("i", [_NONE]) * len(to_do)
        self.commit = array("i", [0]) * len(to_do)
        self.rows, self.expected, self.present = (array("q", [0]) * len(to_do) for _ in range(3))
        self.seconds = array("d", [0.0]) * len(to_do)


class _Once(Generic[T]):
    """Values by number; equal ones have one number and are kept once."""

    def __init__(self) -> None:
        self._values: list[T] = []
        self._numbers: dict[T, int] = {}

    def number(self, value: T) -> int:
        if value not in self._numbers:
            self._numbers[value] = len(self._values)
            self._values.append(value)
        return self._numbers[value]

    def value(self, number: int) -> T:
        return self._values[number]
