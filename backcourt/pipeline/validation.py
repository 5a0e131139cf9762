"""Whether what is published is what ought to be: the calendar, the ledger and the rows themselves, compared. Pure.

What is no fault is not reported: bootstrap days, dates without games, games that are not over, tables that may be
empty, and rows that `cleanup` took away.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.plan import Ledger, is_due, is_stale, versions_of
from backcourt.pipeline.processor import Pipeline, Processor
from backcourt.pipeline.versions import TableVersions


class Fault(StrEnum):
    """What can be wrong with a partition, a month or an export.

    MISSING: not committed though it is due. UNCOVERED: published below the warning threshold. OLD_VERSION: made by
    another version of its processor. STALE: an input has other rows now. ROWS_LOST, ROWS_ADDED, DOUBLED, CHANGED: the
    table holds fewer rows, more rows, two rows of a key, or other values than were committed. STRAY: rows that no
    commit published. IMPLAUSIBLE: a mean that the world does not have. NOT_EXPORTED: its file is missing.
    """

    MISSING = "missing"
    UNCOVERED = "uncovered"
    OLD_VERSION = "old version"
    STALE = "stale"
    ROWS_LOST = "rows lost"
    ROWS_ADDED = "rows added"
    DOUBLED = "doubled rows"
    CHANGED = "other rows"
    STRAY = "stray rows"
    IMPLAUSIBLE = "implausible"
    NOT_EXPORTED = "not exported"


@dataclass(frozen=True, order=True)
class Finding:
    """One fault: of a date, or of the dates from `day` to `last`."""

    table: str
    day: date
    fault: Fault
    what: str
    last: date | None = None

    @property
    def partition(self) -> Partition:
        """Which partition it is about."""
        return Partition(self.table, self.day)


@dataclass(frozen=True)
class KeyCount:
    """One date of a table: its rows, its keys, and how many of the keys have more than one row."""

    rows: int = 0
    keys: int = 0
    doubled: int = 0


Counts = Mapping[tuple[str, date], KeyCount]
"""What tables hold now, by table and date; a date without rows is absent."""


@dataclass(frozen=True)
class Facts:
    """What partitions are validated against.

    `counts` and `hashes` are of the rows that are there now; `hashes` may lack partitions whose values nobody read.
    `earlier` says how partitions that are not committed ended when they were last tried.
    """

    pipeline: Pipeline
    calendar: Calendar
    ledger: Ledger
    as_of: date
    counts: Counts
    hashes: Mapping[tuple[str, date], str]
    earlier: Mapping[Partition, str]
    warn_below: float


def validate(facts: Facts, tables: Iterable[str], days: Sequence[date]) -> tuple[Finding, ...]:
    """Every fault of the partitions of these tables and dates, by table and date.

    `days` may hold any date: on those that the calendar lacks only stray rows are a fault.
    """
    versions = versions_of(facts.pipeline, facts.calendar, facts.ledger, facts.as_of)
    found: list[Finding] = []
    for table in tables:
        processor = facts.pipeline.processor(table)
        for day in days:
            entry = facts.ledger.get((table, day))
            if entry is None:
                found += _uncommitted(facts, processor, day)
            else:
                found += _of_ledger(facts, processor, entry, versions)
                found += _of_rows(facts, entry)
    return tuple(sorted(found))


def may_be_absent(pipeline: Pipeline, table: str) -> bool:
    """Whether nobody needs the table: it comes from a source, and every reader can do without."""
    read_as = [each for p in pipeline.processors for each in p.inputs if each.name == table]
    return pipeline.processor(table).is_raw and bool(read_as) and all(each.optional for each in read_as)


def moved(before: Ledger, after: Ledger, partitions: Iterable[tuple[str, date]]) -> frozenset[tuple[str, date]]:
    """The partitions that a run committed between two looks: rows counted meanwhile belong to neither."""

    def commit(ledger: Ledger, key: tuple[str, date]) -> str:
        entry = ledger.get(key)
        return entry.commit_id if entry else ""

    return frozenset(key for key in partitions if commit(before, key) != commit(after, key))


def not_exported(export: str, ready: Iterable[date], exported: Collection[date]) -> tuple[Finding, ...]:
    """Dates that could be exported and have no file."""
    return tuple(
        Finding(f"export {export}", day, Fault.NOT_EXPORTED, "it has no file, though its inputs are committed")
        for day in sorted(ready)
        if day not in exported
    )


def _uncommitted(facts: Facts, processor: Processor, day: date) -> Iterator[Finding]:
    count = facts.counts.get((processor.name, day), KeyCount())
    if count.rows:
        yield Finding(processor.name, day, Fault.STRAY, f"{count.rows} rows that no commit published")
    due = day in facts.calendar and is_due(processor, day, facts.as_of)
    bootstrap = processor.bootstrap and facts.calendar.is_bootstrap(day)
    if due and not bootstrap and not may_be_absent(facts.pipeline, processor.name):
        why = facts.earlier.get(Partition(processor.name, day), "no run has tried it lately")
        yield Finding(processor.name, day, Fault.MISSING, why)


def _of_ledger(
    facts: Facts, processor: Processor, entry: LedgerEntry, versions: Mapping[str, TableVersions]
) -> Iterator[Finding]:
    if entry.coverage < facts.warn_below:
        share = f"{entry.present_count} of {entry.expected_count} expected ({entry.coverage:.1%})"
        how = ", published by --force" if entry.forced else ", published with a warning"
        yield Finding(entry.table, entry.day, Fault.UNCOVERED, share + how)
    if entry.processor_version != processor.version:
        what = f"made by version {entry.processor_version} of its processor, now {processor.version}"
        yield Finding(entry.table, entry.day, Fault.OLD_VERSION, what)
    if is_stale(processor, entry.day, facts.calendar, entry, versions):
        yield Finding(entry.table, entry.day, Fault.STALE, "an input has other rows now than when it was computed")


def _of_rows(facts: Facts, entry: LedgerEntry) -> Iterator[Finding]:
    count = facts.counts.get((entry.table, entry.day), KeyCount())
    committed = f"{entry.row_count} rows were committed by {entry.rows_commit}"
    if count.doubled:
        what = f"{count.doubled} keys have more than one row; {committed}"
        yield Finding(entry.table, entry.day, Fault.DOUBLED, what)
    if count.keys < entry.row_count:
        yield Finding(entry.table, entry.day, Fault.ROWS_LOST, f"{count.keys} keys are there; {committed}")
    elif count.keys > entry.row_count:
        yield Finding(entry.table, entry.day, Fault.ROWS_ADDED, f"{count.keys} keys are there; {committed}")
    elif not count.doubled:
        found = facts.hashes.get((entry.table, entry.day), entry.content_hash)
        if found != entry.content_hash and not entry.withdrawn:
            what = f"the values are not those of commit {entry.rows_commit}"
            yield Finding(entry.table, entry.day, Fault.CHANGED, what)
