"""The log of what operators changed by hand: one row an operation and commit, written in the commit's transaction."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from backcourt.errors import DataError
from backcourt.pipeline.table import Column, FieldType
from backcourt.warehouse.json_texts import texts_in
from backcourt.warehouse.literals import literal
from backcourt.warehouse.names import Names, column
from backcourt.warehouse.requests import JobRequest, Kind, Parameter
from backcourt.warehouse.state import State

OPERATION_COLUMNS = (
    Column("operation_date", FieldType.DATE, "The operation's date, UTC.", required=True),
    Column("operation_id", FieldType.STRING, "The operation; its commits share it.", required=True),
    Column("kind", FieldType.STRING, "dedupe, cleanup or restore.", required=True),
    Column("table_name", FieldType.STRING, "The table, dataset.name.", required=True),
    Column("at", FieldType.TIMESTAMP, "The transaction's instant.", required=True),
    Column("commit_id", FieldType.STRING, "The commit that made the change.", required=True),
    Column("dates", FieldType.STRING, "JSON: the partitions that were changed.", required=True),
    Column("rows_before", FieldType.INT64, "Rows of these partitions before.", required=True),
    Column("rows_after", FieldType.INT64, "Rows of these partitions after.", required=True),
    Column("backup", FieldType.STRING, "The copy of the table as it was before, in the state dataset."),
    Column("code_version", FieldType.STRING, "The version of the code that ran.", required=True),
)


@dataclass(frozen=True)
class Operation:
    """One commit of an operation. Rows are those of `dates`; `backup` is a table of the state dataset, "" for none."""

    operation_id: str
    kind: str
    table: str
    commit_id: str
    dates: tuple[date, ...]
    rows_before: int
    rows_after: int
    backup: str
    code_version: str
    at: datetime | None = None

    @property
    def removed(self) -> int:
        """Rows that it took away; below 0 where it brought some."""
        return self.rows_before - self.rows_after


def operation_insert(operation: Operation, names: Names, state_dataset: str) -> str:
    """The INSERT of an operation's row, for the script of its commit."""
    values = {
        "operation_date": "CURRENT_DATE()",
        "operation_id": literal(operation.operation_id),
        "kind": literal(operation.kind),
        "table_name": literal(operation.table),
        "at": "CURRENT_TIMESTAMP()",
        "commit_id": literal(operation.commit_id),
        "dates": literal(json.dumps([day.isoformat() for day in operation.dates])),
        "rows_before": literal(operation.rows_before),
        "rows_after": literal(operation.rows_after),
        "backup": literal(operation.backup or None),
        "code_version": literal(operation.code_version),
    }
    columns = [c.name for c in OPERATION_COLUMNS]
    return (
        f"INSERT INTO {names.quoted(State(state_dataset).operations)} ({', '.join(map(column, columns))})\n"
        f"VALUES ({', '.join(values[name] for name in columns)})"
    )


def operations_request(names: Names, state_dataset: str, operation_id: str, run_id: str, job_id: str) -> JobRequest:
    """The query for the commits of one operation; `operations_in` reads its rows."""
    sql = (
        "SELECT operation_id, kind, table_name, `at`, commit_id, dates, rows_before, rows_after, backup, code_version\n"
        f"FROM {names.quoted(State(state_dataset).operations)}\n"
        "WHERE operation_id = @operation_id ORDER BY table_name, commit_id"
    )
    parameters = (Parameter("operation_id", "STRING", operation_id),)
    return JobRequest(job_id, Kind.QUERY, run_id, "operations", sql=sql, parameters=parameters)


def operations_in(rows: Iterable[Mapping[str, Any]]) -> tuple[Operation, ...]:
    """Rows of `operations_request`.

    Raises:
        DataError: a row's dates are not as backcourt writes them.
    """
    return tuple(
        Operation(
            row["operation_id"],
            row["kind"],
            row["table_name"],
            row["commit_id"],
            _dates(row),
            row["rows_before"],
            row["rows_after"],
            row["backup"] or "",
            row["code_version"],
            row["at"],
        )
        for row in rows
    )


def _dates(row: Mapping[str, Any]) -> tuple[date, ...]:
    try:
        found = tuple(date.fromisoformat(text) for text in texts_in(row["dates"]))
    except ValueError:
        found = ()
    if not found:
        raise DataError(
            f"Operation {row['operation_id']} has no dates that can be read: {row['dates']!r:.80}.",
            "Somebody wrote to the table of operations beside backcourt; its backup table is still there.",
        )
    return found
