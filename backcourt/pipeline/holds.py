"""What holds leave of a plan: tables that an operator keeps runs off have nothing to do. Pure.

Rows that are committed stay readable, so a partition that reads a held table goes on where that table's partition is
committed, and is blocked where it is not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.plan import Plan, TablePlan


@dataclass(frozen=True)
class Hold:
    """Keeps runs off a table until an instant (UTC), since `at`."""

    table: str
    until: datetime
    reason: str = ""
    at: datetime | None = None

    def __str__(self) -> str:
        """In words."""
        why = f" ({self.reason})" if self.reason else ""
        return f"held until {self.until:%Y-%m-%d %H:%M} UTC{why}"


@dataclass(frozen=True)
class KeptOff:
    """Partitions of a held table that a plan leaves out."""

    hold: Hold
    partitions: tuple[Partition, ...]


def kept_off(plan: Plan, holds: Iterable[Hold]) -> tuple[Plan, tuple[KeptOff, ...]]:
    """The plan that holds allow, and what each kept out of it, nothing included."""
    by_table = {hold.table: hold for hold in holds}
    tables: list[TablePlan] = []
    kept: list[KeptOff] = []
    for table in plan.tables:
        hold = by_table.get(table.table)
        if hold:
            kept.append(KeptOff(hold, tuple(Partition(table.table, p.day) for p in table.to_do)))
        tables.append(table.model_copy(update={"to_do": ()}) if hold else table)
    return plan.model_copy(update={"tables": tuple(tables)}), tuple(kept)
