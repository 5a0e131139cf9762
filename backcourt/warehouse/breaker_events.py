"""What the circuit breakers are made of: events of tables in the state dataset, appended and read as a whole."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from backcourt.pipeline.breaker import BreakerEvent, Happened
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import JobRequest, Kind, Parameter
from backcourt.warehouse.state import State


def breaker_events_request(names: Names, state_dataset: str, since: date, run_id: str, job_id: str) -> JobRequest:
    """The query for the events recorded on or after `since`."""
    sql = (
        "SELECT table_name, event, `at`, run_id, reason\n"
        f"FROM {names.quoted(State(state_dataset).breaker_events)}\n"
        "WHERE event_date >= @since"
    )
    parameters = (Parameter("since", "DATE", since),)
    return JobRequest(job_id, Kind.QUERY, run_id, "breaker_events", sql=sql, parameters=parameters)


def breaker_events_in(rows: Iterable[Mapping[str, Any]]) -> tuple[BreakerEvent, ...]:
    """Rows of `breaker_events_request`; an event that this version does not know is left out."""
    return tuple(
        BreakerEvent(row["table_name"], Happened(row["event"]), row["at"], row["run_id"], row["reason"] or "")
        for row in rows
        if row["event"] in frozenset(Happened)
    )


def append_breaker_events(
    events: Sequence[BreakerEvent], names: Names, state_dataset: str, run_id: str, job_id: str
) -> JobRequest:
    """The INSERT of some events, by one statement; its job id makes it happen once."""
    rows: list[str] = []
    parameters: list[Parameter] = []
    for number, event in enumerate(events):
        values = (
            Parameter(f"date_{number}", "DATE", event.at.date()),
            Parameter(f"table_{number}", "STRING", event.table),
            Parameter(f"event_{number}", "STRING", event.happened.value),
            Parameter(f"at_{number}", "TIMESTAMP", event.at),
            Parameter(f"run_{number}", "STRING", event.run_id),
            Parameter(f"reason_{number}", "STRING", event.reason or None),
        )
        rows.append(f"({', '.join(f'@{v.name}' for v in values)})")
        parameters += values
    sql = (
        f"INSERT INTO {names.quoted(State(state_dataset).breaker_events)} "
        "(event_date, table_name, event, `at`, run_id, reason)\nVALUES " + ", ".join(rows)
    )
    return JobRequest(job_id, Kind.QUERY, run_id, "breaker_events", sql=sql, parameters=tuple(parameters))
