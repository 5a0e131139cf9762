"""Before a plan: the tables are there, earlier commits are resolved, calendar and ledger are read."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

import polars as pl

from backcourt.clock import Clock
from backcourt.errors import UsageError
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.estimate import Sizes
from backcourt.pipeline.processor import Chunk, Feed, Pipeline, Processor
from backcourt.pipeline.table import Column, Table
from backcourt.sources.source import Source
from backcourt.warehouse.client import BigQueryWarehouse
from backcourt.warehouse.definitions import add_column_request, definition_of, ensure, state_tables
from backcourt.warehouse.errors import AccessDenied, NotFound
from backcourt.warehouse.head import seed_head, unseeded
from backcourt.warehouse.ledger_reads import Entries, entries_in, entries_request
from backcourt.warehouse.requests import JobRequest, ReadRequest, TableDefinition, TableRef
from backcourt.warehouse.run_events import (
    RESOLVED,
    Event,
    UnfinishedCommit,
    events_request,
    unfinished_in,
    unfinished_request,
)
from ray_tasks.attempts import Attempts

T = TypeVar("T")

UNFINISHED_DAYS = 3
"""How far back a commit may still be running: a script ends after 24 hours (Quotas, read 2026-11)."""
EVENTS_A_STATEMENT = 500
"""Each has seven parameters, and a statement 10,000 at most (Quotas, Query jobs, read 2026-11)."""
LOOK_SECONDS = 2.0
"""Pause between looks at a commit of an earlier run."""


@dataclass(frozen=True)
class Ground:
    """What preparing needs. `run_id` labels its jobs, `nonce` keeps their ids apart from those of other starts."""

    pipeline: Pipeline
    warehouse: BigQueryWarehouse
    attempts: Attempts
    clock: Clock
    state_dataset: str
    run_id: str
    nonce: str

    def job_id(self, what: str) -> str:
        """A job id of this start's preparation."""
        return f"{self.run_id}-prepare-{self.nonce}-{what}"


def ensure_tables(ground: Ground, tables: Iterable[str], *, create_datasets: bool) -> tuple[str, ...]:
    """Create what is missing: tables, the engine's state, heads with their row; names of the tables created.

    State tables that an older version made are upgraded in place.

    Raises:
        PreflightError: a table exists with another schema, or a dataset is missing.
    """
    declared = [ground.pipeline.processor(name).table for name in tables]
    definitions = [*state_tables(ground.state_dataset, declared), *map(definition_of, declared)]
    create = ground.warehouse.ensure_datasets if create_datasets else None
    created = ground.attempts.call(
        lambda: ensure(
            ground.warehouse, definitions, create_datasets=create, upgrade=lambda *behind: _upgrade(ground, *behind)
        )
    )
    for table in ground.attempts.call(lambda: unseeded(ground.warehouse, ground.state_dataset, declared)):
        job_id = ground.job_id(f"seed-{table.name}")
        ground.attempts.run(seed_head(table, ground.warehouse.names, ground.state_dataset, ground.run_id, job_id))
    return created


def _upgrade(ground: Ground, definition: TableDefinition, columns: tuple[Column, ...]) -> None:
    """Add columns to one of the engine's own tables: by SQL, and in the schema that the local BigQuery keeps apart."""
    for each in columns:
        job_id = ground.job_id(f"upgrade-{definition.ref.name}-{each.name}")
        ground.attempts.run(add_column_request(definition, each, ground.warehouse.names, ground.run_id, job_id))
    ground.attempts.call(lambda: ground.warehouse.widen(definition))


def resolve_unfinished(ground: Ground, tables: Iterable[str], start: int) -> tuple[str, ...]:
    """Await commits that an earlier start announced and whose end nobody recorded; their job ids.

    Only then does the ledger say what is committed. A commit that was never sent is as good as ended: whoever sends
    it late fails its check.
    """
    since = ground.clock.now().date() - timedelta(days=UNFINISHED_DAYS)
    names = ground.warehouse.names
    request = unfinished_request(names, ground.state_dataset, tables, since, ground.run_id, ground.job_id("unfinished"))
    found = unfinished_in(ground.attempts.run(request))
    if found:
        _await_commits(ground, found)
    ends = [Event(ground.run_id, start, RESOLVED, c.table, c.job_id, nonce=ground.nonce) for c in found]
    for at in range(0, len(ends), EVENTS_A_STATEMENT):
        ground.attempts.run(events_request(ends[at : at + EVENTS_A_STATEMENT], names, ground.state_dataset))
    return tuple(c.job_id for c in found)


def _await_commits(ground: Ground, commits: Iterable[UnfinishedCommit]) -> None:
    """Follow every attempt of the commits to its end; an attempt that never arrived leaves a gap in their numbers.

    All unfinished jobs are listed at once: a backfill that is alive has announced thousands of commits.
    """
    attempts = tuple(f"{commit.job_id}-" for commit in commits)
    while any(job.startswith(attempts) for job in ground.attempts.call(lambda: ground.warehouse.unfinished_jobs(""))):
        ground.clock.sleep(LOOK_SECONDS)


def clear_up(ground: Ground, start: int) -> tuple[TableRef, ...]:
    """End what earlier starts of this run left at BigQuery: loads are cancelled and awaited, staging tables dropped.

    A start that was killed can't do it. One that is alive loses work, never rows: it stages anew under another commit
    id (STAGE_AGAIN). Commits are not touched: `resolve_unfinished` has awaited them. Table names follow the start's
    number, since ids of run `r-2` begin like those of start 2 of run `r`.

    Returns:
        The staging tables that were dropped.
    """
    warehouse, attempts = ground.warehouse, ground.attempts
    names = [p.table.name for p in ground.pipeline.processors]
    earlier = tuple(f"{ground.run_id}-{number}-{name}-" for number in range(1, start) for name in names)
    if not earlier:
        return ()

    def loads() -> tuple[str, ...]:
        running = attempts.call(lambda: warehouse.unfinished_jobs(f"{ground.run_id}-"))
        return tuple(job for job in running if job.startswith(earlier) and "load" in job.split("-")[-2:])

    for job_id in loads():
        attempts.call(lambda: warehouse.cancel(job_id))  # noqa: B023 (called at once)
    while loads():
        ground.clock.sleep(LOOK_SECONDS)
    tables = attempts.call(lambda: warehouse.tables(ground.state_dataset, "staging__"))
    prefixes = tuple(f"staging__{each}".replace("-", "_") for each in earlier)
    left = tuple(table for table in tables if table.name.startswith(prefixes))
    for table in left:
        attempts.call(lambda: warehouse.drop(table))  # noqa: B023 (called at once)
    return left


def read_calendar(ground: Ground) -> Calendar:
    """The dates that exist, from the pipeline's schedule; without one, every day from the ledger's first to its last.

    Raises:
        UsageError: the schedule, or the ledger, holds nothing.
    """
    pipeline = ground.pipeline
    if pipeline.schedule is None or pipeline.calendar is None:
        return _calendar_of_ledger(ground)
    rows = _schedule_rows(ground, pipeline.schedule)
    if rows is None or rows.is_empty():
        raise UsageError(
            f"{pipeline.schedule.full_name} has no rows, so that no date is known.",
            "Run `backcourt ingest --source folder:PATH` first.",
        )
    return pipeline.calendar(rows)


def _calendar_of_ledger(ground: Ground) -> Calendar:
    days = [day for _, day in read_ledger(ground, date.min, date.max)]
    if not days:
        raise UsageError("Nothing is committed yet, so that no date is known.", "Run `backcourt ingest` first.")
    first = min(days)
    return Calendar(tuple(first + timedelta(days=n) for n in range((max(days) - first).days + 1)))


def source_calendar(ground: Ground, source: Source, as_of: date) -> Calendar:
    """The dates that the source's schedule and the warehouse's know together.

    Raises:
        UsageError: the pipeline has no schedule that is made from a feed.
    """
    pipeline = ground.pipeline
    if pipeline.schedule is None or pipeline.calendar is None:
        raise UsageError(f"Pipeline {pipeline.name} has no schedule.", "Name a range of dates.")
    processor = pipeline.processor(pipeline.schedule.full_name)
    new = _from_source(processor, source, as_of)
    old = _schedule_rows(ground, pipeline.schedule)
    if old is not None:
        fresh = new.select(pipeline.schedule_columns)
        kept = old.filter(
            ~pl.col(pipeline.schedule.partition_by).is_in(fresh[pipeline.schedule.partition_by].implode())
        )
        new = pl.concat([kept, fresh], how="vertical_relaxed")
    return pipeline.calendar(new)


def _from_source(processor: Processor, source: Source, as_of: date) -> pl.DataFrame:
    feed = next(i.table for i in processor.inputs if isinstance(i.table, Feed))
    rows = pl.from_arrow(source.read(feed, date.min, date.max))
    if not isinstance(rows, pl.DataFrame):
        raise UsageError(f"{feed.full_name} is no table.", "Report this as a bug.")
    days = tuple(sorted(rows[feed.partition_by].unique().to_list()))
    return processor.compute(Chunk(processor.name, days, as_of), {feed.full_name: rows})


def _schedule_rows(ground: Ground, schedule: Table) -> pl.DataFrame | None:
    request = ReadRequest(
        TableRef(schedule.dataset, schedule.name),
        ground.pipeline.schedule_columns,
        schedule.partition_by,
        date(1, 1, 1),
        date(9999, 12, 31),
    )
    try:
        frame = pl.from_arrow(ground.attempts.read(request))
    except NotFound:
        return None
    return frame if isinstance(frame, pl.DataFrame) else None


def read_ledger(ground: Ground, start: date, end: date) -> Entries:
    """The newest entry of every committed partition of the pipeline between two dates; empty before the first run."""
    request = entries_request(ground.state_dataset, start, end)
    rows = of_own(ground, request.table, lambda: ground.attempts.read(request))
    return entries_in(rows, [p.name for p in ground.pipeline.processors]) if rows is not None else {}


def own_rows(ground: Ground, request: JobRequest) -> tuple[Mapping[str, Any], ...]:
    """Rows of a query of one of the engine's own tables, none before the first run has made it."""
    table = TableRef(ground.state_dataset, request.table)
    return of_own(ground, table, lambda: ground.attempts.run(request).rows) or ()


def of_own(ground: Ground, table: TableRef, read: Callable[[], T]) -> T | None:
    """What one of the engine's own tables says; None before the first run has made it.

    BigQuery may answer that a table is forbidden "or perhaps does not exist"; the table itself then tells.
    """
    try:
        return read()
    except NotFound:
        return None
    except AccessDenied:
        if _exists(ground, table):
            raise
        return None


def _exists(ground: Ground, table: TableRef) -> bool:
    try:
        return ground.attempts.call(lambda: ground.warehouse.describe(table)) is not None
    except NotFound:  # nor its dataset
        return False


def read_sizes(ground: Ground) -> Sizes:
    """Average bytes of a row of every table that has rows, for estimates."""
    bytes_a_row = {}
    for processor in ground.pipeline.processors:
        try:
            found = ground.attempts.call(lambda: ground.warehouse.describe(TableRef.of(processor.name)))  # noqa: B023
        except NotFound:
            continue
        if found and found.num_rows and found.num_bytes:
            bytes_a_row[processor.name] = found.num_bytes / found.num_rows
    return Sizes(bytes_a_row, {})
