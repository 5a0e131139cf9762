"""Cutting a plan into work: chunks of consecutive dates to compute, and blocks of input to read.

A block is one month of one input, read once a run however many chunks need it.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.plan import Plan
from backcourt.pipeline.processor import Pipeline, Processor, Window

Stretch = tuple[int, int]
"""Positions in the calendar's dates: the first, and the one after the last."""


@dataclass(frozen=True, order=True, slots=True)
class BlockKey:
    """One month of one input; `input` is `dataset.table` or `source:feed`."""

    input: str
    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.input} {self.year}-{self.month:02}"


@dataclass(frozen=True, slots=True)
class Block:
    """What is read of a block: the columns that its readers want and the dates that they can reach."""

    key: BlockKey
    columns: tuple[str, ...]
    days: tuple[date, ...]


@dataclass(frozen=True, order=True, slots=True)
class ChunkKey:
    """Consecutive dates of one table; its first date and length name it."""

    wave: int
    first: date
    table: str
    days: tuple[date, ...]

    def halves(self) -> tuple["ChunkKey", "ChunkKey"]:
        """The same dates in two chunks; only for two dates or more."""
        middle = len(self.days) // 2
        return (
            ChunkKey(self.wave, self.days[0], self.table, self.days[:middle]),
            ChunkKey(self.wave, self.days[middle], self.table, self.days[middle:]),
        )

    def __str__(self) -> str:
        name = self.table.partition(".")[2] or self.table
        first, last = self.days[0], self.days[-1]
        if first == last:
            return f"{name} {first.isoformat()}"
        end = f"{last.day:02}" if (first.year, first.month) == (last.year, last.month) else last.isoformat()
        return f"{name} {first.isoformat()}..{end}"


def cut_days(days: Iterable[date], chunk_days: int) -> list[tuple[date, ...]]:
    """Group ascending dates so that a group spans at most `chunk_days` days; up to 31, never across a month's end."""
    groups: list[list[date]] = []
    for day in days:
        first = groups[-1][0] if groups else None
        fits = first is not None and (day - first).days < chunk_days
        if fits and first is not None and chunk_days <= 31:
            fits = (day.year, day.month) == (first.year, first.month)
        if fits:
            groups[-1].append(day)
        else:
            groups.append([day])
    return [tuple(g) for g in groups]


def chunks_of(plan: Plan, chunk_days: int) -> tuple[ChunkKey, ...]:
    """The plan's chunks, ordered by wave, first date and table."""
    return tuple(
        sorted(
            ChunkKey(table.wave, days[0], table.table, days)
            for table in plan.tables
            for days in cut_days(table.days, chunk_days)
        )
    )


def blocks_of(processor: Processor, days: tuple[date, ...], calendar: Calendar) -> tuple[BlockKey, ...]:
    """The blocks that a processor reads for `days`: the months that the windows of those dates touch."""
    return tuple(
        dict.fromkeys(
            BlockKey(each.name, *month)
            for each in processor.inputs
            for stretch in _reached(each.window, days, calendar)
            for month in _months(stretch, calendar)
        )
    )


def all_blocks(pipeline: Pipeline, calendar: Calendar, chunks: Iterable[ChunkKey]) -> dict[BlockKey, Block]:
    """Every block of a run: the union of what its chunks read."""
    stretches: dict[str, set[Stretch]] = {}
    columns: dict[str, list[str]] = {}
    for chunk in chunks:
        for each in pipeline.processor(chunk.table).inputs:
            columns.setdefault(each.name, []).extend(c for c in each.columns if c not in columns.get(each.name, []))
            stretches.setdefault(each.name, set()).update(_reached(each.window, chunk.days, calendar))
    days: dict[BlockKey, list[date]] = {}
    for name, reached in stretches.items():
        for first, end in _merged(sorted(reached)):
            for day in calendar.dates[first:end]:
                days.setdefault(BlockKey(name, day.year, day.month), []).append(day)
    named = {name: tuple(found) for name, found in columns.items()}
    known: dict[tuple[date, ...], tuple[date, ...]] = {}  # inputs share most of their months' dates
    return {
        key: Block(key, named[key.input], known.setdefault(tuple(found), tuple(found))) for key, found in days.items()
    }


def readers_of(
    pipeline: Pipeline, calendar: Calendar, chunks: Iterable[ChunkKey]
) -> Mapping[ChunkKey, tuple[BlockKey, ...]]:
    """The blocks that each chunk needs; equal keys are one object, for a long run has a hundred thousand."""
    known: dict[BlockKey, BlockKey] = {}
    return {
        c: tuple(known.setdefault(key, key) for key in blocks_of(pipeline.processor(c.table), c.days, calendar))
        for c in chunks
    }


def _reached(window: Window, days: Iterable[date], calendar: Calendar) -> list[Stretch]:
    """What the windows of ascending `days` cover: neither end of a window ever moves back, so they merge in order."""
    windows = (calendar.positions(window.first(day, calendar), window.last(day)) for day in days)
    return _merged((first, end) for first, end in windows if first < end)


def _merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Stretches in order of their first positions, with those that touch made one."""
    merged: list[Stretch] = []
    for first, end in stretches:
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((first, end))
    return merged


def _months(stretch: Stretch, calendar: Calendar) -> Iterable[tuple[int, int]]:
    """Year and month of every month that has a date in the stretch."""
    at, end = stretch
    while at < end:
        day = calendar.dates[at]
        yield day.year, day.month
        _, at = calendar.positions(day, date(day.year, day.month, monthrange(day.year, day.month)[1]))
