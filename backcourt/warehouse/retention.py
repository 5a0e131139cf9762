"""How long the engine's own records are kept: statements that count and delete what is older. Pure text, no I/O.

The newest ledger row of a partition is kept for ever, and a hold for as long as it lasts. What is deleted of the ledger
are rows that later commits have replaced: with them goes the chance to restore those commits.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from backcourt.warehouse.literals import literal
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import JobRequest, Kind, TableRef
from backcourt.warehouse.state import State


@dataclass(frozen=True)
class Retention:
    """Days that history (runs, outcomes, breakers, operations, holds) and replaced ledger rows are kept."""

    history_days: int
    ledger_days: int


@dataclass(frozen=True)
class Old:
    """The rows of one table that are older than its retention; `condition` finds them."""

    ref: TableRef
    condition: str


@dataclass(frozen=True)
class OldRows:
    """How many rows of a table are older than its retention."""

    table: str
    rows: int


def old_records(names: Names, state_dataset: str, retention: Retention, today: date) -> tuple[Old, ...]:
    """What is too old on a day (UTC), table by table."""
    state = State(state_dataset)
    history = literal(today - timedelta(days=retention.history_days))
    ledger = literal(today - timedelta(days=retention.ledger_days))
    return (
        Old(state.runs, f"event_date < {history}"),
        Old(state.outcomes, f"run_date < {history}"),
        Old(state.breaker_events, f"event_date < {history}"),
        Old(state.operations, f"operation_date < {history}"),
        Old(state.holds, f"event_date < {history} AND held_until < CURRENT_TIMESTAMP()"),
        Old(
            state.ledger,
            f"committed_at < TIMESTAMP({ledger}) AND generation < (\n"
            f"  SELECT MAX(newer.generation) FROM {names.quoted(state.ledger)} AS newer\n"
            "  WHERE newer.table_name = t.table_name AND newer.partition_date = t.partition_date\n"
            ")",
        ),
    )


def count_request(old: Iterable[Old], names: Names, run_id: str, job_id: str) -> JobRequest:
    """The query for the number of rows that are too old; `counts_in` reads it."""
    parts = (
        f"SELECT {literal(each.ref.name)} AS name, COUNT(*) AS n FROM {names.quoted(each.ref)} AS t\n"
        f"WHERE {each.condition}"
        for each in old
    )
    return JobRequest(job_id, Kind.QUERY, run_id, "runs", sql="\nUNION ALL\n".join(parts))


def counts_in(rows: Iterable[Mapping[str, Any]]) -> tuple[OldRows, ...]:
    """Rows of `count_request`: the tables that have any."""
    return tuple(sorted((OldRows(row["name"], row["n"]) for row in rows if row["n"]), key=lambda each: each.table))


def delete_request(old: Old, names: Names, run_id: str, job_id: str) -> JobRequest:
    """The job that deletes what is too old of one table."""
    sql = f"DELETE FROM {names.quoted(old.ref)} AS t\nWHERE {old.condition}"
    return JobRequest(job_id, Kind.QUERY, run_id, str(old.ref), sql=sql)
