"""What history knows of runs and partitions: the record as it is read back, for screens, reports and a next attempt."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from backcourt.pipeline.outcomes import Outcome, Partition, PartitionOutcome

NOT_THROUGH = frozenset({Outcome.BLOCKED, Outcome.FAILED, Outcome.LEFT})
"""Outcomes that leave a partition to be done."""


@dataclass(frozen=True, kw_only=True)
class OutcomeRecord(PartitionOutcome):
    """How a partition ended in one run, as history keeps it: by which of the run's starts, and when (UTC)."""

    run_id: str
    start: int = 1
    recorded_at: datetime

    @property
    def went_through(self) -> bool:
        """Whether nothing was left to be done."""
        return self.outcome not in NOT_THROUGH


@dataclass(frozen=True)
class BudgetSample:
    """One kind of permit over a stretch of a run that ends `at` seconds after its start.

    `limit` is the lowest, `in_flight` the highest of the stretch; `signalled`: BigQuery asked for less in it; `parked`:
    nothing was sent for a while, because a quota of the day was used up.
    """

    at: float
    limit: int
    in_flight: int
    signalled: bool = False
    parked: bool = False


@dataclass(frozen=True)
class RunRecord:
    """One run as its events tell: its last start. `ended_at` is None while it is alive, or where it was killed.

    `to_do` counts the plan's partitions by table, `reasons` by table and reason. `budget` has samples by kind.
    Bytes are those of queries and commits: what the plan said at most, and what was billed; None where not recorded.
    `request` is the digest of what was asked for.
    """

    run_id: str
    start: int
    started_at: datetime
    ended_at: datetime | None = None
    exit_code: int | None = None
    code_version: str = ""
    as_of: str = ""
    to_do: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    budget: Mapping[str, tuple[BudgetSample, ...]] = field(default_factory=dict)
    planned_bytes: int | None = None
    billed_bytes: int | None = None
    request: str = ""

    @property
    def seconds(self) -> float | None:
        """From its start to its end, in seconds; None where the end is not known."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at else None


def latest(records: Iterable[OutcomeRecord]) -> dict[Partition, OutcomeRecord]:
    """The newest record of each partition."""
    found: dict[Partition, OutcomeRecord] = {}
    for record in sorted(records, key=lambda r: (r.recorded_at, r.start)):
        found[record.partition] = record
    return found


def coverage_by_day(records: Iterable[OutcomeRecord]) -> dict[str, list[tuple[date, float]]]:
    """Per table the measured coverage of each date, ascending: of the newest record that expected anything."""
    measured = latest(r for r in records if r.expected_count)
    series: dict[str, list[tuple[date, float]]] = {}
    for partition in sorted(measured):
        series.setdefault(partition.table, []).append((partition.day, measured[partition].coverage))
    return series


def mended_by(records: Sequence[OutcomeRecord]) -> dict[Partition, str]:
    """Partitions whose newest record went through, and the run that did it."""
    return {partition: r.run_id for partition, r in latest(records).items() if r.went_through}
