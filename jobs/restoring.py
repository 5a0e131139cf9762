"""Puts a partition back as an earlier commit made it: found in the past, proven by its hash, published by a commit.

The gate is not asked again: the commit that is restored had passed it, or been forced. The new ledger row says what
that one said, and that it is restored. Its commit is a new one, so that what was computed from the rows in between is
stale.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from backcourt.errors import DataError, UsageError
from backcourt.pipeline.content_hash import content_hashes
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.table import Table
from backcourt.warehouse.past import PastEntry, instants_of
from backcourt.warehouse.repair import restoration
from backcourt.warehouse.requests import TableRef
from jobs.past_rows import backups_of, copied, read_past, rows_in
from jobs.repairing import Repair, key_counts
from ray_tasks.prepare import Ground

COMMITS_NAMED = 10
"""How many commits of a partition an error names."""


@dataclass(frozen=True)
class Restored:
    """What was, or would be, put back. `source` says where the rows were found; `commit_id` is "" in a dry run."""

    table: str
    day: date
    restored: str
    replaced: str
    rows_before: int
    rows_after: int
    source: str
    backup: str = ""
    commit_id: str = ""


def restore_partition(repair: Repair, table: Table, day: date, commit_id: str, *, apply: bool) -> Restored:
    """Find the rows that a commit gave a partition and, with `apply`, publish them again.

    Raises:
        UsageError: the partition has no such commit, or that commit took its rows away.
        DataError: its rows are kept nowhere; nothing was changed.
        BackcourtError: a run committed the partition meanwhile; the commit left no trace.
    """
    ground = repair.ground
    history = read_past(ground, [table.full_name], (day, day), "past")
    made, newest = _entry_of(history, table, day, commit_id), history[-1].entry
    with found_rows(ground, table, day, history, made) as (source, told):
        counted = key_counts(ground, table, [day])
        before = counted[day].rows if day in counted else 0
        told_so_far = Restored(table.full_name, day, made.commit_id, newest.commit_id, before, made.row_count, told)
        if not apply:
            return told_so_far
        with repair.recorded():
            backup = repair.back_up(table, counted)
            entry = replace(
                made,
                commit_id=(new := repair.commit_id(table, 1)),
                rows_commit=new,
                notes=_restored_note(made),
            )
            batch = repair.batch(table, new, [entry], {(table.full_name, day): newest}, source)
            operation = repair.operation(batch, before, made.row_count, backup)
            repair.send(restoration(batch, operation, ground.warehouse.names, ground.state_dataset))
    return replace(told_so_far, backup=str(backup), commit_id=new)


@contextmanager
def found_rows(
    ground: Ground, table: Table, day: date, history: Sequence[PastEntry], made: LedgerEntry
) -> Iterator[tuple[TableRef, str]]:
    """A table that holds exactly the rows that a commit gave a partition, and in words where they were found.

    Raises:
        DataError: neither time travel nor a backup has them.
    """
    published = TableRef.of(table.full_name)
    instants = instants_of(history, made.commit_id, ground.clock.now())
    places: list[tuple[TableRef, Any, str]] = [
        (published, at, f"the table as it was on {at:%Y-%m-%d %H:%M:%S} UTC") for at in instants
    ]
    places += [(backup, None, f"backup {backup}") for backup in backups_of(ground, table)]
    for number, (source, at, told) in enumerate(places, start=1):
        with copied(ground, table, source, (day, day), at, f"{table.name}-{number}") as copy:
            if copy is None:
                continue
            rows = rows_in(ground, table, copy, (day, day))
            if content_hashes(table, rows, (day,))[day] == made.content_hash:
                yield copy, told
                return
    raise DataError(
        f"The rows that {made.commit_id} gave {table.full_name} {day} are kept nowhere ({len(places)} places).",
        "BigQuery keeps the past of a table for seven days. Nothing was changed; "
        f"`backcourt backfill --recompute --tables {table.name} --dates {day}` computes the date anew.",
    )


def _entry_of(history: Sequence[PastEntry], table: Table, day: date, commit_id: str) -> LedgerEntry:
    """What the ledger said of the partition by this commit."""
    for past in history:
        if past.entry.commit_id == commit_id:
            if past.entry.withdrawn:
                raise UsageError(
                    f"Commit {commit_id} took the rows of {table.full_name} {day} away.", "Name an earlier commit."
                )
            return past.entry
    known = ", ".join(f"{p.entry.commit_id} ({p.at:%Y-%m-%d %H:%M})" for p in reversed(history[-COMMITS_NAMED:]))
    raise UsageError(
        f"{table.full_name} {day} has no commit {commit_id}.",
        f"Its commits, the newest first: {known}." if known else "It was never committed.",
    )


def _restored_note(made: LedgerEntry) -> str:
    """The processor's note of the date, with what is to be said of the restoration."""
    try:
        known = json.loads(made.notes or "{}")
    except (ValueError, RecursionError):
        known = {"notes": made.notes}
    kept = known if isinstance(known, dict) else {"notes": known}
    return json.dumps({**kept, "restored": {"commit": made.commit_id, "gate": "not asked again"}}, sort_keys=True)
