"""Where every partition stands now: there, not there, and why. Ledger, calendar and history in, cells out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.outcomes import Outcome, Partition
from backcourt.pipeline.plan import Ledger, is_due, is_stale, versions_of
from backcourt.pipeline.processor import Pipeline
from backcourt.pipeline.records import OutcomeRecord


class Standing(StrEnum):
    """Where a partition stands.

    DONE, WARNED (below the warning threshold) and FORCED are published and current, STALE is published from inputs
    that have changed since. BLOCKED and FAILED are not published and ended so the last time, MISSING was not tried.
    BOOTSTRAP and NOT_DUE are not expected.
    """

    DONE = "done"
    WARNED = "warned"
    FORCED = "forced"
    STALE = "stale"
    BLOCKED = "blocked"
    FAILED = "failed"
    MISSING = "missing"
    BOOTSTRAP = "bootstrap"
    NOT_DUE = "not due"


@dataclass(frozen=True)
class Cell:
    """One partition: where it stands, its ledger entry and the last record of it, where there are any."""

    partition: Partition
    standing: Standing
    entry: LedgerEntry | None = None
    last: OutcomeRecord | None = None


def cells(
    pipeline: Pipeline,
    calendar: Calendar,
    ledger: Ledger,
    as_of: date,
    last: Mapping[Partition, OutcomeRecord],
    warn_below: float,
    tables: Iterable[str] | None = None,
) -> list[Cell]:
    """Every date of the calendar for every table (or those of `tables`), table by table, dates ascending."""
    versions = versions_of(pipeline, calendar, ledger, as_of)
    found = []
    for processor in pipeline.processors if tables is None else map(pipeline.processor, tables):
        for day in calendar.dates:
            partition = Partition(processor.name, day)
            entry, record = ledger.get((processor.name, day)), last.get(partition)
            if entry:
                stale = is_stale(processor, day, calendar, entry, versions)
                standing = Standing.STALE if stale else _published(entry, warn_below)
            elif processor.bootstrap and calendar.is_bootstrap(day):
                standing = Standing.BOOTSTRAP
            elif not is_due(processor, day, as_of):
                standing = Standing.NOT_DUE
            else:
                standing = _absent(record)
            found.append(Cell(partition, standing, entry, record))
    return found


def _published(entry: LedgerEntry, warn_below: float) -> Standing:
    if entry.forced:
        return Standing.FORCED
    return Standing.WARNED if entry.coverage < warn_below else Standing.DONE


def _absent(record: OutcomeRecord | None) -> Standing:
    if record and record.outcome is Outcome.BLOCKED:
        return Standing.BLOCKED
    return Standing.FAILED if record and record.outcome is Outcome.FAILED else Standing.MISSING
