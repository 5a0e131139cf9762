"""Opens what a run works on: the pool, its share of the budget, and who looks after it while it is alive."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

import typer

from backcourt.clock import Clock
from backcourt.errors import LimitReached
from backcourt.pipeline.shares import Priority, Shares
from backcourt.sharing.store import SharesStore, SharesUnreachable
from backcourt.sources.source import Source
from backcourt.warehouse.requests import Kind
from jobs.session import Session
from jobs.settings import BudgetSettings, Settings, read_budget
from jobs.sharing import open_shares
from ray_tasks.budget_watch import BudgetWatch
from ray_tasks.cancelling import CancelWatch, cancel_is_asked
from ray_tasks.committer import RunIdentity
from ray_tasks.engine import Engine, EngineSetup, ray_engine, serial_engine
from ray_tasks.joining import RaySetup, join_ray
from ray_tasks.pool import TRANSFERS_A_WORKER
from ray_tasks.share_keeper import ShareKeeper

LOOK_SECONDS = 0.1
"""Pause between looks whether the first share is there."""


@contextmanager
def opened_engine(
    session: Session,
    identity: RunIdentity,
    source: Source | None,
    priority: Priority,
    workers: int,
    cancel: CancelWatch,
) -> Iterator[Engine]:
    """The engine of a run, once the run has a share of the budget; all of it ends with the block.

    Args:
        session: settings and connections.
        identity: the run and its start.
        source: what raw tables come from.
        priority: whether the run comes before backfills.
        workers: processes of the pool.
        cancel: is told when an operator cancels the run, and asked whether to stop waiting.

    Raises:
        SharesUnusable: the place where runs share the budget cannot be used.
        LimitReached: that place did not answer for `stall_seconds`.
        typer.Exit: the run was stopped before it had a share.
    """
    budget = limits_of(session.settings.budget)
    with ExitStack() as opened:
        store = opened.enter_context(open_shares(session.settings, session.clock))
        if store:
            with suppress(SharesUnreachable):  # the keeper asks again and again
                store.read()
        engine = opened.enter_context(_pool(session, identity, source, priority, workers, sharing=store is not None))
        keeper: ShareKeeper | None = None
        if store:
            keeper = ShareKeeper(
                store,
                identity.prefix.removesuffix("-"),
                priority,
                budget,
                usable(workers * (1 if session.settings.pool == "serial" else TRANSFERS_A_WORKER)),
                session.warehouse.unfinished_jobs,
                session.clock,
            )
            opened.enter_context(_kept(keeper, store, engine, identity))
        if session.settings.budget_file:
            opened.enter_context(_live_budget(engine, keeper, session.settings.budget_file))
        opened.enter_context(_cancellable(engine, cancel, session, identity))
        if keeper:
            await_share(keeper, cancel, session.clock, session.settings.stall_seconds)
        yield engine


def limits_of(budget: BudgetSettings) -> dict[Kind, int]:
    """The settings' budget as the permits take it."""
    return {Kind(name): number for name, number in budget.model_dump().items()}


def usable(transfers: int) -> dict[Kind, int]:
    """How many permits of each kind a pool could use at once; it leaves the rest to other runs.

    The pool reads and stages so many blocks and batches at once. The driver adds what it looks up, the load of its
    record, and a few queries: announcements go one at a time, and a start and an end are told.
    """
    return {Kind.READ: transfers + 2, Kind.QUERY: 4, Kind.LOAD: transfers + 1}


def _pool(
    session: Session, identity: RunIdentity, source: Source | None, priority: Priority, workers: int, *, sharing: bool
) -> AbstractContextManager[Engine]:
    settings = session.settings
    setup = EngineSetup(
        session.pipeline,
        session.connection,
        session.state_dataset,
        limits_of(settings.budget),
        workers,
        identity.run_id,
        source,
        sharing=sharing,
    )
    if settings.pool == "serial":
        return serial_engine(setup, session.warehouse, session.clock)

    ray = ray_setup(settings, dashboard=priority is not Priority.DAILY)  # it would be gone before anybody looked
    return ray_engine(
        setup, session.warehouse, session.clock, identity.prefix, lambda name: join_ray(ray, name, session.clock)
    )


def pool_size(settings: Settings) -> int:
    """Workers of the run's pool."""
    return 1 if settings.pool == "serial" else settings.workers or os.cpu_count() or 1


def ray_setup(settings: Settings, *, dashboard: bool) -> RaySetup:
    """The Ray of the settings; where they do not say, with a dashboard or without."""
    wanted = dashboard if settings.dashboard is None else settings.dashboard
    return RaySetup(settings.ray_address, pool_size(settings), wanted, settings.metrics_port)


@contextmanager
def _kept(keeper: ShareKeeper, store: SharesStore, engine: Engine, identity: RunIdentity) -> Iterator[None]:
    """While the run's share is looked after; it is given back at the end."""
    with store.present(identity.prefix.removesuffix("-")):
        keeper.start(engine.share)
        try:
            yield
        finally:
            keeper.stop(engine.share)


@contextmanager
def _live_budget(engine: Engine, keeper: ShareKeeper | None, file: Path) -> Iterator[None]:
    """While the budget is kept at what the file says."""

    def apply(budget: dict[Kind, int]) -> None:
        if keeper:
            keeper.set_budget(budget)
        engine.set_limits(budget)

    watch = BudgetWatch(lambda: limits_of(read_budget(file)), lambda budget: apply(dict(budget)))
    watch.start()
    try:
        yield
    finally:
        watch.stop()


@contextmanager
def _cancellable(engine: Engine, cancel: CancelWatch, session: Session, identity: RunIdentity) -> Iterator[None]:
    """While the run's events are looked at."""
    cancel.start(
        lambda: cancel_is_asked(
            session.warehouse, engine.attempts, session.state_dataset, identity, session.clock.now().date()
        )
    )
    try:
        yield
    finally:
        cancel.end()


def await_share(keeper: ShareKeeper, cancel: CancelWatch, clock: Clock, stall_seconds: float) -> None:
    """Wait until the run has a permit of every kind, and say for whom it waits.

    Other runs may take as long as they like; a place that does not answer may for `stall_seconds`.

    Raises:
        LimitReached: it has not answered for so long.
        typer.Exit: the run was stopped.
    """
    told, answered = "", clock.monotonic()
    while not keeper.may_begin:
        if cancel.exit_code:
            raise typer.Exit(cancel.exit_code)
        if not keeper.trouble:
            answered = clock.monotonic()
        elif clock.monotonic() - answered > stall_seconds:
            raise LimitReached(
                f"The place where runs share the budget has not answered for {stall_seconds:.0f} s. {keeper.trouble}",
                "In a cluster, let the run reach it by the chart's networkPolicy.apiServerCidrs.",
            )
        waiting = waiting_sentence(keeper.shares, keeper.trouble)
        if waiting and waiting != told:
            told = waiting
            typer.echo(f"backcourt: {waiting}", err=True)
        clock.sleep(LOOK_SECONDS)


def waiting_sentence(shares: Shares, trouble: str) -> str:
    """Why a run has no share yet; "" while it has not even looked."""
    if trouble:
        return f"The run waits for a share of the budget. {trouble}"
    others = ", ".join(share.run for share in shares if any(share.permits.values()))
    return f"The run waits for a share of the budget, which other runs have: {others}." if others else ""
