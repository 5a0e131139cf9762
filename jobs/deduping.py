"""Rows that share a date and a key: found, shown, and all but the newest taken away.

What the ledger says of such a partition was true of one row a key. Afterwards it says so again, under a commit of its
own: partitions downstream may have been computed from the doubled rows, and a new commit makes them stale.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import polars as pl
import pyarrow as pa

from backcourt.errors import BackcourtError
from backcourt.pipeline.content_hash import content_hashes
from backcourt.pipeline.duplicates import doubled, kept_of
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.table import Table
from backcourt.pipeline.validation import KeyCount
from backcourt.warehouse.errors import JobUnresolved
from backcourt.warehouse.repair import deduplication, kept_definition
from backcourt.warehouse.requests import JobRequest, Kind, ReadRequest, TableRef
from jobs.repairing import Repair, in_batches, key_counts, key_counts_between
from ray_tasks.prepare import Ground


@dataclass(frozen=True)
class DoubledDate:
    """One date with doubled rows. Not `committed`: nobody gated its rows, and a backfill replaces them anyway.

    `groups` are keys with more than one row, `surplus` the rows that are too many, `example` one such key.
    """

    day: date
    rows: int
    groups: int
    surplus: int
    committed: bool
    example: str = ""


@dataclass(frozen=True)
class Deduped:
    """What was done to the dates of one commit."""

    commit_id: str
    dates: tuple[date, ...]
    removed: int
    backup: str


def find_doubled(
    ground: Ground, table: Table, days: tuple[date, date], ledger: Mapping[tuple[str, date], LedgerEntry]
) -> tuple[DoubledDate, ...]:
    """The dates from `days[0]` to `days[1]` on which keys have more than one row, by date."""
    counted = key_counts_between(ground, table, *days)
    wrong = {day: count for day, count in counted.items() if count.doubled}
    examples = {day: _example(ground, table, day) for day in list(wrong)[:20]}
    return tuple(
        DoubledDate(
            day,
            count.rows,
            count.doubled,
            count.rows - count.keys,
            (table.full_name, day) in ledger,
            examples.get(day, ""),
        )
        for day, count in sorted(wrong.items())
    )


def deduplicate(
    repair: Repair,
    table: Table,
    found: tuple[DoubledDate, ...],
    ledger: Mapping[tuple[str, date], LedgerEntry],
) -> tuple[Deduped, ...]:
    """Back the table up, then leave one row a key on the committed dates, commit by commit.

    Raises:
        BackcourtError: the backup failed, a run committed one of the dates meanwhile, or somebody else writes to the
            table; a commit that was refused left no trace.
    """
    days = [each.day for each in found if each.committed]
    if not days:
        return ()
    with repair.recorded():
        counted = key_counts(repair.ground, table, days)
        backup = repair.back_up(table, counted)
        return tuple(
            _deduplicate_batch(repair, table, number, {day: counted[day] for day in batch}, backup, ledger)
            for number, batch in enumerate(in_batches(days), start=1)
        )


def _deduplicate_batch(
    repair: Repair,
    table: Table,
    number: int,
    counted: Mapping[date, KeyCount],
    backup: TableRef,
    ledger: Mapping[tuple[str, date], LedgerEntry],
) -> Deduped:
    """One commit. What stays is computed from the backup, which nobody changes."""
    ground, commit_id = repair.ground, repair.commit_id(table, number)
    rows = rows_on(ground, table, backup, tuple(counted))
    stay = kept_of(table, rows)
    hashes = content_hashes(table, stay.select(table.column_names), tuple(counted))
    entries = [
        replace(
            ledger[table.full_name, day],
            commit_id=commit_id,
            rows_commit=commit_id,
            row_count=count.keys,
            content_hash=hashes[day],
        )
        for day, count in counted.items()
    ]
    kept = TableRef(ground.state_dataset, f"staging__{commit_id}".replace("-", "_"))
    _stage(repair, table, kept, kept_of(table, doubled(table, rows)), commit_id)
    batch = repair.batch(table, commit_id, entries, ledger, kept)
    seen = {day: count.rows for day, count in counted.items()}
    before, after = sum(seen.values()), sum(entry.row_count for entry in entries)
    operation = repair.operation(batch, before, after, backup)
    request = deduplication(batch, kept, seen, operation, ground.warehouse.names, ground.state_dataset)
    try:
        repair.send(request)
    except JobUnresolved:
        raise  # the script may still read what is kept, which expires by itself
    except BackcourtError:
        ground.attempts.call(lambda: ground.warehouse.drop(kept))
        raise
    ground.attempts.call(lambda: ground.warehouse.drop(kept))
    return Deduped(commit_id, batch.dates, before - after, str(backup))


def rows_on(ground: Ground, table: Table, source: TableRef, days: tuple[date, ...]) -> pl.DataFrame:
    """Every column of the rows of these dates."""
    columns = tuple(c.name for c in table.all_columns)
    request = ReadRequest(source, columns, table.partition_by, min(days), max(days))
    schema = pa.schema([c.arrow.with_nullable(True) for c in table.all_columns])
    frame = pl.from_arrow(ground.attempts.read(request).cast(schema))
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 (a table never becomes a series; for the type checker)
    return frame.filter(pl.col(table.partition_by).is_in(list(days)))


def _stage(repair: Repair, table: Table, kept: TableRef, rows: pl.DataFrame, commit_id: str) -> None:
    """Load the rows that stay of each group into a table of their own."""
    ground = repair.ground
    schema = pa.schema([c.arrow for c in table.all_columns])
    ground.attempts.call(lambda: ground.warehouse.create(kept_definition(table, kept)))
    ground.attempts.run(
        JobRequest(
            job_id=f"{commit_id}-load",
            kind=Kind.LOAD,
            run_id=repair.operation_id,
            table=table.full_name,
            destination=kept,
            rows=rows.select(schema.names).to_arrow().cast(schema),
            columns=table.all_columns,
        )
    )


def _example(ground: Ground, table: Table, day: date) -> str:
    """A key that the date has more than once."""
    found = doubled(table, rows_on(ground, table, TableRef.of(table.full_name), (day,))).sort(table.unique_by)
    return "/".join(str(found.row(0, named=True)[name]) for name in table.key) if found.height else ""
