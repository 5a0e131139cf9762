"""How many rows a table really has, date by date, and how many keys: what the ledger is compared with."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from backcourt.pipeline.table import Table
from backcourt.pipeline.validation import KeyCount
from backcourt.warehouse.names import Names, column
from backcourt.warehouse.requests import JobRequest, Kind, Parameter, TableRef


def key_counts_request(
    table: Table, names: Names, start: date, end: date, run_id: str, job_id: str, copy: TableRef | None = None
) -> JobRequest:
    """The query for the rows of every date from `start` to `end` that has any; `key_counts_in` reads its answer.

    It reads the partition column and the key, and nothing else of the table, or of a `copy` of it.
    """
    by, keys = column(table.partition_by), ", ".join(map(column, table.unique_by))
    sql = (
        "SELECT day, SUM(n) AS row_count, COUNT(*) AS key_count, COUNTIF(n > 1) AS doubled_count\n"
        "FROM (\n"
        f"  SELECT {by} AS day, COUNT(*) AS n\n"
        f"  FROM {names.quoted(copy or TableRef.of(table.full_name))}\n"
        f"  WHERE {by} BETWEEN @start AND @end\n"
        f"  GROUP BY {keys}\n"
        ")\n"
        "GROUP BY day"
    )
    parameters = (Parameter("start", "DATE", start), Parameter("end", "DATE", end))
    return JobRequest(job_id, Kind.QUERY, run_id, table.full_name, sql=sql, parameters=parameters)


def key_counts_in(rows: Iterable[Mapping[str, Any]]) -> dict[date, KeyCount]:
    """The answer of `key_counts_request`."""
    return {row["day"]: KeyCount(row["row_count"], row["key_count"], row["doubled_count"]) for row in rows}
