"""Looks for partitions that a foreign hand changed: the warehouse's row counts against the ledger's."""

from collections.abc import Collection, Iterable
from datetime import date

from backcourt.pipeline.damage import damaged
from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.plan import Ledger
from backcourt.warehouse.errors import NotFound
from backcourt.warehouse.row_counts import row_counts_in, row_counts_request
from ray_tasks.prepare import Ground


def find_damage(ground: Ground, tables: Iterable[str], ledger: Ledger, days: Collection[date]) -> tuple[Partition, ...]:
    """Committed partitions of `tables` on `days` that hold another number of rows than was committed.

    None before the first run, when tables are missing.
    """
    names = tuple(tables)
    if not days or not names or not ledger:
        return ()
    request = row_counts_request(
        ground.warehouse.names,
        [ground.pipeline.processor(name).table for name in names],
        min(days),
        max(days),
        ground.run_id,
        ground.job_id("row-counts"),
    )
    try:
        counts = row_counts_in(ground.attempts.run(request).rows)
    except NotFound:
        return ()
    return damaged(ledger, counts, names, days)
