"""Looking at what is published: ledger, counts, content, means and exports, read so that a run beside it does no harm.

The ledger is read before and after the rows. A partition that a run committed in between is looked at again: rows that
were written a second ago are no fault.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from backcourt.exports.folder import ExportFolder
from backcourt.exports.readiness import uncommitted
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.content_hash import content_hashes
from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.plausibility import implausible_dates, implausible_months
from backcourt.pipeline.processor import SAME_DATE, Input, Processor
from backcourt.pipeline.table import Table
from backcourt.pipeline.validation import Facts, Fault, Finding, KeyCount, moved, not_exported, validate
from backcourt.warehouse.errors import NotFound
from backcourt.warehouse.ledger_reads import Entries
from jobs.committed_rows import rows_of
from jobs.repairing import key_counts
from jobs.session import Session
from ray_tasks.lookback import read_failures
from ray_tasks.prepare import Ground, read_ledger

LOOKS = 5
"""How often partitions that runs keep committing are looked at before they are left out."""
FAILURE_DAYS = 400
"""How far back the reason of a gap is looked for."""


@dataclass(frozen=True)
class Wanted:
    """What is validated. `days` are all days of the range, with and without games; with `content` values are read."""

    tables: tuple[str, ...]
    days: tuple[date, ...]
    content: bool = False
    exports: str | None = None


@dataclass(frozen=True)
class Validation:
    """What was found in how many partitions; `moving` ones were committed again and again while they were looked at."""

    findings: tuple[Finding, ...]
    partitions: int
    moving: tuple[Partition, ...] = ()


@dataclass(frozen=True)
class Look:
    """What every look at the warehouse needs."""

    session: Session
    ground: Ground
    calendar: Calendar
    earlier: dict[Partition, str]

    def ledger(self) -> Entries:
        """The ledger as it is now."""
        dates = self.calendar.dates
        return read_ledger(self.ground, dates[0], dates[-1]) if dates else {}


def examine(session: Session, ground: Ground, calendar: Calendar, wanted: Wanted) -> Validation:
    """Every fault of what is wanted, once runs beside it have left the partitions alone."""
    since = session.as_of - timedelta(days=FAILURE_DAYS)
    look = Look(session, ground, calendar, read_failures(ground, since))
    open_keys = {(table, day) for table in wanted.tables for day in wanted.days}
    found: list[Finding] = []
    ledger = look.ledger()
    for _ in range(LOOKS):
        seen, after = _look(look, wanted, open_keys, ledger)
        moving = moved(ledger, after, open_keys)
        found += [f for f in seen if (f.table, f.day) in open_keys - moving]
        open_keys, ledger = set(moving), after
        if not open_keys:
            break
    found += _implausible(look, wanted, ledger)
    if wanted.exports:
        found += _unexported(look, wanted, ledger, wanted.exports)
    left = tuple(sorted(Partition(*key) for key in open_keys))
    return Validation(tuple(sorted(found)), len(wanted.tables) * len(wanted.days), left)


def _look(
    look: Look, wanted: Wanted, keys: Iterable[tuple[str, date]], ledger: Entries
) -> tuple[tuple[Finding, ...], Entries]:
    """The faults by one look, and the ledger after it."""
    days: dict[str, list[date]] = {}
    for name, day in sorted(keys):
        days.setdefault(name, []).append(day)
    counts: dict[tuple[str, date], KeyCount] = {}
    hashes: dict[tuple[str, date], str] = {}
    for name, wanted_days in days.items():
        table = look.session.pipeline.processor(name).table
        counts |= {(name, day): count for day, count in _counts(look.ground, table, wanted_days).items()}
        if wanted.content:
            committed = [day for day in wanted_days if (name, day) in ledger]
            hashes |= _hashes(look, table, ledger, committed)
    after = look.ledger()
    session = look.session
    facts = Facts(
        session.pipeline,
        look.calendar,
        after,
        session.as_of,
        counts,
        hashes,
        look.earlier,
        session.settings.warn_below,
    )
    findings = [f for name, wanted_days in days.items() for f in validate(facts, [name], wanted_days)]
    return tuple(findings), after


def _counts(ground: Ground, table: Table, days: Sequence[date]) -> dict[date, KeyCount]:
    try:
        return key_counts(ground, table, days)
    except NotFound:
        return {}  # a table that no run has made yet has no rows


def _hashes(look: Look, table: Table, ledger: Entries, days: Sequence[date]) -> dict[tuple[str, date], str]:
    rows = rows_of(look.ground, look.calendar, ledger, Input(table, table.column_names, SAME_DATE), days)
    return {(table.full_name, day): text for day, text in content_hashes(table, rows, tuple(days)).items()}


def _implausible(look: Look, wanted: Wanted, ledger: Entries) -> list[Finding]:
    """Means outside their ranges: of the dates wanted, and of the months around them, up to the last date wanted."""
    if not wanted.days:
        return []
    first, last = wanted.days[0].replace(day=1), wanted.days[-1]
    days = look.calendar.between(first, last)
    found: list[Finding] = []
    for name in wanted.tables:
        processor = look.session.pipeline.processor(name)
        if processor.plausible and days:
            found += _implausible_of(look, processor, ledger, days, wanted.days)
    return found


def _implausible_of(
    look: Look, processor: Processor, ledger: Entries, days: Sequence[date], wanted: Sequence[date]
) -> list[Finding]:
    table, ranges = processor.table, processor.plausible
    columns = dict.fromkeys((table.partition_by, *(name for each in ranges for name in each.columns)))
    rows = rows_of(look.ground, look.calendar, ledger, Input(table, tuple(columns), SAME_DATE), days)
    by_date = implausible_dates(ranges, rows, table.partition_by)
    dates = [
        Finding(processor.name, day, Fault.IMPLAUSIBLE, str(each)) for day in wanted for each in by_date.get(day, ())
    ]
    months = [
        Finding(processor.name, each.first, Fault.IMPLAUSIBLE, str(each), each.last)
        for _, each in implausible_months(ranges, rows, table.partition_by)
        if each.first != each.last
    ]
    return dates + months


def _unexported(look: Look, wanted: Wanted, ledger: Entries, folder: str) -> list[Finding]:
    """Dates of the range that could be exported and are not in the folder."""
    there = {date.fromisoformat(file.date) for file in ExportFolder(folder).files()}
    session = look.session
    found: list[Finding] = []
    for export in session.pipeline.exports:
        ready = [
            day
            for day in wanted.days
            if day in look.calendar
            and day <= session.as_of
            and not uncommitted(session.pipeline, export, day, look.calendar, session.as_of, ledger)
        ]
        found += not_exported(export.name, ready, there)
    return found
