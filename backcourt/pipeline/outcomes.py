"""What became of each partition of a run, and the exit code that follows."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Outcome(StrEnum):
    """How a partition of the plan ended.

    COMMITTED: rows published. RENEWED: the same rows as before, only the ledger was renewed. UNCHANGED: the same
    rows from the same inputs, nothing written. CURRENT: its inputs did not change after all, so it was not computed.
    SUPERSEDED: another run committed it first. LEFT: the run was stopped before its turn.
    """

    COMMITTED = "committed"
    RENEWED = "renewed"
    UNCHANGED = "unchanged"
    CURRENT = "current"
    SUPERSEDED = "superseded"
    BLOCKED = "blocked"
    FAILED = "failed"
    LEFT = "left"


class Category(StrEnum):
    """Why a partition was not published, or published in spite of something."""

    NONE = ""
    COVERAGE = "data missing"
    ROWS = "bad rows"
    REFUSED = "refused"
    HELD = "held"
    UPSTREAM = "upstream"
    CODE = "code"
    WORKER = "worker died"
    QUOTA = "quota"
    WAREHOUSE = "warehouse"
    TIMEOUT = "timeout"
    FORCED = "forced"
    INTERRUPTED = "interrupted"


RETRY_CAN_HELP = frozenset({Category.QUOTA, Category.TIMEOUT, Category.WORKER, Category.INTERRUPTED, Category.HELD})
"""Categories in which the same command may succeed without a change of data or code."""


@dataclass(frozen=True, order=True, slots=True)
class Partition:
    """One date of one table."""

    table: str
    day: date

    def __str__(self) -> str:
        return f"{self.table} {self.day.isoformat()}"


@dataclass(frozen=True, slots=True)
class PartitionOutcome:
    """The record of one partition in one run; `seconds` of computing, shared evenly by the dates of its chunk."""

    partition: Partition
    outcome: Outcome
    category: Category = Category.NONE
    reason: str = ""
    missing: tuple[str, ...] = ()
    row_count: int = 0
    expected_count: int = 0
    present_count: int = 0
    warned: bool = False
    holes: tuple[str, ...] = ()
    attempts: int = 1
    seconds: float = 0.0
    commit_id: str = ""
    notes: str = ""

    @property
    def coverage(self) -> float:
        """Share of the expected entities that were present; 1 where nothing was expected."""
        return self.present_count / self.expected_count if self.expected_count else 1.0

    @property
    def retry_can_help(self) -> bool:
        """Whether the same command may succeed without a change of data or code."""
        return self.category in RETRY_CAN_HELP


def exit_code(outcomes: Iterable[PartitionOutcome], *, limit_reached: bool = False, stopped: int = 0) -> int:
    """The run's exit code; with several causes the first of 130/143, 6, 5, 3.

    Args:
        outcomes: every partition of the plan.
        limit_reached: a limit of time or cost, or the watchdog, ended the run.
        stopped: 130 or 143 where a signal ended it, else 0.
    """
    counts = Counter(o.outcome for o in outcomes)
    if stopped:
        return stopped
    if limit_reached:
        return 6
    if counts[Outcome.FAILED] or counts[Outcome.LEFT]:
        return 5
    return 3 if counts[Outcome.BLOCKED] else 0
