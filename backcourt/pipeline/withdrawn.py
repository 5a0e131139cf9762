"""Partitions whose rows `cleanup` took away: committed as ever, but with nothing to read.

What was made from them stays true, so nothing becomes stale. But whoever is computed anew would read nothing in their
place and take it for an answer. So a plan that reads them computes them first, and a run that must not blocks.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.processor import Pipeline


def withdrawn_days(ledger: Mapping[tuple[str, date], LedgerEntry]) -> dict[str, tuple[date, ...]]:
    """The dates of each table whose rows were taken away, ascending."""
    days: dict[str, list[date]] = {}
    for (table, day), entry in ledger.items():
        if entry.withdrawn:
            days.setdefault(table, []).append(day)
    return {table: tuple(sorted(found)) for table, found in days.items()}


def withdrawn_inputs(
    pipeline: Pipeline,
    calendar: Calendar,
    to_do: Mapping[str, Iterable[date]],
    withdrawn: Mapping[str, Sequence[date]],
) -> frozenset[Partition]:
    """The partitions without rows that partitions to be done read, by table and date."""
    if not withdrawn:
        return frozenset()
    return frozenset(
        Partition(each.name, gone)
        for table, days in to_do.items()
        for each in pipeline.processor(table).inputs
        if each.name in withdrawn
        for day in days
        for gone in _between(withdrawn[each.name], each.window.first(day, calendar), each.window.last(day))
    )


def _between(days: Sequence[date], first: date, last: date) -> Sequence[date]:
    return days[bisect_left(days, first) : bisect_right(days, last)]
