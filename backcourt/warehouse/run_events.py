"""What happened in runs: append-only events, and what the next run has to know of them.

The commit's job id is recorded before the script is sent. So whoever comes after a crash finds the jobs that may still
run: those announced by a start that never recorded its end.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
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
    """The INSERT of one event."""
    return events_request((event,), names, state_dataset)


def events_request(events: Sequence[Event], names: Names, state_dataset: str) -> JobRequest:
    """The INSERT of events of one name and one start. Its job id follows from them, so that they are recorded once."""
    first = events[0]
    rows = [_row(event, index) for index, event in enumerate(events)]
    values = ",\n".join(
        f"({', '.join(v if isinstance(v, str) else f'@{v.name}' for v in (row[c.name] for c in RUN_COLUMNS))})"
        for row in rows
    )
    columns = ", ".join(column(c.name) for c in RUN_COLUMNS)
    identity = "\n".join(f"{e.table}\n{e.job_id}\n{e.nonce}\n{_details(e)}" for e in events)
    digest = sha256(identity.encode()).hexdigest()[:12]
    return JobRequest(
        f"{first.run_id}-{first.start}-event-{first.name}-{digest}",
        Kind.QUERY,
        first.run_id,
        "runs",
        sql=f"INSERT INTO {names.quoted(State(state_dataset).runs)} ({columns})\nVALUES {values}",
        parameters=tuple(v for row in rows for v in row.values() if isinstance(v, Parameter)),
    )


def _row(event: Event, index: int) -> dict[str, Parameter | str]:
    """An event's values by column: parameters with names of their own, or SQL."""
    values: dict[str, tuple[str, Any]] = {
        "run_id": ("STRING", event.run_id),
        "start_number": ("INT64", event.start),
        "event": ("STRING", event.name),
        "table_name": ("STRING", event.table or None),
        "job_id": ("STRING", event.job_id or None),
        "nonce": ("STRING", event.nonce or None),
        "details": ("STRING", _details(event) if event.details else None),
    }
    given = {name: Parameter(f"{name}_{index}", kind, value) for name, (kind, value) in values.items()}
    return {"event_date": "CURRENT_DATE()", "at": "CURRENT_TIMESTAMP()", **given}


def _details(event: Event) -> str:
    return json.dumps(dict(event.details), sort_keys=True, separators=(",", ":"))


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
