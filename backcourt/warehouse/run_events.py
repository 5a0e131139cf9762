"""What happened in runs: append-only events, and what the next run has to know of them.

The commit's job id is recorded before the script is sent. So whoever comes after a crash finds the jobs that may still
run: those announced by a start that never recorded its end.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any

from backcourt.warehouse.definitions import RUN_COLUMNS
from backcourt.warehouse.names import Names, column
from backcourt.warehouse.requests import JobRequest, JobResult, Kind, Parameter
from backcourt.warehouse.state import State

STARTED, COMMIT_SENT, RESOLVED, ENDED = "started", "commit_sent", "resolved", "ended"
"""Events that mean something to later runs; others may be recorded freely."""
LEFT_RUNNING = "left_running"
"""The event of an end with commits in flight: no end that a later run may rely on."""

CANCEL_ASKED = "cancel_asked"
"""The event of an operator's wish that this start of the run stop."""


@dataclass(frozen=True)
class Event:
    """One row of `runs`. `at` is BigQuery's own clock; `nonce` tells apart events that are otherwise equal."""

    run_id: str
    start: int
    name: str
    table: str = ""
    job_id: str = ""
    nonce: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class UnfinishedCommit:
    """A commit that was announced and of which nobody recorded how it ended; attempts add `-<n>` to `job_id`."""

    run_id: str
    start: int
    table: str
    job_id: str


def event_request(event: Event, names: Names, state_dataset: str) -> JobRequest:
    """The INSERT of one event. Its job id follows from the event, so that the same event is recorded once."""
    details = json.dumps(dict(event.details), sort_keys=True, separators=(",", ":"))
    values: dict[str, Parameter | str] = {
        "event_date": "CURRENT_DATE()",
        "run_id": Parameter("run_id", "STRING", event.run_id),
        "start_number": Parameter("start_number", "INT64", event.start),
        "event": Parameter("event", "STRING", event.name),
        "at": "CURRENT_TIMESTAMP()",
        "table_name": Parameter("table_name", "STRING", event.table or None),
        "job_id": Parameter("job_id", "STRING", event.job_id or None),
        "nonce": Parameter("nonce", "STRING", event.nonce or None),
        "details": Parameter("details", "STRING", details if event.details else None),
    }
    given = [values[c.name] for c in RUN_COLUMNS]
    sql = (
        f"INSERT INTO {names.quoted(State(state_dataset).runs)} ({', '.join(column(c.name) for c in RUN_COLUMNS)})\n"
        f"VALUES ({', '.join(v if isinstance(v, str) else f'@{v.name}' for v in given)})"
    )
    identity = "\n".join((event.table, event.job_id, event.nonce, details))
    digest = sha256(identity.encode()).hexdigest()[:12]
    return JobRequest(
        f"{event.run_id}-{event.start}-event-{event.name}-{digest}",
        Kind.QUERY,
        event.run_id,
        "runs",
        sql=sql,
        parameters=tuple(v for v in given if isinstance(v, Parameter)),
    )


def unfinished_request(
    names: Names, state_dataset: str, tables: Iterable[str], since: date, run_id: str, job_id: str
) -> JobRequest:
    """The query for commits of `tables` announced on or after `since` whose end nobody recorded."""
    runs = names.quoted(State(state_dataset).runs)
    sql = (
        "SELECT DISTINCT sent.run_id, sent.start_number, sent.table_name, sent.job_id\n"
        f"FROM {runs} AS sent\n"
        f"LEFT JOIN {runs} AS closed\n"
        "  ON closed.event_date >= @since AND closed.run_id = sent.run_id AND closed.start_number = sent.start_number\n"
        "  AND closed.event = @ended\n"
        f"LEFT JOIN {runs} AS resolved\n"
        "  ON resolved.event_date >= @since AND resolved.job_id = sent.job_id AND resolved.event = @resolved\n"
        "  AND resolved.`at` >= sent.`at`\n"
        "WHERE sent.event_date >= @since AND sent.event = @sent AND sent.table_name IN UNNEST(@tables)\n"
        "  AND closed.run_id IS NULL AND resolved.run_id IS NULL\n"
        "ORDER BY sent.job_id"
    )
    parameters = (
        Parameter("since", "DATE", since),
        Parameter("ended", "STRING", ENDED),
        Parameter("resolved", "STRING", RESOLVED),
        Parameter("sent", "STRING", COMMIT_SENT),
        Parameter("tables", "STRING", tuple(sorted(tables))),
    )
    return JobRequest(job_id, Kind.QUERY, run_id, "runs", sql=sql, parameters=parameters)


def unfinished_in(result: JobResult) -> tuple[UnfinishedCommit, ...]:
    """The answer of `unfinished_request`."""
    return tuple(
        UnfinishedCommit(row["run_id"], row["start_number"], row["table_name"], row["job_id"]) for row in result.rows
    )


def starts_request(names: Names, state_dataset: str, run_id: str, job_id: str) -> JobRequest:
    """The query for the starts that a run has recorded."""
    sql = (
        f"SELECT DISTINCT start_number FROM {names.quoted(State(state_dataset).runs)}\n"
        "WHERE run_id = @run_id AND event = @started ORDER BY start_number"
    )
    parameters = (Parameter("run_id", "STRING", run_id), Parameter("started", "STRING", STARTED))
    return JobRequest(job_id, Kind.QUERY, run_id, "runs", sql=sql, parameters=parameters)


def starts_in(result: JobResult) -> tuple[int, ...]:
    """The answer of `starts_request`: numbers of starts, ascending."""
    return tuple(row["start_number"] for row in result.rows)
