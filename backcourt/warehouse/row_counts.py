"""How many rows the partitions of tables have now: one query that reads nothing but the partition columns."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from backcourt.pipeline.damage import RowCounts
from backcourt.pipeline.table import Table
from backcourt.warehouse.literals import literal
from backcourt.warehouse.names import Names, column
from backcourt.warehouse.requests import JobRequest, Kind, Parameter, TableRef


def row_counts_request(
    names: Names, tables: Sequence[Table], start: date, end: date, run_id: str, job_id: str
) -> JobRequest:
    """The query for the rows of each partition of `tables` from `start` to `end`, both included."""
    parts = [
        f"SELECT {literal(table.full_name)} AS table_name, {column(table.partition_by)} AS partition_date, "
        f"COUNT(*) AS row_count FROM {names.quoted(TableRef.of(table.full_name))} "
        f"WHERE {column(table.partition_by)} BETWEEN @start AND @end GROUP BY {column(table.partition_by)}"
        for table in tables
    ]
    parameters = (Parameter("start", "DATE", start), Parameter("end", "DATE", end))
    sql = "\nUNION ALL\n".join(parts)
    return JobRequest(job_id, Kind.QUERY, run_id, "row_counts", sql=sql, parameters=parameters)


def row_counts_in(rows: Iterable[Mapping[str, Any]]) -> RowCounts:
    """Rows of `row_counts_request`."""
    return {(row["table_name"], row["partition_date"]): row["row_count"] for row in rows}
