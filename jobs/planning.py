"""From a wish to a plan and what it is made from, and `--dry-run`: planned and shown, nothing changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from backcourt.errors import UsageError
from backcourt.exports.whole_files import WholeFiles
from backcourt.pipeline.breaker import HeldBack, held_back
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.damage import distrusted
from backcourt.pipeline.estimate import Estimate, estimate
from backcourt.pipeline.holds import KeptOff, kept_off
from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.plan import Frozen, Ledger, Plan, Request, Seen, build_plan, seen_by, versions_of
from backcourt.pipeline.shares import Priority
from backcourt.sources.source import Source
from jobs.console import console, print_json
from jobs.ground import ground_of, new_run_id
from jobs.options import split_names
from jobs.selection import DateSelection
from jobs.session import Session, find_tables
from jobs.views import show_held, show_kept_off, show_plan
from ray_tasks.breakers import read_breakers
from ray_tasks.damage import find_damage
from ray_tasks.holds import read_holds
from ray_tasks.lookback import read_failures, read_not_through
from ray_tasks.prepare import (
    Ground,
    read_calendar,
    read_ledger,
    read_sizes,
    source_calendar,
)

MODELS = "models="
"""The run's option that names the folder of models begins so."""

FAILURES_DAYS = 400
"""How far back a failure of an input is looked for, to explain what it blocks."""


@dataclass(frozen=True)
class Wish:
    """What the user asked for, apart from settings.

    A `nightly` wish is for raw tables (with a source) and all others in one run, heals damaged partitions and obeys
    the circuit breakers. A `rewrite` trusts nothing that is there: equal rows are written again.
    """

    kind: str
    tables: list[str] | None = None
    dates: DateSelection = field(default_factory=DateSelection)
    recompute: bool = False
    rewrite: bool = False
    force: bool = False
    options: tuple[str, ...] = ()
    run_id: str | None = None
    source: Source | None = None
    stale: bool = False
    only_failed: str | None = None
    nightly: bool = False

    @property
    def priority(self) -> Priority:
        """Whether it comes before others where several runs share the budget."""
        return Priority.DAILY if self.nightly else Priority.BACKFILL


@dataclass(frozen=True)
class Planned:
    """A plan and what its run needs of what it was made from."""

    plan: Plan
    calendar: Calendar
    seen: Seen
    estimate: Estimate
    earlier: Mapping[Partition, str]
    held: tuple[HeldBack, ...] = ()
    kept_off: tuple[KeptOff, ...] = ()


class PlanOutput(Frozen):
    """`plan --json`."""

    plan: Plan
    estimate: Estimate
    held: tuple[str, ...] = ()


def make_plan(session: Session, ground: Ground, wish: Wish) -> Planned:
    """Read calendar and ledger and compare them with the wish.

    Raises:
        UsageError: an unknown table, or no date at all.
    """
    tables = wanted_tables(session, wish)
    calendar = _calendar(session, ground, wish)
    days, no_games = wish.dates.of(calendar)
    refresh = session.settings.refresh_days if wish.source else None
    request = Request(
        run_id=ground.run_id,
        tables=tables,
        days=days,
        as_of=session.as_of,
        recompute=wish.recompute or wish.rewrite,
        force=wish.force,
        options=wish.options if wish.source else (*wish.options, *models_option(session.settings.models)),
        refresh_days=refresh,
        other_versions=wish.stale,
        only=read_not_through(ground, wish.only_failed, tables) if wish.only_failed else None,
    )
    ledger: Ledger = read_ledger(ground, calendar.dates[0], calendar.dates[-1]) if calendar.dates else {}
    held: tuple[HeldBack, ...] = ()
    if wish.rewrite:
        ledger = distrusted(ledger, (Partition(*key) for key in ledger if key[0] in tables and key[1] in days))
    elif wish.nightly or wish.recompute:
        found = frozenset(find_damage(ground, tables, ledger, days))
        request, ledger = request.model_copy(update={"damaged": found}), distrusted(ledger, found)
    versions = versions_of(session.pipeline, calendar, ledger, request.as_of)
    plan = build_plan(session.pipeline, calendar, request, ledger, no_games, versions)
    if wish.nightly:
        plan, held = held_back(plan, read_breakers(ground), session.clock.now(), session.settings.breaker_policy)
    plan, kept = kept_off(plan, read_holds(ground))
    failures = read_failures(ground, session.as_of - timedelta(days=FAILURES_DAYS)) if plan.total else {}
    sizes = read_sizes(ground)
    return Planned(
        plan,
        calendar,
        seen_by(plan, ledger, versions),
        estimate(session.pipeline, calendar, plan, session.settings.chunk_days, sizes),
        failures | {partition: str(each.hold) for each in kept for partition in each.partitions},
        held,
        kept,
    )


def _calendar(session: Session, ground: Ground, wish: Wish) -> Calendar:
    """The dates that exist: those of the schedule, with what the source says of it; without one every day."""
    if session.pipeline.schedule is None:
        return Calendar(wish.dates.every_day(session.as_of))
    return source_calendar(ground, wish.source, session.as_of) if wish.source else read_calendar(ground)


def models_option(folder: str) -> tuple[str, ...]:
    """The run's option that tells processors where trained models are; every node must see the folder.

    Raises:
        UsageError: there is no such folder.
    """
    if not folder:
        return ()
    if not WholeFiles(folder, "--models").exist:
        raise UsageError(f"There is no folder of models {folder}.", "Run `backcourt train` first, or leave models out.")
    return (f"{MODELS}{folder if '://' in folder else Path(folder).absolute()}",)


def show_only(session: Session, wish: Wish, *, as_json: bool) -> int:
    """Plan and print, change nothing."""
    ground = ground_of(session, wish.run_id or new_run_id(session, "plan"))
    planned = make_plan(session, ground, wish)
    if as_json:
        held = tuple(f"{each.hold.table} is {each.hold}" for each in planned.kept_off)
        print_json(PlanOutput(plan=planned.plan, estimate=planned.estimate, held=held))
    else:
        show_plan(console(), planned.plan, planned.estimate)
        show_held(console(), planned.held)
        show_kept_off(console(), planned.kept_off)
    return 0


def wanted_tables(session: Session, wish: Wish) -> tuple[str, ...]:
    """The tables that are meant: by name, or all raw ones for an ingest, all others for a backfill, both at night."""
    from_source = wish.source is not None
    names = split_names(wish.tables)
    if wish.nightly:
        return tuple(p.name for p in session.pipeline.processors if from_source or not p.is_raw)
    if not names:
        return tuple(p.name for p in session.pipeline.processors if p.is_raw == from_source)
    found = find_tables(session.pipeline, names)
    wrong = [name for name in found if session.pipeline.processor(name).is_raw != from_source]
    if wrong:
        command = "backcourt backfill" if from_source else "backcourt ingest"
        raise UsageError(f"{wrong[0]} is not made by this command.", f"Use `{command}` for it.")
    return found
