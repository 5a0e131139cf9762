"""Repairs of published partitions: commits that take rows away instead of replacing them. Pure text, no I/O.

A repair changes rows that readers and later runs rely on, so it goes through the same script as a run's commit: the
table's head makes it conflict with every other commit, the ledger must still say what was looked at, and the new ledger
rows appear in the same transaction, with a row in the log of operations. One check more: the dates must still hold as
many rows as were looked at, for a foreign writer leaves no trace in the ledger.
"""

from collections.abc import Iterable, Mapping
from datetime import date

from backcourt.pipeline.table import Table
from backcourt.warehouse.commit import CommitBatch, commit_request, count_check, replacement
from backcourt.warehouse.literals import literal
from backcourt.warehouse.names import Names, column
from backcourt.warehouse.operations import Operation, operation_insert
from backcourt.warehouse.requests import JobRequest, Kind, TableDefinition, TableRef

KEPT_HOURS = 24.0
"""How long a table of rows that are kept lives at most."""


def backup_request(table: Table, backup: TableRef, names: Names, run_id: str, job_id: str) -> JobRequest:
    """The job that clones the table, which costs nothing until either changes (Table clones, read 2026-11).

    When the clone expires is set afterwards: the local BigQuery knows no options of a clone.
    """
    sql = f"CREATE TABLE {names.quoted(backup)} CLONE {names.quoted(TableRef.of(table.full_name))}"
    return JobRequest(job_id, Kind.QUERY, run_id, table.full_name, sql=sql)


def kept_definition(table: Table, ref: TableRef) -> TableDefinition:
    """A table for the rows that stay of each group of doubles, the commit's own columns included."""
    description = f"Rows of {table.full_name} that stay."
    return TableDefinition(ref, table.all_columns, description, expires_hours=KEPT_HOURS)


def removal(
    batch: CommitBatch, seen: Mapping[date, int], operation: Operation, names: Names, state_dataset: str
) -> JobRequest:
    """The commit that empties the batch's partitions, whose `seen` rows a date were looked at."""
    target, by = _target(batch, names)
    changes = (
        count_check(target, batch.table.partition_by, seen, "rows"),
        f"DELETE FROM {target} WHERE {by} IN ({_dates(batch.dates)})",
        operation_insert(operation, names, state_dataset),
    )
    return commit_request(batch, names, state_dataset, changes=changes)


def restoration(batch: CommitBatch, operation: Operation, names: Names, state_dataset: str) -> JobRequest:
    """The commit that publishes the batch's partitions again as they stand in its staging, a backup."""
    changes = (*replacement(batch, names), operation_insert(operation, names, state_dataset))
    return commit_request(batch, names, state_dataset, changes=changes)


def deduplication(
    batch: CommitBatch,
    kept: TableRef,
    seen: Mapping[date, int],
    operation: Operation,
    names: Names,
    state_dataset: str,
) -> JobRequest:
    """The commit that leaves one row of each group of doubles in the batch's partitions, as it stands in `kept`.

    Rows of other keys are not touched at all. `batch.entries` count the rows that stay; the script fails if the
    partitions end with others.
    """
    target, by = _target(batch, names)
    columns = ", ".join(column(c.name) for c in batch.table.all_columns)
    same = " AND ".join(f"k.{name} = t.{name}" for name in map(column, batch.table.unique_by))
    days = _dates(batch.dates)
    changes = (
        count_check(target, batch.table.partition_by, seen, "rows"),
        f"DELETE FROM {target} AS t\n"
        f"WHERE t.{by} IN ({days}) AND EXISTS (SELECT 1 FROM {names.quoted(kept)} AS k WHERE {same})",
        f"INSERT INTO {target} ({columns})\nSELECT {columns} FROM {names.quoted(kept)} WHERE {by} IN ({days})",
        count_check(target, batch.table.partition_by, {e.day: e.row_count for e in batch.entries}, "rows"),
        operation_insert(operation, names, state_dataset),
    )
    return commit_request(batch, names, state_dataset, changes=changes)


def _target(batch: CommitBatch, names: Names) -> tuple[str, str]:
    return names.quoted(TableRef.of(batch.table.full_name)), column(batch.table.partition_by)


def _dates(days: Iterable[date]) -> str:
    return ", ".join(literal(day) for day in days)
