"""What `plan`, `backfill` and `ingest` have in common: prepare, plan, show, ask, carry out, show."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import typer

from backcourt.errors import BackcourtError, UsageError
from backcourt.exports.whole_files import WholeFiles
from backcourt.pipeline.breaker import HeldBack, held_back
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.coverage import Thresholds
from backcourt.pipeline.damage import distrusted
from backcourt.pipeline.estimate import Estimate, estimate
from backcourt.pipeline.holds import KeptOff, kept_off
from backcourt.pipeline.outcomes import Partition, PartitionOutcome
from backcourt.pipeline.plan import Frozen, Ledger, Plan, Request, build_plan
from backcourt.pipeline.shares import Priority
from backcourt.sources.source import Source
from jobs.alerting import LowBudget, alert_of_run, old_code
from jobs.console import console, print_json
from jobs.ground import checked_run_id, ground_of, new_run_id
from jobs.opening import opened_engine, pool_size
from jobs.options import split_names
from jobs.progress import watching
from jobs.results import results_model
from jobs.selection import DateSelection
from jobs.session import Session, find_tables
from jobs.settings import Settings
from jobs.settled import settled_end, settled_sentence
from jobs.stopping import StopSignals
from jobs.version import code_version
from jobs.views import show_billed, show_held, show_kept_off, show_plan, show_results, show_unknown
from ray_tasks.breakers import read_breakers, tell_breakers
from ray_tasks.cancelling import CancelWatch
from ray_tasks.committer import RunIdentity
from ray_tasks.damage import find_damage
from ray_tasks.driver import DriverSettings
from ray_tasks.holds import read_holds
from ray_tasks.lookback import read_failures, read_not_through
from ray_tasks.observing import Observer, Together
from ray_tasks.prepare import (
    Ground,
    clear_up,
    ensure_tables,
    read_calendar,
    read_ledger,
    read_sizes,
    resolve_unfinished,
    source_calendar,
)
from ray_tasks.run import RunReport, RunSetup, claim_start, execute
from ray_tasks.telemetry import StandingMetrics

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
    """A plan and all that it was made from."""

    plan: Plan
    calendar: Calendar
    ledger: Ledger
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
    tables = _tables(session, wish)
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
    plan = build_plan(session.pipeline, calendar, request, ledger, no_games)
    if wish.nightly:
        plan, held = held_back(plan, read_breakers(ground), session.clock.now(), session.settings.breaker_policy)
    plan, kept = kept_off(plan, read_holds(ground))
    failures = read_failures(ground, session.as_of - timedelta(days=FAILURES_DAYS)) if plan.total else {}
    sizes = read_sizes(ground)
    return Planned(
        plan,
        calendar,
        ledger,
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


def carry_out(session: Session, wish: Wish, *, yes: bool, as_json: bool, stop: StopSignals | None = None) -> int:
    """Prepare, plan, ask, run and show; the exit code. `stop` is given where a signal may have come before."""
    stop = stop or StopSignals()
    out = console()
    ground = ground_of(session, checked_run_id(wish.run_id) or new_run_id(session, wish.kind))
    tables = _tables(session, wish)
    ensure_tables(ground, tables, create_datasets=session.creates_datasets)
    identity = RunIdentity(
        ground.run_id,
        claim_start(ground.run_id, session.warehouse, ground.attempts, session.clock, session.state_dataset),
        code_version(),
    )
    for job_id in resolve_unfinished(ground, tables, identity.start):
        if not as_json:
            out.print(f"Commit {job_id} of an earlier run has ended; the ledger tells how.")
    clear_up(ground, identity.start)
    planned = make_plan(session, ground, wish)
    if not as_json:
        show_plan(out, planned.plan, planned.estimate)
        show_held(out, planned.held)
        show_kept_off(out, planned.kept_off)
    ended = settled_end(ground, planned.plan.request, identity.code_version, session.settings.settled_seconds)
    if ended is not None:
        typer.echo(f"backcourt: {settled_sentence(ended)}", err=True)
        return ended.code
    watch = _Watch(LowBudget(session.clock), planned.held, old_code(ground))
    if not planned.plan.total:
        watch.alert(session, ground, wish, 0, ())
        return 0
    if not yes and out.is_terminal and not typer.confirm("Go on?", default=True):
        return 0
    # Ray prints notes of its own while it works; standard output is for the JSON alone then
    with redirect_stdout(sys.stderr) if as_json else nullcontext():
        report = _run(session, wish, identity, planned, stop, watch)
    if as_json:
        print_json(results_model(planned.plan, planned.estimate, report))
    else:
        show_results(out, planned.plan, report.outcomes, report.seconds)
        show_billed(out, report.billed_bytes, planned.estimate.query_bytes)
        if report.end.stall:
            out.print(report.end.stall, markup=False)
        show_unknown(out, report.end.in_flight)
        if not report.recorded:
            out.print("The history of this start could not be written; the ledger has every commit.")
    if not report.end.stopped:  # whoever stopped it waits
        if not report.end.stall:
            _tell_breakers(ground, report)
        watch.alert(session, ground, wish, report.exit_code, report.outcomes)
    return report.exit_code


@dataclass(frozen=True)
class _Watch:
    """What alerts and metrics of a run are made from, besides its outcomes."""

    low_budget: LowBudget
    held: tuple[HeldBack, ...]
    drift: tuple[str, ...]

    def observer(self, settings: Settings, run_id: str) -> Observer:
        """Who looks at the run for them."""
        if settings.pool == "serial":
            return self.low_budget
        return Together(self.low_budget, StandingMetrics(run_id, len(self.held), bool(self.drift)))

    def alert(
        self, session: Session, ground: Ground, wish: Wish, code: int, outcomes: Sequence[PartitionOutcome]
    ) -> None:
        """Tell people, where a webhook is set."""
        alert_of_run(
            session.settings, ground, code, outcomes, self.held, self.low_budget, self.drift, nightly=wish.nightly
        )


def _tell_breakers(ground: Ground, report: RunReport) -> None:
    """Record what became of each table; the run has ended, so that a failure here is only told."""
    try:
        tell_breakers(ground, report.outcomes)
    except BackcourtError as error:
        typer.echo(f"backcourt: circuit breakers were not told of this run: {error}", err=True)


def _run(
    session: Session, wish: Wish, identity: RunIdentity, planned: Planned, stop: StopSignals, watch: _Watch
) -> RunReport:
    settings = session.settings
    workers = pool_size(settings)
    setup = RunSetup(
        session.pipeline,
        session.warehouse,
        session.clock,
        session.state_dataset,
        Thresholds(settings.block_below, settings.warn_below, settings.implausible == "block"),
        settings.chunk_days,
        workers,
        DriverSettings(settings.budget.read, settings.budget.load, settings.stall_seconds, settings.deadline_seconds),
        settings.staging_hours,
        planned.estimate,
    )
    cancel = CancelWatch(stop)
    with watching(session.settings, planned.plan, session.clock) as observer:
        return execute(
            setup,
            identity,
            planned.calendar,
            planned.plan,
            planned.ledger,
            lambda: opened_engine(session, identity, wish.source, wish.priority, workers, cancel),
            cancel,
            Together(observer, watch.observer(settings, identity.run_id)),
            planned.earlier,
        )


def _tables(session: Session, wish: Wish) -> tuple[str, ...]:
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
