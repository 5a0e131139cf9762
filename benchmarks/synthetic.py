"""A pipeline of as many tables and dates as a measurement wants, and one run of it without a command line.

Level 0 tables have no inputs; each table of level 1 reads one of them, a month back. Rows are numbers that follow from
date and key, so that computing costs next to nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

import polars as pl

from backcourt.clock import Clock
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.coverage import Thresholds
from backcourt.pipeline.plan import Plan, Request, Seen, build_plan, seen_by, versions_of
from backcourt.pipeline.processor import Chunk, Input, Inputs, Pipeline, Processor, Window
from backcourt.pipeline.table import Column, FieldType, Table
from backcourt.warehouse.connection import Connection
from backcourt.warehouse.endpoint import Endpoint
from backcourt.warehouse.requests import Kind
from ray_tasks.attempts import Attempts, Patience
from ray_tasks.committer import RunIdentity
from ray_tasks.driver import DriverSettings
from ray_tasks.engine import EngineSetup, ray_engine
from ray_tasks.joining import RaySetup, join_ray
from ray_tasks.observing import Together
from ray_tasks.permits import LocalPermits
from ray_tasks.prepare import Ground, ensure_tables, read_ledger
from ray_tasks.run import RunReport, RunSetup, execute

FIRST = date(2020, 1, 1)
STATE = "bench_state"
COLUMNS = (
    Column("day", FieldType.DATE, "The partition.", required=True),
    Column("key", FieldType.INT64, "An entity.", required=True),
    *(Column(f"value_{n}", FieldType.FLOAT64, "A figure.") for n in range(8)),
)


@dataclass(frozen=True)
class Size:
    """How big a run is. `seconds_a_date` is how long computing a date takes, asleep: a stand-in for work elsewhere.

    `budget` is that of commits; the other kinds have `spare` permits more.
    """

    tables: int
    dates: int
    rows: int
    chunk_days: int
    workers: int
    budget: int
    levels: int = 1
    seconds_a_date: float = 0.0
    spare: int = 0

    @property
    def budgets(self) -> dict[Kind, int]:
        """Permits by kind."""
        return {kind: self.budget + (0 if kind is Kind.COMMIT else self.spare) for kind in Kind}


class NeverStops:
    """Nobody asks this run to stop."""

    exit_code = 0


def pipeline_of(size: Size, sleep: Callable[[float], None]) -> Pipeline:
    """The tables, level by level."""
    first = [_processor(f"level0_{n}", size, (), sleep) for n in range(size.tables)]
    if size.levels == 1:
        return Pipeline("bench", tuple(first))
    window = Window(same_date=True, days=30)
    second = [
        _processor(f"level1_{n}", size, (Input(p.table, ("day", "key", "value_0"), window),), sleep)
        for n, p in enumerate(first)
    ]
    return Pipeline("bench", (*first, *second))


@dataclass(frozen=True)
class Prepared:
    """A run with its tables made and its plan drawn; `go` carries it out, once."""

    size: Size
    pipeline: Pipeline
    connection: Connection
    calendar: Calendar
    plan: Plan
    seen: Seen
    clock: Clock

    def _join(self, namespace: str) -> str:
        return join_ray(RaySetup(workers=self.size.workers, dashboard=False), namespace, self.clock)

    def go(self) -> RunReport:
        """The run, from its engine's start to its record."""
        size, warehouse = self.size, self.connection.open(self.clock)
        identity = RunIdentity(self.plan.request.run_id, 1, "bench")
        setup = RunSetup(
            self.pipeline,
            warehouse,
            self.clock,
            STATE,
            Thresholds(0.9, 0.95),
            size.chunk_days,
            size.workers,
            DriverSettings(size.budgets[Kind.READ], size.budgets[Kind.LOAD]),
        )
        run_id = identity.run_id
        engine = EngineSetup(
            self.pipeline,
            self.connection,
            STATE,
            size.budgets,
            size.workers,
            run_id,
            patience=Patience(),
        )
        return execute(
            setup,
            identity,
            self.calendar,
            self.plan,
            self.seen,
            lambda: ray_engine(engine, warehouse, self.clock, identity.prefix, self._join),
            NeverStops(),
            Together(),
            earlier={},
        )


def prepare(size: Size, endpoint: Endpoint, clock: Clock, run: str = "bench") -> Prepared:
    """Make the tables and draw the plan of what is not committed yet."""
    pipeline = pipeline_of(size, clock.sleep)
    connection = Connection(endpoint)
    days = tuple(FIRST + timedelta(days=n) for n in range(size.dates))
    calendar = Calendar(days)
    run_id = f"{run}-{size.dates}"
    warehouse = connection.open(clock)
    attempts = Attempts(warehouse, LocalPermits(dict.fromkeys(Kind, 1), clock), clock, Random(0), Patience())
    ground = Ground(pipeline, warehouse, attempts, clock, STATE, run_id, "0")
    names = tuple(p.name for p in pipeline.processors)
    ensure_tables(ground, names, create_datasets=True)
    request = Request(run_id=run_id, tables=names, days=days, as_of=date(2060, 1, 1))
    ledger = read_ledger(ground, days[0], days[-1])
    versions = versions_of(pipeline, calendar, ledger, request.as_of)
    plan = build_plan(pipeline, calendar, request, ledger, (), versions)
    return Prepared(size, pipeline, connection, calendar, plan, seen_by(plan, ledger, versions), clock)


def _processor(name: str, size: Size, inputs: tuple[Input, ...], sleep: Callable[[float], None]) -> Processor:
    rows, seconds = size.rows, size.seconds_a_date

    def expected(chunk: Chunk, _: Inputs) -> pl.DataFrame:
        return pl.DataFrame({"day": chunk.dates}).join(pl.DataFrame({"key": range(rows)}), how="cross")

    def compute(chunk: Chunk, frames: Inputs) -> pl.DataFrame:
        sleep(seconds * len(chunk.dates))
        value = (pl.col("key") * 37 + pl.col("day").dt.ordinal_day()) / 7.0
        return expected(chunk, frames).with_columns(value.alias(f"value_{n}") for n in range(8))

    table = Table("bench", name, "day", ("day", "key"), COLUMNS, "A table of a benchmark.", rows_a_date=rows)
    return Processor(table, "1", inputs, expected, compute, needs_final_games=False)
