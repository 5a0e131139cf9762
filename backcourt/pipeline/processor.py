"""What computes a table: a processor, its inputs and their windows, and the pipeline that lists them.

A processor is two pure functions and a declaration. It never sees Ray or BigQuery: Polars frames come in, one frame
goes out. A new table is one module with a PROCESSOR and one entry in the pipeline's list.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any

import polars as pl

from backcourt.errors import UsageError
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.plausibility import Plausible
from backcourt.pipeline.table import Column, Table

Inputs = Mapping[str, pl.DataFrame]
"""Rows by `dataset.table` (or feed) name: every committed row of the input's windows, over all dates of the chunk."""


@dataclass(frozen=True)
class Window:
    """How far back from a partition's date D an input is needed.

    `same_date` includes D itself. Looking back, strictly before D: `days` counts calendar days (D − days … D − 1),
    `season` reaches to the start of D's season, `everything` to the beginning; the widest of those given holds.
    """

    same_date: bool = False
    days: int = 0
    season: bool = False
    everything: bool = False

    def first(self, day: date, calendar: Calendar) -> date:
        """The earliest date that the partition of `day` may read."""
        if self.everything:
            return calendar.dates[0] if calendar.dates else day
        first = day - timedelta(days=self.days) if self.days else day
        season_start = calendar.season_start(day) if self.season else None
        return min(first, season_start) if season_start else first

    def last(self, day: date) -> date:
        """The latest date that the partition of `day` may read."""
        return day if self.same_date else day - timedelta(days=1)

    def dates(self, day: date, calendar: Calendar) -> tuple[date, ...]:
        """The calendar's dates that the partition of `day` reads."""
        return calendar.between(self.first(day, calendar), self.last(day))

    def describe(self) -> str:
        """The window in words."""
        back = ["everything before"] if self.everything else []
        back += ["the season so far"] if self.season and not self.everything else []
        back += [f"{self.days} days back"] if self.days and not self.everything else []
        return " and ".join((["the date"] if self.same_date else []) + back)


SAME_DATE = Window(same_date=True)
SEASON = Window(season=True)
SEASON_AND_SAME_DATE = Window(same_date=True, season=True)
EVERYTHING_BEFORE = Window(everything=True)


@dataclass(frozen=True)
class Feed:
    """What a source delivers under a name, before it is a table.

    `columns` are the columns as the processor reads them; `aliases` maps a source's own column names onto them, the
    one place where foreign names are known; `ignored` are foreign columns that are known and not wanted. `files` are
    glob patterns of the feed's files in a folder, without ending (`box_scores*`). An `optional` feed may have no
    file, and then has no rows.
    """

    name: str
    columns: tuple[Column, ...]
    partition_by: str
    files: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    optional: bool = False

    @property
    def full_name(self) -> str:
        """`source:name`, so that a feed is never mistaken for a table."""
        return f"source:{self.name}"


@dataclass(frozen=True)
class Input:
    """One input of a processor: a table of the warehouse or a source's feed, the columns it reads, its window.

    `optional`: a same-date partition that is not committed does not block (tables that may be empty).
    `holes_block`: a hole inside the look-back window blocks the date instead of being named.
    """

    table: Table | Feed
    columns: tuple[str, ...]
    window: Window
    optional: bool = False
    holes_block: bool = False

    @cached_property
    def name(self) -> str:
        """The name under which the rows reach the processor."""
        return self.table.full_name


@dataclass(frozen=True)
class Chunk:
    """Consecutive dates that one task computes.

    `as_of` is the plan's date: a game before it without a status is final. `options` are the run's switches that
    a processor may know (`no_fallback`).
    """

    table: str
    dates: tuple[date, ...]
    as_of: date
    options: frozenset[str] = frozenset()


Compute = Callable[[Chunk, Inputs], pl.DataFrame]
Notes = Callable[[Chunk, Inputs, pl.DataFrame], Mapping[date, str]]


@dataclass(frozen=True)
class Processor:
    """What computes one table.

    `expected_keys(chunk, inputs)` returns the entities that must be there: the partition column and any columns of
    the table that name an entity; a row of the table covers an expected row when it agrees in those columns.
    `compute(chunk, inputs)` returns exactly the table's computed columns, for exactly the chunk's dates. Both are
    pure, and a date's rows depend neither on the other dates of the chunk nor on the order of the input rows.
    `version` changes when the same inputs would give other rows. `bootstrap`: skip the first days of a season.
    `needs_final_games`: a date is due only once it lies before the plan's as-of date. `notes`, where given, says
    in JSON what the processor decided about a date (a source decision); it is kept in ledger and history.
    `plausible` bounds the means of columns. `short_lived`: the rows are about what is to come, and `cleanup` takes them
    away some days after their date.
    """

    table: Table
    version: str
    inputs: tuple[Input, ...]
    expected_keys: Compute
    compute: Compute
    bootstrap: bool = False
    needs_final_games: bool = True
    notes: Notes | None = None
    plausible: tuple[Plausible, ...] = ()
    short_lived: bool = False

    @cached_property
    def name(self) -> str:
        """The table's full name."""
        return self.table.full_name

    @cached_property
    def table_inputs(self) -> tuple[Input, ...]:
        """The inputs that are tables: a source's feed has no commits."""
        return tuple(i for i in self.inputs if not isinstance(i.table, Feed))

    @property
    def is_raw(self) -> bool:
        """Whether it reads a source's feed: such tables are made by `ingest`, not by `backfill`."""
        return any(isinstance(i.table, Feed) for i in self.inputs)


@dataclass(frozen=True)
class Export:
    """Documents for readers outside the warehouse, one a date: `backcourt export` writes each as a JSON file.

    `build(chunk, inputs)` returns a value that JSON can hold for each of the chunk's dates, dates and instants
    allowed; it is pure, as a processor's functions are. Each must fit `schema`, a JSON Schema (2020-12). A date is
    exported once its inputs of the same date are committed, as far as they are due; an `optional` input is read
    where it is committed and empty elsewhere.
    """

    name: str
    inputs: tuple[Input, ...]
    schema: Mapping[str, Any]
    build: Callable[[Chunk, Inputs], Mapping[date, Any]]


@dataclass(frozen=True)
class Trained:
    """A model: its card as JSON can hold it, figures by name, and its files by name in the order of writing."""

    name: str
    card: Mapping[str, Any]
    metrics: Mapping[str, float]
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class Training:
    """Models that `backcourt train` makes of committed rows.

    `train(until, inputs)` returns a model for `until` and later dates; it is pure, as a processor's functions are. Its
    inputs hold the committed rows of their windows, which end before `until`.
    """

    name: str
    inputs: tuple[Input, ...]
    train: Callable[[date, Inputs], Trained]


Row = Mapping[str, Any]
"""One row by column."""


@dataclass(frozen=True)
class SpotCheck:
    """Figures of a table that can be had a second way, from other tables' rows and without the processor's code.

    `recompute(rows, inputs)` returns, for each of some rows of `table`, what `columns` should hold; `inputs` are the
    committed rows of their windows over the rows' dates, as plain values. `tolerance` is relative: two ways of adding
    up differ in the last bits.
    """

    name: str
    table: Table
    columns: tuple[str, ...]
    inputs: tuple[Input, ...]
    recompute: Callable[[Sequence[Row], Mapping[str, Sequence[Row]]], Sequence[Row]]
    tolerance: float = 1e-9


@dataclass(frozen=True)
class Pipeline:
    """The processors of one pipeline, what it exports, trains and checks, and how dates are found.

    `schedule` is the table whose rows say which dates exist; `calendar` turns its rows (columns
    `schedule_columns`) into a Calendar. Without a schedule every day of the requested range exists. `timezone` is
    where the pipeline's dates change.
    """

    name: str
    processors: tuple[Processor, ...]
    schedule: Table | None = None
    schedule_columns: tuple[str, ...] = ()
    calendar: Callable[[pl.DataFrame], Calendar] | None = None
    timezone: str = "UTC"
    exports: tuple[Export, ...] = ()
    trainings: tuple[Training, ...] = ()
    spot_checks: tuple[SpotCheck, ...] = ()
    _by_name: dict[str, Processor] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the processors and refuse what could not run.

        Raises:
            UsageError: two tables share a name, an input has no processor or is declared twice, tables read each
                other, or a training reads the date that it trains for.
        """
        for processor in self.processors:
            if processor.table.name in {p.table.name for p in self._by_name.values()}:
                raise UsageError(
                    f"Pipeline {self.name} makes table {processor.table.name} twice.",
                    "Give every table one processor and a name of its own.",
                )
            self._by_name[processor.name] = processor
        for processor in self.processors:
            self._check_inputs(processor)
        for export in self.exports:
            self._check_inputs(export)
        for training in self.trainings:
            self._check_inputs(training)
            self._check_foresight(training)
        for check in self.spot_checks:
            self._check_inputs(check)
        self._check_order()

    def _check_foresight(self, training: Training) -> None:
        """Refuse a training that would see what its model is to predict."""
        for each in training.inputs:
            if each.window.same_date:
                raise UsageError(
                    f"Training {training.name} reads {each.name} of the date that it trains for.",
                    "Give that input a window that ends before the date.",
                )

    def _check_inputs(self, reader: Processor | Export | Training | SpotCheck) -> None:
        names = [each.name for each in reader.inputs]
        for each in reader.inputs:
            is_feed = isinstance(each.table, Feed) and isinstance(reader, Processor)
            if each.name not in self._by_name and not is_feed:
                raise UsageError(
                    f"{reader.name} reads {each.name}, which no processor of pipeline {self.name} makes.",
                    "Add its processor to the pipeline.",
                )
            if names.count(each.name) > 1:
                raise UsageError(
                    f"{reader.name} declares its input {each.name} twice.",
                    "Declare it once, with the wider window and all columns.",
                )

    def _check_order(self) -> None:
        """Refuse tables that wait for each other: none of them could ever be computed."""
        sorter = TopologicalSorter(
            {p.name: [i.name for i in p.inputs if i.name in self._by_name] for p in self.processors}
        )
        try:
            sorter.prepare()
        except CycleError as error:
            raise UsageError(
                f"Tables of pipeline {self.name} read each other: {' → '.join(error.args[1])}.",
                "Take one of those inputs away.",
            ) from None

    def processor(self, name: str) -> Processor:
        """The processor of `dataset.table` (KeyError if there is none)."""
        return self._by_name[name]

    def __contains__(self, name: str) -> bool:
        return name in self._by_name
