"""How a run gets its Ray: it joins a cluster, or starts a Ray on this machine."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import ray

from backcourt.clock import Clock
from ray_tasks.errors import RayNotStarted

WORKER_ENVIRONMENT = {
    "POLARS_MAX_THREADS": "1",  # a worker is one core; more threads would only fight
    "RAY_allow_out_of_band_object_ref_serialization": "0",
}
"""Environment of every Ray process."""
LOCAL_STARTS = 3
"""Times that a local Ray is started before the run gives up."""
SECONDS_BETWEEN_STARTS = 2.0
LOG = logging.getLogger("backcourt")


@dataclass(frozen=True)
class RaySetup:
    """Which Ray: the cluster at `address`, or with an empty one a local Ray of so many workers.

    A local Ray shows its metrics at `metrics_port`, or at a port that happens to be free.
    """

    address: str = ""
    workers: int = 1
    dashboard: bool = True
    metrics_port: int | None = None


def join_ray(setup: RaySetup, namespace: str, clock: Clock) -> str:
    """Connect to the cluster, or start a local Ray; the dashboard's address.

    A busy machine may miss one of Ray's own deadlines for its processes, so a local Ray is started anew some times.

    Raises:
        RayNotStarted: Ray could not be reached or started.
    """
    # A local Ray inherits it, and the processes that it starts in advance fit; with a runtime_env none of them would.
    os.environ.update(WORKER_ENVIRONMENT)
    logging.getLogger("ray").setLevel(logging.ERROR)  # its notes to its own users are not for ours
    starts = 1 if setup.address else LOCAL_STARTS
    for start in range(1, starts + 1):
        try:
            with _own_sigterm():
                return str(ray.init(**_arguments(setup, namespace)).dashboard_url or "")
        except Exception as error:  # ray raises a bare Exception for a node that is slow to start
            ray.shutdown()  # what did start
            why = str(error).splitlines()[0].rstrip(".")
            if start < starts:
                LOG.warning("A local Ray did not start and is started again: %s.", why)
                clock.sleep(SECONDS_BETWEEN_STARTS)
                continue
            where = f"Ray at {setup.address}" if setup.address else "A local Ray"
            raise RayNotStarted(
                f"{where} did not start: {why}.", "Try again; `--pool serial` works without Ray."
            ) from error
    raise AssertionError("unreachable")


def _arguments(setup: RaySetup, namespace: str) -> dict[str, Any]:
    shared: dict[str, Any] = {
        "namespace": namespace,
        "log_to_driver": False,
        "logging_level": "ERROR",
        "configure_logging": False,
    }
    if setup.address:
        return shared | {"address": setup.address, "runtime_env": {"env_vars": WORKER_ENVIRONMENT}}
    if setup.metrics_port:
        shared["_metrics_export_port"] = setup.metrics_port
    return shared | {"address": "local", "num_cpus": setup.workers, "include_dashboard": setup.dashboard}


@contextmanager
def _own_sigterm() -> Iterator[None]:
    """Keep this process's answer to SIGTERM, which ray.init replaces by sys.exit."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, handler)
