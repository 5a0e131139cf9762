"""Partitions made by another version of their processor or from older inputs, and what hangs on them downstream."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from datetime import date

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.plan import Frozen, Ledger, is_stale, versions_of, waves
from backcourt.pipeline.processor import Pipeline

OLDER_INPUTS = "older inputs"


class Downstream(Frozen):
    """Committed partitions of one table that would be looked at again."""

    table: str
    days: tuple[date, ...]


class StaleGroup(Frozen):
    """Dates of one table that are stale for one cause, and the blast radius of doing them again.

    `cause` is in words: "older inputs", or both versions of the processor. `downstream` is what reads those dates,
    and what reads that, as far as it is committed: it is computed again only where rows really change.
    """

    table: str
    cause: str
    days: tuple[date, ...]
    downstream: tuple[Downstream, ...]

    @property
    def reached(self) -> int:
        """Partitions downstream."""
        return sum(len(d.days) for d in self.downstream)


def stale_groups(
    pipeline: Pipeline, calendar: Calendar, ledger: Ledger, as_of: date, tables: Sequence[str], days: Sequence[date]
) -> tuple[StaleGroup, ...]:
    """Every group among `tables` and `days`, inputs before their readers; another version comes before older inputs."""
    versions = versions_of(pipeline, calendar, ledger, as_of)
    order = waves(pipeline, [p.name for p in pipeline.processors])
    committed = _committed(ledger)
    found = []
    for table in sorted(tables, key=lambda name: (order[name], name)):
        processor = pipeline.processor(table)
        causes: dict[str, list[date]] = {}
        for day in sorted(set(days)):
            entry = ledger.get((table, day))
            if entry is None:
                continue
            if entry.processor_version != processor.version:
                made_by = entry.processor_version or "unknown"
                causes.setdefault(f"made by version {made_by}, now {processor.version}", []).append(day)
            elif is_stale(processor, day, calendar, entry, versions):
                causes.setdefault(OLDER_INPUTS, []).append(day)
        for cause, stale in causes.items():
            reached = blast_radius(pipeline, calendar, order, committed, table, stale)
            found.append(StaleGroup(table=table, cause=cause, days=tuple(stale), downstream=reached))
    return tuple(found)


def blast_radius(
    pipeline: Pipeline,
    calendar: Calendar,
    order: Mapping[str, int],
    committed: Mapping[str, Sequence[date]],
    table: str,
    days: Sequence[date],
) -> tuple[Downstream, ...]:
    """Committed partitions whose windows reach the given dates of `table`, directly or through others.

    Args:
        pipeline: the processors.
        calendar: the dates that exist.
        order: the wave of every table.
        committed: the committed dates of every table, ascending.
        table: where rows may change.
        days: the dates there, ascending.
    """
    changing: dict[str, list[date]] = {table: list(days)}
    for name in sorted(order, key=lambda n: (order[n], n)):
        inputs = [i for i in pipeline.processor(name).inputs if i.name in changing]
        if name == table or not inputs:
            continue
        reached = [
            day
            for day in committed.get(name, ())
            if any(
                bisect_left(changing[i.name], i.window.first(day, calendar))
                < bisect_right(changing[i.name], i.window.last(day))
                for i in inputs
            )
        ]
        if reached:
            changing[name] = reached
    return tuple(Downstream(table=name, days=tuple(found)) for name, found in changing.items() if name != table)


def _committed(ledger: Ledger) -> dict[str, list[date]]:
    days: dict[str, list[date]] = {}
    for table, day in sorted(ledger):
        days.setdefault(table, []).append(day)
    return days
