"""Reading the ledger: all tables at once for a plan, one table's commits while a run works.

A ledger that does not exist yet holds nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from backcourt.pipeline.drift import VersionUse
from backcourt.pipeline.ledger import LedgerEntry, inputs_from_json
from backcourt.warehouse.errors import NotFound
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import JobRequest, Kind, Parameter, ReadRequest
from backcourt.warehouse.state import State
from backcourt.warehouse.warehouse import Warehouse

Entries = dict[tuple[str, date], LedgerEntry]
"""The newest entry of each partition, by table and date."""


def newest_entries(
    warehouse: Warehouse,
    names: Names,
    state_dataset: str,
    tables: Iterable[str],
    start: date,
    end: date,
    run_id: str,
    job_id: str,
) -> Entries:
    """The newest ledger row of every partition of `tables` (dataset.name) from `start` to `end`, by one query."""
    request = newest_request(names, state_dataset, tables, start, end, run_id, job_id)
    try:
        return entries_in(warehouse.run(request).rows)
    except NotFound:
        return {}


def newest_request(
    names: Names, state_dataset: str, tables: Iterable[str], start: date, end: date, run_id: str, job_id: str
) -> JobRequest:
    """The query of `newest_entries`, for callers that run it under a permit; `entries_in` reads its rows."""
    sql = (
        "SELECT partition_date, table_name, generation, commit_id, rows_commit, run_id, code_version,\n"
        "  processor_version, row_count, expected_count, present_count, forced, content_hash, input_versions, notes\n"
        f"FROM {names.quoted(State(state_dataset).ledger)}\n"
        "WHERE partition_date BETWEEN @start AND @end AND table_name IN UNNEST(@tables)\n"
        "QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name, partition_date ORDER BY generation DESC) = 1"
    )
    parameters = (
        Parameter("start", "DATE", start),
        Parameter("end", "DATE", end),
        Parameter("tables", "STRING", tuple(sorted(tables))),
    )
    return JobRequest(job_id, Kind.QUERY, run_id, "ledger", sql=sql, parameters=parameters)


def entries_in(rows: Iterable[Mapping[str, Any]]) -> Entries:
    """Rows of `newest_request` as entries."""
    return {(row["table_name"], row["partition_date"]): entry_of(row) for row in rows}


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


def entry_of(row: Mapping[str, Any]) -> LedgerEntry:
    """One row of a query for ledger rows."""
    return LedgerEntry(
        table=row["table_name"],
        day=row["partition_date"],
        generation=row["generation"],
        commit_id=row["commit_id"],
        rows_commit=row["rows_commit"],
        run_id=row["run_id"],
        code_version=row["code_version"],
        processor_version=row["processor_version"],
        row_count=row["row_count"],
        expected_count=row["expected_count"],
        present_count=row["present_count"],
        forced=row["forced"],
        content_hash=row["content_hash"],
        inputs=inputs_from_json(row["input_versions"]),
        notes=row["notes"] or "",
    )
