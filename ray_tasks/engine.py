"""What a run works on: a pool and its permits, on Ray or in this process, opened together and closed together."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import ray

from backcourt.clock import Clock
from backcourt.pipeline.processor import Pipeline
from backcourt.sources.source import Source
from backcourt.warehouse.connection import Connection
from backcourt.warehouse.requests import Kind
from backcourt.warehouse.warehouse import Warehouse
from ray_tasks.attempts import Attempts, Patience
from ray_tasks.observing import Observer
from ray_tasks.permit_actor import permit_actor
from ray_tasks.permit_book import KindState
from ray_tasks.permit_client import PermitClient
from ray_tasks.permits import LocalPermits, ShareLimits
from ray_tasks.pool import Pool, SerialPool
from ray_tasks.ray_pool import RayPool
from ray_tasks.reaper import reaper_actor
from ray_tasks.steps import Bench
from ray_tasks.telemetry import RunMetrics
from ray_tasks.trimming import Trimming
from ray_tasks.warden import Warden
from ray_tasks.worker import WorkerSetup, start_worker

AUTHORITY = "permits"
"""Name of the permit authority's actor."""


@dataclass(frozen=True)
class EngineSetup:
    """What an engine is made from. `workers` bounds the processes.

    With `sharing` nothing is granted until the run is told its share of the budget.
    """

    pipeline: Pipeline
    connection: Connection
    state_dataset: str
    budgets: dict[Kind, int]
    workers: int
    run_id: str
    source: Source | None = None
    patience: Patience = field(default_factory=Patience)
    sharing: bool = False


@dataclass(frozen=True)
class Engine:
    """A pool, the driver's own attempts, the permits' state, limits and share, and who counts for the dashboard."""

    pool: Pool
    attempts: Attempts
    kinds: Callable[[], tuple[KindState, ...]]
    set_limits: Callable[[Mapping[Kind, int]], None]
    share: ShareLimits
    dashboard_url: str = ""
    observers: tuple[Observer, ...] = ()


@contextmanager
def serial_engine(setup: EngineSetup, warehouse: Warehouse, clock: Clock) -> Iterator[Engine]:
    """One worker in this process; permits behind a lock."""
    permits = LocalPermits(setup.budgets, clock, sharing=setup.sharing)
    attempts = Attempts(warehouse, permits, clock, Random("serial"), setup.patience)  # noqa: S311 (jitter)
    bench = Bench(setup.pipeline, warehouse, attempts, clock, setup.state_dataset, setup.source)
    pool = SerialPool(bench)
    try:
        yield Engine(pool, attempts, permits.state, permits.set_limits, permits)
    finally:
        pool.close()


@contextmanager
def ray_engine(
    setup: EngineSetup, warehouse: Warehouse, clock: Clock, job_prefix: str, join: Callable[[str], str]
) -> Iterator[Engine]:
    """A pool of actors, with the permit authority, its warden and the reaper beside it.

    Args:
        setup: what it is made from.
        warehouse: the driver's own.
        clock: time.
        job_prefix: what every job id of this start begins with.
        join: connects this process to Ray, with that namespace; answers the dashboard's address.

    Raises:
        RayNotStarted: Ray could not be reached or started.
    """
    namespace = f"backcourt-{job_prefix}"
    url = join(namespace)
    authority = permit_actor(setup.budgets, AUTHORITY, namespace, sharing=setup.sharing)
    client = PermitClient(authority, "driver", clock)
    shipped = ray.put(WorkerSetup(setup.pipeline, setup.connection, setup.state_dataset, setup.source, setup.patience))

    def hire(name: str) -> Any:
        """A worker that the authority watches from its first moment: one that dies young may hold permits too."""
        worker = start_worker(shipped, name, authority)
        authority.enlist.remote(name, worker)
        return worker

    def hire_reaper() -> Any:
        return reaper_actor(setup.connection, AUTHORITY, namespace)

    pool = RayPool(setup.workers, hire)
    warden = Warden(authority, client, lambda: pool.handles, warehouse, setup.pipeline, job_prefix, clock, hire_reaper)
    attempts = Attempts(warehouse, client, clock, Random("driver"), setup.patience)  # noqa: S311 (jitter)
    try:
        warden.start()
        observers = (RunMetrics(setup.run_id), Trimming(clock))
        yield Engine(pool, attempts, warden.kinds, warden.set_limits, warden, url, observers)
    finally:
        warden.stop()
        pool.close()
        ray.kill(authority)
        ray.shutdown()
