"""Holds: tables that an operator keeps runs off while something is repaired. Appended, and read as a whole.

A hold is set by a transaction that updates the table's head, as every commit does. So a hold and a commit in flight
conflict: either the commit is first and the hold waits for it, or the commit is aborted, runs again with a new snapshot
and finds the hold. Once the hold is set, no commit of a run lands before it is over.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from backcourt.pipeline.holds import Hold
from backcourt.pipeline.table import Table
from backcourt.warehouse.literals import literal
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import JobRequest, Kind
from backcourt.warehouse.state import State

HELD, RELEASED = "held", "released"


@dataclass(frozen=True)
class HoldEvent:
    """A hold set or, with `released`, ended before its time."""

    table: Table
    until: datetime
    reason: str = ""
    released: bool = False


def hold_request(event: HoldEvent, names: Names, state_dataset: str, run_id: str) -> JobRequest:
    """The script that sets or ends a hold; in the end of a conflict it raises TransactionAborted and left no trace."""
    state = State(state_dataset)
    head = names.quoted(state.head(event.table))
    what = literal(RELEASED if event.released else HELD)
    until = f"TIMESTAMP({literal(event.until.astimezone(UTC).isoformat(sep=' '))})"
    statements = (
        "BEGIN TRANSACTION",
        f"UPDATE {head} SET generation = generation + 1 WHERE TRUE",
        f"SELECT IF((SELECT COUNT(*) FROM {head}) = 0, ERROR('backcourt:head'), NULL)",
        f"INSERT INTO {names.quoted(state.holds)}\n"
        "  (event_date, table_name, event, `at`, held_until, reason, operation_id)\n"
        f"VALUES (CURRENT_DATE(), {literal(event.table.full_name)}, {what}, CURRENT_TIMESTAMP(), {until},"
        f" {literal(event.reason or None)}, {literal(run_id)})",
        "COMMIT TRANSACTION",
    )
    sql = ";\n".join(statements) + ";\n"
    return JobRequest(f"{run_id}-hold-{event.table.name}", Kind.COMMIT, run_id, event.table.full_name, sql=sql)


def holds_request(names: Names, state_dataset: str, run_id: str, job_id: str) -> JobRequest:
    """The query for the holds that last; `holds_in` reads its rows."""
    sql = (
        "SELECT table_name, held_until, reason, held_at FROM (\n"
        "  SELECT table_name, event, held_until, reason, `at` AS held_at\n"
        f"  FROM {names.quoted(State(state_dataset).holds)} WHERE TRUE\n"
        "  QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY `at` DESC) = 1\n"
        f") WHERE event = '{HELD}' AND held_until > CURRENT_TIMESTAMP()\n"
        "ORDER BY table_name"
    )
    return JobRequest(job_id, Kind.QUERY, run_id, "holds", sql=sql)


def holds_in(rows: Iterable[Mapping[str, Any]]) -> tuple[Hold, ...]:
    """Rows of `holds_request`."""
    return tuple(Hold(row["table_name"], row["held_until"], row["reason"] or "", row["held_at"]) for row in rows)
