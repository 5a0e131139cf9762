"""Small made-up pipelines: tables of one entity a date, linked by random windows, over a random calendar."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

import polars as pl

from backcourt.pipeline.calendar import Calendar, Season
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.plan import Plan, Request, Seen, seen_by, versions_of
from backcourt.pipeline.processor import Chunk, Input, Inputs, Pipeline, Processor, Window
from backcourt.pipeline.table import Column, FieldType, Table

FIRST = date(2024, 1, 20)
COLUMNS = (
    Column("day", FieldType.DATE, "The partition.", required=True),
    Column("who", FieldType.STRING, "The entity.", required=True),
    Column("points", FieldType.INT64, "A number."),
)


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def table(name: str) -> Table:
    return Table("d", name, "day", ("day", "who"), COLUMNS, "A table.")


def seen(pipeline: Pipeline, calendar: Calendar, plan: Plan, ledger: Mapping[tuple[str, date], LedgerEntry]) -> Seen:
    return seen_by(plan, ledger, versions_of(pipeline, calendar, ledger, plan.request.as_of))


def one_row_a_date(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    points = sum(frame.height for frame in inputs.values())
    return pl.DataFrame(
        {"day": list(chunk.dates), "who": ["x"] * len(chunk.dates), "points": [points] * len(chunk.dates)},
        schema={"day": pl.Date, "who": pl.String, "points": pl.Int64},
    )


def expect_x(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    return one_row_a_date(chunk, inputs).select("day", "who")


def processor(name: str, inputs: Iterable[Input] = (), *, bootstrap: bool = False, version: str = "1") -> Processor:
    return Processor(table(name), version, tuple(inputs), expect_x, one_row_a_date, bootstrap=bootstrap)


def reads(name: str, window: Window, *, optional: bool = False, holes_block: bool = False) -> Input:
    return Input(table(name), ("day", "who", "points"), window, optional, holes_block)


@dataclass(frozen=True)
class World:
    """A pipeline, its calendar, and what is asked of it."""

    pipeline: Pipeline
    calendar: Calendar
    request: Request

    def window(self, each: Input, of: date) -> list[date]:
        """The calendar's dates in the input's window, by the words of Window's documentation."""
        start = max((s.start for s in self.calendar.seasons if s.start <= of), default=None)
        found = []
        for other in self.calendar.dates:
            back = other < of and (
                each.window.everything
                or (of - other).days <= each.window.days
                or (each.window.season and start is not None and other >= start)
            )
            if back or (each.window.same_date and other == of):
                found.append(other)
        return found

    def is_due(self, name: str, of: date) -> bool:
        """Whether the partition ought to be computed: before the as-of date and no bootstrap day."""
        start = max((s.start for s in self.calendar.seasons if s.start <= of), default=None)
        skipped = start is not None and (of - start).days < self.calendar.bootstrap_days
        return of < self.request.as_of and not (self.pipeline.processor(name).bootstrap and skipped)


def random_calendar(random: Random, most_days: int = 75) -> Calendar:
    share = random.choice([0.1, 0.5, 0.9])
    days = tuple(day(n) for n in range(most_days) if random.random() < share) or (day(0),)
    starts = sorted({day(random.randrange(-5, most_days)) for _ in range(random.randrange(3))})
    return Calendar(days, tuple(Season(2000 + n, start) for n, start in enumerate(starts)), random.randrange(8))


def random_window(random: Random) -> Window:
    return Window(
        same_date=random.random() < 0.6,
        days=random.choice([0, 0, 1, 5, 40]),
        season=random.random() < 0.3,
        everything=random.random() < 0.15,
    )


def random_world(seed: int) -> World:
    """Two to five tables; `t0` reads nothing, each other reads some of those before it. Not all need be asked for."""
    random = Random(seed)
    processors = [processor("t0", bootstrap=random.random() < 0.2)]
    for number in range(1, random.randint(2, 5)):
        read = random.sample(range(number), random.randint(1, min(number, 2)))
        inputs = [
            reads(
                f"t{n}",
                random_window(random),
                optional=random.random() < 0.2,
                holes_block=random.random() < 0.15,
            )
            for n in read
        ]
        processors.append(processor(f"t{number}", inputs, bootstrap=random.random() < 0.2))
    calendar = random_calendar(random)
    asked = [p.name for p in processors if random.random() < 0.85] or [processors[-1].name]
    as_of = random.choice([day(100), calendar.dates[len(calendar.dates) // 2]])
    request = Request(run_id="r", tables=tuple(asked), days=calendar.dates, as_of=as_of)
    return World(Pipeline("p", tuple(processors)), calendar, request)
