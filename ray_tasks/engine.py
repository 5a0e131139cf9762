"""What a run works on: a pool and its permits, on Ray or in this process, opened together and closed together."""

import logging
import os
import signal
import threading
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
from ray_tasks.errors import RayNotStarted
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
from ray_tasks.warden import Warden
from ray_tasks.worker import WorkerSetup, start_worker

AUTHORITY = "permits"
"""Name of the permit authority's actor."""
WORKER_ENVIRONMENT = {
    "POLARS_MAX_THREADS": "1",  # a worker is one core; more threads would only fight
    "RAY_allow_out_of_band_object_ref_serialization": "0",
}
"""Environment of every Ray process."""
LOCAL_STARTS = 3
"""Times that a local Ray is started before the run gives up."""
SECONDS_BETWEEN_STARTS = 2.0


@dataclass(frozen=True)
class EngineSetup:
    """What an engine is made from. `workers` bounds the processes; `ray_address` is empty for a local Ray.

    A local Ray shows its metrics at `metrics_port`, or at a port that happens to be free. With `sharing` nothing is
    granted until the run is told its share of the budget.
    """

    pipeline: Pipeline
    connection: Connection
    state_dataset: str
    budgets: dict[Kind, int]
    workers: int
    run_id: str
    source: Source | None = None
    ray_address: str = ""
    dashboard: bool = True
    patience: Patience = field(default_factory=Patience)
    metrics_port: int | None = None
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
def ray_engine(setup: EngineSetup, warehouse: Warehouse, clock: Clock, job_prefix: str) -> Iterator[Engine]:
    """A pool of actors, with the permit authority, its warden and the reaper beside it.

    Args:
        setup: what it is made from.
        warehouse: the driver's own.
        clock: time.
        job_prefix: what every job id of this start begins with.
    """
    namespace = f"backcourt-{job_prefix}"
    url = _join_ray(setup, namespace, clock)
    authority = permit_actor(setup.budgets, AUTHORITY, namespace, sharing=setup.sharing)
    client = PermitClient(authority, "driver", clock)
    reaper = reaper_actor(setup.connection, AUTHORITY, namespace)
    shipped = ray.put(WorkerSetup(setup.pipeline, setup.connection, setup.state_dataset, setup.source, setup.patience))

    def hire(name: str) -> Any:
        """A worker that the authority watches from its first moment: one that dies young may hold permits too."""
        worker = start_worker(shipped, name, authority)
        authority.enlist.remote(name, worker)
        return worker

    pool = RayPool(setup.workers, hire)
    warden = Warden(authority, client, lambda: pool.handles, warehouse, setup.pipeline, job_prefix, clock)
    attempts = Attempts(warehouse, client, clock, Random("driver"), setup.patience)  # noqa: S311 (jitter)
    try:
        warden.start()
        yield Engine(pool, attempts, warden.kinds, warden.set_limits, warden, url, (RunMetrics(setup.run_id),))
    finally:
        warden.stop()
        pool.close()
        ray.kill(reaper)
        ray.kill(authority)
        ray.shutdown()


def _join_ray(setup: EngineSetup, namespace: str, clock: Clock) -> str:
    """Connect to the cluster, or start a local Ray; the dashboard's address.

    A busy machine may miss one of Ray's own deadlines for its processes, so a local Ray is started anew some times.

    Raises:
        RayNotStarted: Ray could not be reached or started.
    """
    # A local Ray inherits it, and the processes that it starts in advance fit; with a runtime_env none of them would.
    os.environ.update(WORKER_ENVIRONMENT)
    logging.getLogger("ray").setLevel(logging.ERROR)  # its notes to its own users are not for ours
    shared: dict[str, Any] = {
        "namespace": namespace,
        "log_to_driver": False,
        "logging_level": "ERROR",
        "configure_logging": False,
    }
    if setup.ray_address:
        shared |= {"address": setup.ray_address, "runtime_env": {"env_vars": WORKER_ENVIRONMENT}}
    else:
        shared |= {"address": "local", "num_cpus": setup.workers, "include_dashboard": setup.dashboard}
        if setup.metrics_port:
            shared["_metrics_export_port"] = setup.metrics_port
    starts = 1 if setup.ray_address else LOCAL_STARTS
    for start in range(1, starts + 1):
        try:
            with _own_sigterm():
                return str(ray.init(**shared).dashboard_url or "")
        except Exception as error:  # ray raises a bare Exception for a node that is slow to start
            ray.shutdown()  # what did start
            if start < starts:
                clock.sleep(SECONDS_BETWEEN_STARTS)
                continue
            where = f"Ray at {setup.ray_address}" if setup.ray_address else "A local Ray"
            raise RayNotStarted(
                f"{where} did not start: {str(error).splitlines()[0].rstrip('.')}.",
                "Try again; `--pool serial` works without Ray.",
            ) from error
    raise AssertionError("unreachable")


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep this process's answer to SIGTERM, which ray.init replaces by sys.exit."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)
