"""Reading the ledger: all tables at once for a plan, one table's commits while a run works.

A ledger that does not exist yet holds nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from sys import intern
from typing import Any

import polars as pl
import pyarrow as pa

from backcourt.pipeline.drift import VersionUse
from backcourt.pipeline.ledger import LedgerEntry, StoredInputs
from backcourt.warehouse.errors import NotFound
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import JobRequest, Kind, ReadRequest
from backcourt.warehouse.state import State
from backcourt.warehouse.warehouse import Warehouse

ENTRY_COLUMNS = (
    "partition_date", "table_name", "generation", "commit_id", "rows_commit", "run_id", "code_version",
    "processor_version", "row_count", "expected_count", "present_count", "forced", "content_hash", "input_versions",
    "notes",
)  # fmt: skip
"""What an entry is made from, in the order of its fields but for the date."""

Entries = dict[tuple[str, date], LedgerEntry]
"""The newest entry of each partition, by table and date."""


def entries_request(state_dataset: str, start: date, end: date) -> ReadRequest:
    """The read of the ledger from `start` to `end`, to be done under a permit; `entries_in` takes its rows.

    Every generation is read and the newest chosen here: a query would choose, but its rows come as JSON, one by one.
    """
    return ReadRequest(State(state_dataset).ledger, ENTRY_COLUMNS, "partition_date", start, end)


def entries_in(rows: pa.Table, tables: Iterable[str]) -> Entries:
    """The newest entry of each partition of `tables`, from the ledger's rows as Arrow."""
    newest = (
        pl.DataFrame(rows)
        .filter(pl.col("table_name").is_in(list(tables)))
        .sort("generation")
        .unique(["table_name", "partition_date"], keep="last", maintain_order=True)
    )
    entries = map(entry_of, newest.select(ENTRY_COLUMNS).iter_rows())
    return {(entry.table, entry.day): entry for entry in entries}


def code_versions_request(names: Names, state_dataset: str, run_id: str, job_id: str) -> JobRequest:
    """The query for every version of the code that wrote to the ledger; `code_versions_in` reads its rows."""
    sql = (
        "SELECT code_version, MIN(committed_at) AS first_at, MAX(committed_at) AS last_at\n"
        f"FROM {names.quoted(State(state_dataset).ledger)}\n"
        "GROUP BY code_version"
    )
    return JobRequest(job_id, Kind.QUERY, run_id, "ledger", sql=sql)


def code_versions_in(rows: Iterable[Mapping[str, Any]]) -> tuple[VersionUse, ...]:
    """Rows of `code_versions_request`."""
    return tuple(VersionUse(row["code_version"], row["first_at"], row["last_at"]) for row in rows)


def commits_of(warehouse: Warehouse, state_dataset: str, table: str, start: date, end: date) -> dict[date, str]:
    """The commit that wrote the rows of each committed partition of `table` (dataset.name), by a Storage read.

    It is compared before and after a block is read, so it must change when rows do and stay when only the ledger was
    renewed: the `rows_commit` of the newest generation, not its commit id.
    """
    newest = _newest(warehouse, state_dataset, table, start, end, "rows_commit")
    return {day: str(row["rows_commit"]) for day, row in newest.items()}


def newest_commits(warehouse: Warehouse, state_dataset: str, table: str, start: date, end: date) -> dict[date, str]:
    """The commit id of each partition's newest ledger row, renewals included: what a commit's check compares with."""
    newest = _newest(warehouse, state_dataset, table, start, end, "commit_id")
    return {day: str(row["commit_id"]) for day, row in newest.items()}


def _newest(
    warehouse: Warehouse, state_dataset: str, table: str, start: date, end: date, column: str
) -> dict[date, dict[str, Any]]:
    request = ReadRequest(
        State(state_dataset).ledger,
        ("partition_date", "generation", column),
        "partition_date",
        start,
        end,
        equals=(("table_name", table),),
    )
    try:
        rows = warehouse.read(request).to_pylist()
    except NotFound:
        return {}
    return {row["partition_date"]: row for row in sorted(rows, key=lambda row: int(row["generation"]))}


def entry_of(values: Sequence[Any]) -> LedgerEntry:
    """One row of the ledger, its values in the order of ENTRY_COLUMNS.

    Names and ids are shared with other entries: a long ledger repeats them by thousands.
    """
    day, table, generation, commit_id, rows_commit, run_id, code, processor, *more = values
    rows, expected, present, forced, content_hash, inputs, notes = more
    return LedgerEntry(
        intern(table),
        day,
        generation,
        intern(commit_id),
        intern(rows_commit),
        intern(run_id),
        intern(code),
        intern(processor),
        rows,
        expected,
        present,
        forced,
        content_hash,
        StoredInputs(inputs),
        notes or "",
    )
