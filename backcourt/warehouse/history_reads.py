"""Reading history: how each partition ended, the last time and in every run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from backcourt.pipeline.outcomes import Category, Outcome, Partition
from backcourt.pipeline.records import NOT_THROUGH, OutcomeRecord
from backcourt.warehouse.json_texts import texts_in
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


RECORD_COLUMNS = (
    "run_id", "start_number", "table_name", "partition_date", "outcome", "recorded_at", "category",
    "reason", "missing", "row_count", "expected_count", "present_count", "warned", "holes", "attempts", "seconds",
    "commit_id", "notes",
)  # fmt: skip
"""What an OutcomeRecord is made from."""


@dataclass(frozen=True)
class OutcomeFilter:
    """Which outcomes are wanted; all that is given must hold. `since` is a date of recording, UTC.

    `newest`: of each partition only the last outcome of all, else that of every run. `left`: only what did not go
    through, by the outcome that is looked at.
    """

    since: date
    tables: tuple[str, ...] = ()
    run_id: str = ""
    newest: bool = False
    left: bool = False


def outcomes_request(names: Names, state_dataset: str, wanted: OutcomeFilter, run_id: str, job_id: str) -> JobRequest:
    """The query for every outcome that was recorded; of a partition that several starts of a run had, the last."""
    conditions = ["run_date >= @since"]
    parameters = [Parameter("since", "DATE", wanted.since)]
    if wanted.tables:
        conditions.append("table_name IN UNNEST(@tables)")
        parameters.append(Parameter("tables", "STRING", tuple(sorted(wanted.tables))))
    if wanted.run_id:
        conditions.append("run_id = @wanted_run")
        parameters.append(Parameter("wanted_run", "STRING", wanted.run_id))
    if wanted.left:
        parameters.append(Parameter("left", "STRING", tuple(sorted(NOT_THROUGH))))
    of_these = " AND outcome IN UNNEST(@left)" if wanted.left else ""
    groups = "table_name, partition_date" if wanted.newest else "run_id, table_name, partition_date"
    sql = (
        f"SELECT {', '.join(RECORD_COLUMNS)}\n"
        f"FROM {names.quoted(State(state_dataset).outcomes)}\n"
        f"WHERE {' AND '.join(conditions)}\n"
        "QUALIFY ROW_NUMBER() OVER (\n"
        f"  PARTITION BY {groups} ORDER BY recorded_at DESC, start_number DESC\n"
        f") = 1{of_these}\n"
        "ORDER BY recorded_at DESC, partition_date DESC, table_name"
    )
    return JobRequest(job_id, Kind.QUERY, run_id, "partition_outcomes", sql=sql, parameters=tuple(parameters))


def outcomes_in(rows: Iterable[Mapping[str, Any]]) -> tuple[OutcomeRecord, ...]:
    """Rows of `outcomes_request`, newest first; an outcome that this version does not know is left out."""
    return tuple(
        OutcomeRecord(
            Partition(row["table_name"], row["partition_date"]),
            Outcome(row["outcome"]),
            Category(row["category"]) if row["category"] in frozenset(Category) else Category.NONE,
            row["reason"] or "",
            texts_in(row["missing"]),
            row["row_count"],
            row["expected_count"],
            row["present_count"],
            bool(row["warned"]),
            texts_in(row["holes"]),
            row["attempts"],
            row["seconds"],
            row["commit_id"] or "",
            row["notes"] or "",
            run_id=row["run_id"],
            start=row["start_number"],
            recorded_at=row["recorded_at"],
        )
        for row in rows
        if row["outcome"] in frozenset(Outcome)
    )
