"""From the ledger to files: which dates may be exported, their rows, their documents, and what became of each.

One month after the other: its committed rows are read, the documents are built and checked, and the files that differ
are written. A date that fails leaves its old file as it was, and the other dates go on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from backcourt.errors import BackcourtError, DataError
from backcourt.exports.documents import Documents
from backcourt.exports.folder import ExportFolder
from backcourt.exports.readiness import uncommitted
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.chunks import cut_days
from backcourt.pipeline.processor import Chunk, Export, Inputs, Pipeline
from backcourt.pipeline.withdrawn import withdrawn_days
from backcourt.warehouse.ledger_reads import Entries
from jobs.committed_rows import rows_of
from jobs.declared import find_declared
from ray_tasks.prepare import Ground

CHUNK_DAYS = 31
"""Dates whose rows are in memory at a time: those of a month."""


@dataclass(frozen=True)
class Exported:
    """What became of one date: `written`, `unchanged`, `blocked` or `failed`, and why."""

    day: date
    outcome: str
    reason: str = ""


@dataclass(frozen=True)
class Work:
    """What is exported from what. `days` are dates of the calendar up to `as_of`."""

    export: Export
    calendar: Calendar
    ledger: Entries
    days: tuple[date, ...]
    as_of: date


def find_export(pipeline: Pipeline, name: str | None) -> Export:
    """The export of that name; the only one where none is given.

    Raises:
        UsageError: there is none, or more than one to choose from.
    """
    return find_declared(pipeline.name, "export", pipeline.exports, name)


def export_dates(
    ground: Ground, work: Work, folder: ExportFolder, *, dry_run: bool, stopped: Callable[[], bool]
) -> list[Exported]:
    """Export the dates, month by month, until `stopped`; with `dry_run` build and compare, but write nothing."""
    documents = Documents(work.export.name, work.export.schema)
    missing = {day: _missing(ground.pipeline, work, day) for day in work.days}
    outcomes = [
        Exported(day, "blocked", f"not committed: {', '.join(tables)}") for day, tables in missing.items() if tables
    ]
    taken = _taken_away(work, folder)
    outcomes += [outcome for day, outcome in taken.items() if not missing[day]]
    ready = [day for day, tables in missing.items() if not tables and day not in taken]
    try:
        for days in cut_days(ready, CHUNK_DAYS):
            if stopped():
                break
            chunk = Chunk(work.export.name, days, work.as_of)
            inputs = {each.name: rows_of(ground, work.calendar, work.ledger, each, days) for each in work.export.inputs}
            outcomes += _export_chunk(work.export, chunk, inputs, documents, folder, dry_run=dry_run)
    finally:
        if not dry_run:
            folder.write_index(work.export.name, str(work.export.schema.get("$id", "")))
    return sorted(outcomes, key=lambda outcome: outcome.day)


def _taken_away(work: Work, folder: ExportFolder) -> dict[date, Exported]:
    """Dates of whose inputs `cleanup` took rows away: a file that is there stays, none is made of what is left."""
    gone = withdrawn_days(work.ledger)
    if not gone:
        return {}
    there = {file.date for file in folder.files()}
    found = {}
    for day in work.days:
        read = {each.name: each.window.dates(day, work.calendar) for each in work.export.inputs}
        tables = [name for name, days in read.items() if not set(days).isdisjoint(gone.get(name, ()))]
        if tables:
            reason = f"cleanup took rows away: {', '.join(tables)}"
            found[day] = Exported(day, "unchanged" if str(day) in there else "blocked", reason)
    return found


def _missing(pipeline: Pipeline, work: Work, day: date) -> tuple[str, ...]:
    return uncommitted(pipeline, work.export, day, work.calendar, work.as_of, work.ledger)


def _export_chunk(
    export: Export, chunk: Chunk, inputs: Inputs, documents: Documents, folder: ExportFolder, *, dry_run: bool
) -> list[Exported]:
    try:
        built = export.build(chunk, inputs)
    except Exception as error:  # noqa: BLE001 (a pipeline's own code may raise anything; the run names it and goes on)
        reason = str(error) if isinstance(error, BackcourtError) else f"{type(error).__name__}: {error}"
        return [Exported(day, "failed", reason) for day in chunk.dates]
    return [_export_date(export, day, built, documents, folder, dry_run=dry_run) for day in chunk.dates]


def _export_date(
    export: Export,
    day: date,
    built: Mapping[date, object],
    documents: Documents,
    folder: ExportFolder,
    *,
    dry_run: bool,
) -> Exported:
    try:
        if day not in built:
            raise DataError(f"Export {export.name} made no document of {day}.", "Correct its builder.")
        content = documents.encoded(day, built[day])
        if not folder.differs(day, content):
            return Exported(day, "unchanged")
        if not dry_run:
            folder.write(day, content)
        return Exported(day, "written")
    except DataError as error:
        return Exported(day, "failed", str(error))
