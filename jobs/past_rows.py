"""Rows as they were, fetched by time travel into a table that expires, and where that is too late from backups."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime

import polars as pl
import pyarrow as pa

from backcourt.pipeline.table import Table
from backcourt.warehouse.definitions import staging_definition
from backcourt.warehouse.errors import InvalidQuery, NotFound, UnknownError
from backcourt.warehouse.past import PastEntry, copy_request, past_entries_in, past_entries_request
from backcourt.warehouse.requests import JobRequest, ReadRequest, TableRef
from backcourt.warehouse.state import State
from ray_tasks.prepare import Ground, own_rows

GONE = (InvalidQuery, NotFound, UnknownError)
"""What a look into a past answers that is not kept: BigQuery calls it invalid, the local one has no reason for it."""


def read_past(ground: Ground, tables: Sequence[str], days: tuple[date, date], what: str) -> tuple[PastEntry, ...]:
    """Every ledger row of these tables and dates, oldest first; none before the first run. `what` names the job."""
    names, job_id = ground.warehouse.names, ground.job_id(what)
    request = past_entries_request(names, ground.state_dataset, tables, days, ground.run_id, job_id)
    return past_entries_in(own_rows(ground, request))


@contextmanager
def copied(
    ground: Ground, table: Table, source: TableRef, days: tuple[date, date], at: datetime | None, name: str
) -> Iterator[TableRef | None]:
    """A copy of rows as they were, while it is needed; None where that past is not kept.

    Args:
        ground: what to work with.
        table: whose computed columns are copied.
        source: the table, or a backup of it.
        days: first and last date.
        at: the instant, None for now.
        name: tells the copies of one command apart.
    """
    target = TableRef(ground.state_dataset, f"staging__{ground.run_id}_{name}".replace("-", "_"))
    names, columns = ground.warehouse.names, table.column_names
    ground.attempts.call(lambda: ground.warehouse.create(staging_definition(table, target)))
    job_id = ground.job_id(f"copy-{name}")
    request = copy_request(source, target, columns, table.partition_by, days, at, names, ground.run_id, job_id)
    try:
        yield target if _is_kept(ground, request) else None
    finally:
        ground.attempts.call(lambda: ground.warehouse.drop(target))


def _is_kept(ground: Ground, request: JobRequest) -> bool:
    """Copy; whether the past that is asked for is kept."""
    try:
        ground.attempts.run(request)
    except GONE:
        return False
    return True


def rows_in(ground: Ground, table: Table, source: TableRef, days: tuple[date, date]) -> pl.DataFrame:
    """The computed columns of the rows from `days[0]` to `days[1]`, in the declared types."""
    request = ReadRequest(source, tuple(table.column_names), table.partition_by, days[0], days[1])
    schema = pa.schema([c.arrow.with_nullable(True) for c in table.columns])
    frame = pl.from_arrow(ground.attempts.read(request).cast(schema))
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 (a table never becomes a series; for the type checker)
    return frame


def backups_of(ground: Ground, table: Table) -> tuple[TableRef, ...]:
    """The backups of a table that there are, newest operation first."""
    prefix = State(ground.state_dataset).backup(table, "").name
    found = ground.attempts.call(lambda: ground.warehouse.tables(ground.state_dataset, prefix))
    return tuple(sorted(found, key=lambda ref: ref.name, reverse=True))
