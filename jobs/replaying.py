"""Recomputes a partition from its inputs as they were, judges it with the gate on and off, compares with today's rows.

Nothing that is published changes: the rows go into a scratch table that expires.
"""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from backcourt.errors import GateError
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.coverage import Judgement, Measurement, Thresholds, Verdict, judge, measure
from backcourt.pipeline.differences import Difference, differences
from backcourt.pipeline.processor import Chunk, Processor
from backcourt.pipeline.table import Table
from backcourt.warehouse.past import newest_at
from backcourt.warehouse.requests import JobRequest, Kind, TableDefinition, TableRef
from jobs.inputs_then import InputThen, input_then
from jobs.past_rows import read_past, rows_in
from ray_tasks.prepare import Ground


@dataclass(frozen=True)
class Computed:
    """A partition computed anew: its rows, None where the processor refused, and what was counted."""

    rows: pl.DataFrame | None
    measured: Measurement
    refusal: str = ""

    def judged(self, thresholds: Thresholds, *, force: bool) -> Judgement:
        """What the gate says, on or (by force) off."""
        if self.rows is None:
            return Judgement(Verdict.BLOCK, self.refusal)
        return judge(self.measured, thresholds, force=force)


@dataclass(frozen=True)
class Replayed:
    """What came out. `published_commit` is the partition's newest commit today, "" for none.

    `cells` are the differences to the rows published now. `scratch` is the table that has the rows, "" where they do
    not fit the declared table.
    """

    table: str
    day: date
    instant: datetime
    inputs: tuple[InputThen, ...]
    measured: Measurement
    gate_on: Judgement
    gate_off: Judgement
    published_rows: int
    published_commit: str
    cells: tuple[Difference, ...]
    scratch: str


@dataclass(frozen=True)
class Replayer:
    """What replaying needs. `as_of` is the date that it was at the instant; hours are the scratch table's life."""

    ground: Ground
    calendar: Calendar
    thresholds: Thresholds
    as_of: date
    options: tuple[str, ...] = ()
    scratch_hours: float = 24.0

    def replay(self, processor: Processor, day: date, instant: datetime) -> Replayed:
        """Recompute one partition.

        Raises:
            UsageError: the table is made from a source, whose past nobody keeps.
            DataError: the past of an input is kept nowhere.
        """
        ground, table = self.ground, processor.table
        windows = [d for each in processor.inputs for d in each.window.dates(day, self.calendar)]
        names = [processor.name, *(each.name for each in processor.inputs)]
        past = read_past(ground, names, (min([day, *windows]), max([day, *windows])), "past")
        then = newest_at(past, instant)
        inputs = tuple(input_then(ground, self.calendar, then, each, day, instant) for each in processor.inputs)
        computed = self._computed(processor, day, inputs)
        published = rows_in(ground, table, TableRef.of(table.full_name), (day, day))
        newest = {(p.entry.table, p.entry.day): p.entry for p in past}.get((processor.name, day))
        rows = None if computed.measured.problems else computed.rows
        return Replayed(
            processor.name,
            day,
            instant,
            inputs,
            computed.measured,
            computed.judged(self.thresholds, force=False),
            computed.judged(self.thresholds, force=True),
            published.height,
            newest.commit_id if newest else "",
            () if rows is None else differences(table, published, rows),
            "" if rows is None else self._scratch(table, rows),
        )

    def _computed(self, processor: Processor, day: date, inputs: tuple[InputThen, ...]) -> Computed:
        chunk = Chunk(processor.name, (day,), self.as_of, frozenset(self.options))
        frames = {each.name: each.rows for each in inputs}
        try:
            expected = processor.expected_keys(chunk, frames)
            rows = processor.compute(chunk, frames)
        except GateError as error:
            return Computed(None, Measurement(day), str(error))
        (measured,) = measure(processor.table, chunk, rows, expected, processor.plausible)
        return Computed(rows, measured)

    def _scratch(self, table: Table, rows: pl.DataFrame) -> str:
        """A table of the state dataset that holds the rows for a while; its name."""
        ground = self.ground
        ref = TableRef(ground.state_dataset, f"replay__{ground.run_id}__{table.name}".replace("-", "_"))
        what = f"Rows of {table.full_name}, computed anew; not published."
        definition = TableDefinition(ref, table.columns, what, expires_hours=self.scratch_hours)
        ground.attempts.call(lambda: ground.warehouse.create(definition))
        arrow = rows.select(table.column_names).to_arrow().cast(table.arrow_schema)
        if rows.height:
            job_id = ground.job_id("scratch")
            ground.attempts.run(
                JobRequest(
                    job_id, Kind.LOAD, ground.run_id, table.full_name, destination=ref, rows=arrow,
                    columns=table.columns,
                )
            )  # fmt: skip
        return str(ref)
