"""The past of a table: what the ledger said of a partition, commit by commit, and rows as they were.

BigQuery keeps every state of a table for seven days (Time travel, read 2026-11), the local BigQuery for as long as it
runs. Rows are copied into a table of their own by the service, so that not a bit changes on the way.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from backcourt.pipeline.ledger import LedgerEntry
from backcourt.warehouse.ledger_reads import ENTRY_COLUMNS, entry_of
from backcourt.warehouse.literals import literal
from backcourt.warehouse.names import Names, column
from backcourt.warehouse.requests import JobRequest, Kind, Parameter, TableRef
from backcourt.warehouse.state import State

COMMIT_TAKES = (1.0, 10.0, 60.0, 600.0)
"""Seconds after a commit's instant, which is its transaction's start, at which its rows may be there."""


@dataclass(frozen=True)
class PastEntry:
    """A row of the ledger and the instant (UTC) of its commit, which is the start of the commit's transaction."""

    entry: LedgerEntry
    at: datetime


def past_entries_request(
    names: Names, state_dataset: str, tables: Iterable[str], days: tuple[date, date], run_id: str, job_id: str
) -> JobRequest:
    """The query for every ledger row of `tables` from `days[0]` to `days[1]`, not only the newest."""
    sql = (
        "SELECT partition_date, table_name, generation, commit_id, rows_commit, run_id, code_version,\n"
        "  processor_version, row_count, expected_count, present_count, forced, content_hash, input_versions, notes,\n"
        "  committed_at\n"
        f"FROM {names.quoted(State(state_dataset).ledger)}\n"
        "WHERE partition_date BETWEEN @start AND @end AND table_name IN UNNEST(@tables)\n"
        "ORDER BY table_name, partition_date, generation"
    )
    parameters = (
        Parameter("start", "DATE", days[0]),
        Parameter("end", "DATE", days[1]),
        Parameter("tables", "STRING", tuple(sorted(tables))),
    )
    return JobRequest(job_id, Kind.QUERY, run_id, "ledger", sql=sql, parameters=parameters)


def past_entries_in(rows: Iterable[Mapping[str, Any]]) -> tuple[PastEntry, ...]:
    """Rows of `past_entries_request`, by table and date, oldest first."""
    return tuple(PastEntry(entry_of([row[name] for name in ENTRY_COLUMNS]), row["committed_at"]) for row in rows)


def newest_at(past: Iterable[PastEntry], instant: datetime) -> dict[tuple[str, date], LedgerEntry]:
    """The newest entry of each partition as the ledger had it at an instant."""
    return {(p.entry.table, p.entry.day): p.entry for p in past if p.at <= instant}


def instants_of(history: Sequence[PastEntry], commit_id: str, now: datetime) -> tuple[datetime, ...]:
    """When the rows of a commit were the partition's, likeliest first.

    The start of the transaction that replaced them is the best: its own snapshot still had them. A foreign hand may
    have been faster, so the instants right after the commit come next.

    Args:
        history: the partition's past, oldest first.
        commit_id: the commit, one of the history's.
        now: the present instant, where nothing has replaced them.
    """
    made = next(p for p in history if p.entry.commit_id == commit_id)
    later = history[history.index(made) + 1 :]
    end = next((p.at for p in later if p.entry.rows_commit != made.entry.rows_commit), now)
    after = (made.at + timedelta(seconds=seconds) for seconds in COMMIT_TAKES)
    return (end, *(instant for instant in after if instant < end))


def copy_request(
    source: TableRef,
    target: TableRef,
    columns: Iterable[str],
    partition_by: str,
    days: tuple[date, date],
    at: datetime | None,
    names: Names,
    run_id: str,
    job_id: str,
) -> JobRequest:
    """The job that copies rows from `days[0]` to `days[1]` into `target`, as they were `at` an instant (None: now)."""
    chosen = ", ".join(map(column, columns))
    travel = f" FOR SYSTEM_TIME AS OF {instant_literal(at)}" if at else ""
    sql = (
        f"INSERT INTO {names.quoted(target)} ({chosen})\n"
        f"SELECT {chosen} FROM {names.quoted(source)}{travel}\n"
        f"WHERE {column(partition_by)} BETWEEN {literal(days[0])} AND {literal(days[1])}"
    )
    return JobRequest(job_id, Kind.QUERY, run_id, str(source), sql=sql)


def instant_literal(instant: datetime) -> str:
    """An instant in SQL, to the microsecond, in UTC."""
    return f"TIMESTAMP '{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'"
