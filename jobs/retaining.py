"""Counts and deletes records that are older than the settings keep them; `cleanup` shows and applies it."""

from backcourt.warehouse.errors import NotFound
from backcourt.warehouse.retention import OldRows, Retention, count_request, counts_in, delete_request, old_records
from ray_tasks.prepare import Ground


def find_old(ground: Ground, retention: Retention) -> tuple[OldRows, ...]:
    """The tables with rows that are too old; none before the first run."""
    names = ground.warehouse.names
    old = old_records(names, ground.state_dataset, retention, ground.clock.now().date())
    try:
        request = count_request(old, names, ground.run_id, ground.job_id("old"))
        return counts_in(ground.attempts.run(request).rows)
    except NotFound:
        return ()


def delete_old(ground: Ground, retention: Retention, found: tuple[OldRows, ...]) -> None:
    """Delete what was found, table by table; the newest ledger row of a partition stays."""
    names = ground.warehouse.names
    tables = {each.table for each in found}
    for old in old_records(names, ground.state_dataset, retention, ground.clock.now().date()):
        if old.ref.name in tables:
            job_id = ground.job_id(f"delete-old-{old.ref.name}")
            ground.attempts.run(delete_request(old, names, ground.run_id, job_id))
