"""What `backfill`, `ingest` and `daily` have in common: prepare, plan, show, ask, carry out, show."""

import sys
from collections.abc import Collection
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass

import typer

from backcourt.errors import BackcourtError
from backcourt.pipeline.breaker import HeldBack
from backcourt.pipeline.coverage import Thresholds
from backcourt.pipeline.outcomes import PartitionOutcome
from jobs.alerting import LowBudget, alert_of_run, old_code
from jobs.console import console
from jobs.ground import checked_run_id, ground_of, new_run_id
from jobs.opening import opened_engine, pool_size
from jobs.planning import Planned, Wish, make_plan, wanted_tables
from jobs.progress import watching
from jobs.results import print_results
from jobs.session import Session
from jobs.settings import Settings
from jobs.settled import settled_end, settled_sentence
from jobs.stopping import StopSignals
from jobs.version import code_version
from jobs.views import show_billed, show_held, show_kept_off, show_plan, show_results, show_unknown
from ray_tasks.breakers import tell_breakers
from ray_tasks.cancelling import CancelWatch
from ray_tasks.committer import RunIdentity
from ray_tasks.driver import DriverSettings
from ray_tasks.observing import Observer, Together
from ray_tasks.prepare import (
    Ground,
    clear_up,
    ensure_tables,
    resolve_unfinished,
)
from ray_tasks.run import RunReport, RunSetup, claim_start, execute
from ray_tasks.telemetry import StandingMetrics


def carry_out(session: Session, wish: Wish, *, yes: bool, as_json: bool, stop: StopSignals | None = None) -> int:
    """Prepare, plan, ask, run and show; the exit code. `stop` is given where a signal may have come before."""
    stop = stop or StopSignals()
    out = console()
    ground = ground_of(session, checked_run_id(wish.run_id) or new_run_id(session, wish.kind))
    tables = wanted_tables(session, wish)
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
        print_results(planned.plan, planned.estimate, report)
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
        self, session: Session, ground: Ground, wish: Wish, code: int, outcomes: Collection[PartitionOutcome]
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
            planned.seen,
            lambda: opened_engine(session, identity, wish.source, wish.priority, workers, cancel),
            cancel,
            Together(observer, watch.observer(settings, identity.run_id)),
            planned.earlier,
        )
