"""The plan: what a run will do, with absolute dates, before it does it. Pure: ledger and calendar in, plan out."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from hashlib import sha256

from pydantic import BaseModel, ConfigDict, Field

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.processor import Pipeline, Processor
from backcourt.pipeline.versions import TableVersions
from backcourt.pipeline.withdrawn import withdrawn_days, withdrawn_inputs

Ledger = Mapping[tuple[str, date], LedgerEntry]


class Frozen(BaseModel):
    """Base of the plan's parts: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Reason(StrEnum):
    """Why a partition is in the plan.

    MISSING: the ledger has no row. STALE: an input has other rows now. OTHER_VERSION: another version of the processor
    made it; only where the request asks for those, so that a new image does not recompute years overnight.
    INPUT_CHANGES: an input is in this plan; computed only if that input's rows really change. RECOMPUTE: asked for
    by --recompute or --force, or among the days that a source is asked for again. DAMAGED: the warehouse holds other
    rows than were committed. WITHDRAWN: `cleanup` took its rows away, and a partition of this plan reads them.
    """

    MISSING = "missing"
    STALE = "stale"
    OTHER_VERSION = "other version"
    INPUT_CHANGES = "input changes"
    RECOMPUTE = "recompute"
    WITHDRAWN = "withdrawn"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class PlannedPartition:
    """One date to do, and the commit id that the plan saw on it ("" for none): the commit compares with it.

    No model of pydantic's, because a plan may have a hundred thousand of them and a model takes five times the memory.
    """

    day: date
    reason: Reason
    seen_commit: str = ""


class TablePlan(Frozen):
    """What the run does with one table. `skipped` counts calendar dates by why they are left alone."""

    table: str
    wave: int
    to_do: tuple[PlannedPartition, ...]
    done: int = 0
    bootstrap: int = 0
    not_due: int = 0

    @property
    def days(self) -> tuple[date, ...]:
        """The dates to do, ascending."""
        return tuple(p.day for p in self.to_do)


class Request(Frozen):
    """What the user asked for.

    `days` are the calendar's dates within the selection, `tables` full names. With `refresh_days` raw tables do the
    last so many days before `as_of` again: what a source says of them may have changed. `other_versions` asks for
    what another version of its processor made, too. With `only` the plan takes up no other partitions. `damaged` are
    partitions to publish anew whatever the ledger says of them.
    """

    run_id: str
    tables: tuple[str, ...]
    days: tuple[date, ...]
    as_of: date
    recompute: bool = False
    force: bool = False
    options: tuple[str, ...] = ()
    refresh_days: int | None = None
    other_versions: bool = False
    only: tuple[Partition, ...] | None = None
    damaged: frozenset[Partition] = frozenset()

    @property
    def digest(self) -> str:
        """The same for two starts that ask for the same, whatever their run and what they found damaged."""
        return sha256(self.model_dump_json(exclude={"run_id", "damaged"}).encode()).hexdigest()[:16]


class Plan(Frozen):
    """What a run will do. `no_games` are dates asked for by name that the calendar does not have."""

    request: Request
    tables: tuple[TablePlan, ...]
    no_games: tuple[date, ...] = Field(default=())

    @property
    def total(self) -> int:
        """Partitions to do."""
        return sum(len(t.to_do) for t in self.tables)

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """Every partition to do, in the plan's order."""
        return tuple(Partition(t.table, p.day) for t in self.tables for p in t.to_do)


@dataclass(frozen=True)
class Seen:
    """What a plan saw in the ledger, as far as its run needs it: the ledger itself may be let go.

    `entries` are those of partitions to do and of partitions that `cleanup` took the rows of; `versions` know the
    commits of every table's partitions.
    """

    entries: Ledger
    versions: Mapping[str, TableVersions]


def seen_by(plan: Plan, ledger: Ledger, versions: Mapping[str, TableVersions]) -> Seen:
    """What the run of a plan needs of the ledger that it was made from."""
    to_do = {table.table: frozenset(table.days) for table in plan.tables}
    nothing: frozenset[date] = frozenset()
    entries = {
        (table, day): entry
        for (table, day), entry in ledger.items()
        if day in to_do.get(table, nothing) or entry.withdrawn
    }
    return Seen(entries, versions)


def waves(pipeline: Pipeline, tables: Sequence[str]) -> dict[str, int]:
    """The wave of each table: 0 where no input is among `tables`, else one after its latest input."""
    known: dict[str, int] = {}

    def wave_of(name: str) -> int:
        if name not in known:
            inputs = [i.name for i in pipeline.processor(name).inputs if i.name in tables]
            known[name] = 1 + max((wave_of(i) for i in inputs), default=-1)
        return known[name]

    return {name: wave_of(name) for name in tables}


def is_due(processor: Processor, day: date, as_of: date) -> bool:
    """Whether a partition can be computed at all: a table of results needs the games to be over."""
    return day < as_of if processor.needs_final_games else day <= as_of


def versions_of(pipeline: Pipeline, calendar: Calendar, ledger: Ledger, as_of: date) -> dict[str, TableVersions]:
    """The committed partitions of every table of the pipeline."""
    committed: dict[str, dict[date, str]] = {p.name: {} for p in pipeline.processors}
    for (table, day), entry in ledger.items():
        if table in committed:
            committed[table][day] = entry.rows_commit
    return {
        p.name: TableVersions(calendar, _expects(p, calendar, as_of), committed[p.name]) for p in pipeline.processors
    }


def _expects(processor: Processor, calendar: Calendar, as_of: date) -> Callable[[date], bool]:
    return lambda day: is_due(processor, day, as_of) and not (processor.bootstrap and calendar.is_bootstrap(day))


def build_plan(
    pipeline: Pipeline,
    calendar: Calendar,
    request: Request,
    ledger: Ledger,
    no_games: tuple[date, ...] = (),
    versions: Mapping[str, TableVersions] | None = None,
) -> Plan:
    """Compare what was asked for with what the ledger has.

    Args:
        pipeline: the processors.
        calendar: the dates that exist.
        request: the selection.
        ledger: the newest entry of every committed partition of the tables and their inputs.
        no_games: dates asked for by name that the calendar lacks; only reported.
        versions: those of the ledger, from whoever has them already.
    """
    facts = _Facts(calendar, request, ledger, versions or versions_of(pipeline, calendar, ledger, request.as_of))
    withdrawn = withdrawn_days(ledger)
    while True:
        plans = _plan_tables(pipeline, facts)
        read = withdrawn_inputs(pipeline, calendar, facts.changing, withdrawn)
        wanted = frozenset(p for p in read if p.table in request.tables)
        if wanted <= facts.withdrawn:
            return Plan(request=request, tables=plans, no_games=no_games)
        facts = replace(facts, withdrawn=facts.withdrawn | wanted, changing={})


def _plan_tables(pipeline: Pipeline, facts: "_Facts") -> tuple[TablePlan, ...]:
    """The plan of each table, wave by wave."""
    plans = []
    for name, wave in sorted(waves(pipeline, facts.request.tables).items(), key=lambda item: (item[1], item[0])):
        table_plan = _plan_table(pipeline.processor(name), wave, facts)
        facts.changing[name] = table_plan.days
        plans.append(table_plan)
    return tuple(plans)


@dataclass(frozen=True)
class _Facts:
    """What every decision of one plan looks at; `changing` grows wave by wave.

    `withdrawn` are partitions without rows that others of the plan read. `planned` keeps what tables plan alike once:
    a date that none of them has, for one.
    """

    calendar: Calendar
    request: Request
    ledger: Ledger
    versions: Mapping[str, TableVersions]
    changing: dict[str, tuple[date, ...]] = field(default_factory=dict)
    withdrawn: frozenset[Partition] = frozenset()
    planned: dict[PlannedPartition, PlannedPartition] = field(default_factory=dict)


def _plan_table(processor: Processor, wave: int, facts: _Facts) -> TablePlan:
    to_do, done, bootstrap, not_due = [], 0, 0, 0
    read, damaged = _days_of(processor, facts.withdrawn), _days_of(processor, facts.request.damaged)
    for day in sorted(read.union(_days(processor, facts.request))):
        if processor.bootstrap and facts.calendar.is_bootstrap(day):
            bootstrap += 1
            continue
        if not is_due(processor, day, facts.request.as_of):
            not_due += 1
            continue
        entry = facts.ledger.get((processor.name, day))
        reason = _reason(processor, day, entry, facts, is_damaged=day in damaged, is_gone=day in read)
        if reason is None:
            done += 1
        else:
            planned = PlannedPartition(day=day, reason=reason, seen_commit=entry.commit_id if entry else "")
            to_do.append(facts.planned.setdefault(planned, planned))
    return TablePlan(
        table=processor.name, wave=wave, to_do=tuple(to_do), done=done, bootstrap=bootstrap, not_due=not_due
    )


def _days(processor: Processor, request: Request) -> list[date]:
    """The dates of one table that were asked for, ascending."""
    days = set(request.days)
    if request.only is not None:
        days &= {p.day for p in request.only if p.table == processor.name}
    return sorted(days)


def _days_of(processor: Processor, partitions: Iterable[Partition]) -> set[date]:
    return {p.day for p in partitions if p.table == processor.name}


def _reason(
    processor: Processor, day: date, entry: LedgerEntry | None, facts: _Facts, *, is_damaged: bool, is_gone: bool
) -> Reason | None:
    """Why the partition is to be done; None when it is done and current."""
    if entry is None or is_damaged:
        return Reason.DAMAGED if entry else Reason.MISSING
    if facts.request.recompute or facts.request.force or (_is_recent(facts.request, day) and processor.is_raw):
        return Reason.RECOMPUTE
    if is_gone or is_stale(processor, day, facts.calendar, entry, facts.versions):
        return Reason.WITHDRAWN if is_gone else Reason.STALE
    if facts.request.other_versions and entry.processor_version != processor.version:
        return Reason.OTHER_VERSION
    for each in processor.table_inputs:
        changing = facts.changing.get(each.name)
        if not changing:
            continue
        first, last = each.window.first(day, facts.calendar), each.window.last(day)
        if bisect_left(changing, first) < bisect_right(changing, last):
            return Reason.INPUT_CHANGES
    return None


def _is_recent(request: Request, day: date) -> bool:
    return request.refresh_days is not None and (request.as_of - day).days <= request.refresh_days


def is_stale(
    processor: Processor, day: date, calendar: Calendar, entry: LedgerEntry, versions: Mapping[str, TableVersions]
) -> bool:
    """Whether its inputs have other rows than when the partition was computed."""
    for each in processor.table_inputs:
        now = versions[each.name].digest(each.window.first(day, calendar), each.window.last(day))
        if not entry.saw(each.name, now):
            return True
    return False
