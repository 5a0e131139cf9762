"""An input's committed rows in this process, read as a run reads them: by block, the commits compared."""

from collections.abc import Sequence
from datetime import date

import polars as pl
import pyarrow as pa

from backcourt.errors import UsageError
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.chunks import Block, BlockKey, cut_days
from backcourt.pipeline.processor import Input
from backcourt.pipeline.table import Table
from backcourt.warehouse.ledger_reads import Entries
from ray_tasks.prepare import Ground
from ray_tasks.steps import Bench, ReadStep, read_block

BLOCK_DAYS = 31
"""Longest span of dates that is read at once: a month."""


def rows_of(ground: Ground, calendar: Calendar, ledger: Entries, each: Input, days: Sequence[date]) -> pl.DataFrame:
    """The committed rows in an input's windows of the dates, in its columns.

    Raises:
        UsageError: the input is a feed, whose rows no warehouse has.
    """
    table = each.table
    if not isinstance(table, Table):
        raise UsageError(f"{each.name} is a feed, of which nothing is committed.", "Read the table made of it.")
    reached = {day for wanted in days for day in each.window.dates(wanted, calendar)}
    committed = tuple(sorted(day for day in reached if (each.name, day) in ledger))
    schema = pa.schema([table.column(name).arrow.with_nullable(True) for name in each.columns])
    bench = Bench(ground.pipeline, ground.warehouse, ground.attempts, ground.clock, ground.state_dataset)
    parts = [schema.empty_table()]
    for month in cut_days(committed, BLOCK_DAYS):
        block = Block(BlockKey(each.name, month[0].year, month[0].month), each.columns, month)
        parts.append(read_block(bench, ReadStep(ground.run_id, block, None, table))[1].cast(schema))
    frame = pl.from_arrow(pa.concat_tables(parts))
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 (a table never becomes a series; for the type checker)
    return frame
