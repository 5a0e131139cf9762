"""What `cleanup` takes away: rows about what was to come and has long been played, and what dead starts left behind.

Rows go through the same commits as everything else. The ledger keeps such a partition with what it was made from and
marks it as withdrawn: what was computed from its rows stays true, and whoever needs the rows again computes them first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from backcourt.errors import DataError, UsageError
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.content_hash import content_hashes
from backcourt.pipeline.ledger import WITHDRAWN, LedgerEntry
from backcourt.pipeline.plan import is_due
from backcourt.pipeline.processor import Pipeline, Processor
from backcourt.pipeline.table import Table
from backcourt.pipeline.validation import KeyCount
from backcourt.warehouse.operations import Operation, operations_in, operations_request
from backcourt.warehouse.orphans import Orphans, dead_starts, orphans_of, starts_in, starts_request
from backcourt.warehouse.repair import removal, restoration
from backcourt.warehouse.requests import TableRef
from jobs.deduping import rows_on
from jobs.repairing import Repair, in_batches, key_counts
from ray_tasks.prepare import Ground, clear_up

Ledger = Mapping[tuple[str, date], LedgerEntry]

STARTS_DAYS = 3
"""How far back starts are looked for: staging tables live for a day, scripts end after one (Quotas, read 2026-11)."""


@dataclass(frozen=True)
class StaleTable:
    """Stale rows of one table. `needed` are dates that are kept: a table that reads them is not computed yet."""

    table: str
    counts: Mapping[date, KeyCount]
    needed: tuple[date, ...] = ()
    strays: int = 0

    @property
    def rows(self) -> int:
        """Rows that may go."""
        return sum(count.rows for count in self.counts.values())


@dataclass(frozen=True)
class Cleaned:
    """What was taken away from one table, or given back to it (below 0)."""

    table: str
    dates: tuple[date, ...]
    removed: int
    backup: str


def stale_tables(ground: Ground, calendar: Calendar, ledger: Ledger, as_of: date, days: int) -> tuple[StaleTable, ...]:
    """Rows older than so many days, of tables that declare themselves short-lived; only tables that have some."""
    last = as_of - timedelta(days=days + 1)
    found = []
    for processor in ground.pipeline.processors:
        if not processor.short_lived or not calendar.dates or calendar.dates[0] > last:
            continue
        counted = key_counts(ground, processor.table, _every_day(calendar.dates[0], last))
        ours = {day: count for day, count in counted.items() if (processor.name, day) in ledger}
        needed = tuple(day for day in ours if _is_needed(ground.pipeline, processor, day, calendar, ledger, as_of))
        going = {day: count for day, count in ours.items() if day not in needed}
        strays = sum(count.rows for day, count in counted.items() if day not in ours)
        if going or needed or strays:
            found.append(StaleTable(processor.name, going, needed, strays))
    return tuple(found)


def take_away(repair: Repair, stale: Sequence[StaleTable], ledger: Ledger) -> tuple[Cleaned, ...]:
    """Back each table up, empty the stale partitions commit by commit, and see that they are empty.

    Raises:
        BackcourtError: a backup failed, a run committed one of the dates meanwhile, or somebody else writes to the
            table; commits before that one stand, the refused one left no trace.
    """
    with repair.recorded():
        return tuple(_take_away(repair, each, ledger) for each in stale if each.counts)


def _take_away(repair: Repair, stale: StaleTable, ledger: Ledger) -> Cleaned:
    ground, table = repair.ground, repair.ground.pipeline.processor(stale.table).table
    days = sorted(stale.counts)
    backup = repair.back_up(table, {day: stale.counts[day] for day in days})
    for number, some in enumerate(in_batches(days), start=1):
        commit_id = repair.commit_id(table, number)
        entries = [replace(ledger[stale.table, day], row_count=0, content_hash=WITHDRAWN) for day in some]
        batch = repair.batch(table, commit_id, entries, ledger)
        seen = {day: stale.counts[day].rows for day in some}
        operation = repair.operation(batch, sum(seen.values()), 0, backup)
        repair.send(removal(batch, seen, operation, ground.warehouse.names, ground.state_dataset))
    left = key_counts(ground, table, days)
    if left:
        raise DataError(
            f"{stale.table} has rows again on {len(left)} of the dates that were emptied, {min(left)} for one.",
            "Find out who writes to the table; `backcourt validate range` names the dates.",
        )
    return Cleaned(stale.table, tuple(days), stale.rows, backup.name)


def give_back(repair: Repair, operation_id: str, ledger: Ledger) -> tuple[Cleaned, ...]:
    """Publish the rows that a cleanup took away from its backup, where no run has published others since.

    Raises:
        UsageError: no cleanup of that id is known, or its backup has expired.
    """
    ground = repair.ground
    request = operations_request(
        ground.warehouse.names, ground.state_dataset, operation_id, ground.run_id, ground.job_id("operations")
    )
    known = [each for each in operations_in(ground.attempts.run(request).rows) if each.kind == "cleanup"]
    if not known:
        raise UsageError(f"No cleanup {operation_id} is known.", "Take the id from what `cleanup --apply` told.")
    with repair.recorded():
        given = [
            _give_back(repair, number, each, ledger)
            for number, each in enumerate(known, start=1)
            if any(_still(ledger, each, day) for day in each.dates)
        ]
    return tuple(given)


def _still(ledger: Ledger, operation: Operation, day: date) -> bool:
    """Whether the date is as the operation left it."""
    entry = ledger.get((operation.table, day))
    return entry is not None and entry.withdrawn and entry.commit_id == operation.commit_id


def _give_back(repair: Repair, number: int, taken: Operation, ledger: Ledger) -> Cleaned:
    ground, table = repair.ground, repair.ground.pipeline.processor(taken.table).table
    backup = TableRef(ground.state_dataset, taken.backup)
    if ground.attempts.call(lambda: ground.warehouse.describe(backup)) is None:
        do = f"Run `backcourt backfill --recompute --tables {table.name}`."
        raise UsageError(f"Backup {backup} has expired.", do)
    days = tuple(day for day in taken.dates if _still(ledger, taken, day))
    rows = rows_on(ground, table, backup, days)
    commit_id = repair.commit_id(table, number)
    entries = _entries(table, rows, days, commit_id, ledger)
    batch = repair.batch(table, commit_id, entries, ledger, backup)
    operation = repair.operation(batch, 0, rows.height, backup)
    repair.send(restoration(batch, operation, ground.warehouse.names, ground.state_dataset))
    return Cleaned(taken.table, days, -rows.height, taken.backup)


def _entries(
    table: Table, rows: pl.DataFrame, days: Sequence[date], commit_id: str, ledger: Ledger
) -> list[LedgerEntry]:
    hashes = content_hashes(table, rows.select(table.column_names), tuple(days))
    counts = dict(rows.group_by(table.partition_by).len().iter_rows())
    return [
        replace(
            ledger[table.full_name, day],
            commit_id=commit_id,
            rows_commit=commit_id,
            row_count=counts.get(day, 0),
            content_hash=hashes[day],
        )
        for day in days
    ]


def _is_needed(
    pipeline: Pipeline, processor: Processor, day: date, calendar: Calendar, ledger: Ledger, as_of: date
) -> bool:
    """Whether a table that reads the date on its own date is due and not computed yet."""
    for reader in pipeline.processors:
        reads = any(each.name == processor.name and each.window.same_date for each in reader.table_inputs)
        bootstrap = reader.bootstrap and calendar.is_bootstrap(day)
        due = day in calendar and is_due(reader, day, as_of) and not bootstrap
        if reads and due and (reader.name, day) not in ledger:
            return True
    return False


def find_orphans(ground: Ground, silent_hours: float, alive: Sequence[str]) -> tuple[Orphans, ...]:
    """What dead starts left; `alive` are runs whose process is known to live."""
    since = ground.clock.now().date() - timedelta(days=STARTS_DAYS)
    warehouse = ground.warehouse
    request = starts_request(warehouse.names, ground.state_dataset, since, ground.run_id, ground.job_id("starts"))
    starts = starts_in(ground.attempts.run(request).rows)
    dead = dead_starts(starts, ground.clock.now(), silent_hours, alive)
    staging = ground.attempts.call(lambda: warehouse.tables(ground.state_dataset, "staging__"))
    unfinished = ground.attempts.call(lambda: warehouse.unfinished_jobs(""))
    return orphans_of(dead, staging, unfinished, [p.table.name for p in ground.pipeline.processors])


def clear_orphans(ground: Ground, orphans: Sequence[Orphans]) -> int:
    """Cancel the loads, drop the staging tables; how many tables were dropped. Commits have been awaited before."""
    dropped = 0
    for each in orphans:
        theirs = replace(ground, run_id=each.start.run_id)
        dropped += len(clear_up(theirs, each.start.number + 1))
    return dropped


def _every_day(first: date, last: date) -> tuple[date, ...]:
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))
