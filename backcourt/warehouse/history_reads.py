"""Reading history: how each partition ended the last time, and the last runs of each table."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import JobRequest, Kind, Parameter
from backcourt.warehouse.state import State


@dataclass(frozen=True)
class LastOutcome:
    """How a partition ended in the latest run that had it in its plan."""

    table: str
    day: date
    outcome: str
    reason: str
    run_id: str
    recorded_at: datetime


def last_outcomes_request(
    names: Names, state_dataset: str, tables: Iterable[str], since: date, run_id: str, job_id: str
) -> JobRequest:
    """The query for the latest outcome of every partition of `tables` recorded on or after `since`."""
    sql = (
        "SELECT table_name, partition_date, outcome, reason, run_id, recorded_at\n"
        f"FROM {names.quoted(State(state_dataset).outcomes)}\n"
        "WHERE run_date >= @since AND table_name IN UNNEST(@tables)\n"
        "QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name, partition_date ORDER BY recorded_at DESC) = 1"
    )
    parameters = (Parameter("since", "DATE", since), Parameter("tables", "STRING", tuple(sorted(tables))))
    return JobRequest(job_id, Kind.QUERY, run_id, "partition_outcomes", sql=sql, parameters=parameters)


def last_outcomes_in(rows: Iterable[Mapping[str, Any]]) -> tuple[LastOutcome, ...]:
    """Rows of `last_outcomes_request`."""
    return tuple(
        LastOutcome(
            row["table_name"],
            row["partition_date"],
            row["outcome"],
            row["reason"] or "",
            row["run_id"],
            row["recorded_at"],
        )
        for row in rows
    )
