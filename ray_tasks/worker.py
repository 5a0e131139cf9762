"""One worker of the pool: a Ray actor that computes one step at a time and reads and stages beside it."""

import threading
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pyarrow as pa
import ray

from backcourt.clock import SystemClock
from backcourt.errors import BackcourtError
from backcourt.pipeline.processor import Pipeline
from backcourt.sources.source import Source
from backcourt.warehouse.connection import Connection
from ray_tasks.attempts import Attempts, Patience
from ray_tasks.json_lines import json_lines
from ray_tasks.permit_book import Permit
from ray_tasks.permit_client import PermitClient
from ray_tasks.pool import TRANSFERS_A_WORKER, attempt_step
from ray_tasks.steps import Bench, Step, StepResult
from ray_tasks.telemetry import WorkerMetrics


@dataclass(frozen=True)
class WorkerSetup:
    """Everything a worker is made from; it travels to its process."""

    pipeline: Pipeline
    connection: Connection
    state_dataset: str
    source: Source | None = None
    patience: Patience = field(default_factory=Patience)


class Worker:
    """The actor's class. Its own calls to BigQuery go through permits; it holds no other state.

    Computing has a thread, transfers have a few, and what others ask of the worker has threads of its own.
    """

    def __init__(self, setup: WorkerSetup, holder: str, authority: Any) -> None:
        """Connect to BigQuery and to the permit authority."""
        clock = SystemClock()
        self._permits = PermitClient(authority, holder, clock)
        self._metrics = WorkerMetrics(holder)
        self._log = json_lines()  # Ray keeps it as the log of its tasks, and sends the driver nothing of it
        warehouse = setup.connection.open(clock)
        attempts = Attempts(warehouse, self._permits, clock, Random(holder), setup.patience)  # noqa: S311 (jitter)
        self._bench = Bench(setup.pipeline, warehouse, attempts, clock, setup.state_dataset, setup.source)

    def compute(self, step: Step, *tables: pa.Table) -> tuple[StepResult | BackcourtError, pa.Table | None]:
        """Perform a step; errors come back as values, so that only a death raises."""
        return self._perform(step, tables)

    @ray.method(concurrency_group="transfers")
    def transfer(self, step: Step, *tables: pa.Table) -> tuple[StepResult | BackcourtError, pa.Table | None]:
        """The same for a step that mostly waits for BigQuery."""
        return self._perform(step, tables)

    def _perform(self, step: Step, tables: tuple[pa.Table, ...]) -> tuple[StepResult | BackcourtError, pa.Table | None]:
        log = self._log.bind(run=step.run_id, step=str(step))
        log.info("step began")
        result, rows = attempt_step(self._bench, step, tables)
        self._metrics.note(step, result)
        if isinstance(result, BackcourtError):
            log.warning("step failed", error=type(result).__name__, reason=str(result))
        else:
            told = result.telemetry
            log.info("step ended", rows=told.rows, seconds=round(told.seconds, 3))
        return result, rows

    @ray.method(concurrency_group="control")
    def announce(self, old_epoch: str) -> tuple[Permit, ...]:
        """What it holds, for a permit authority that restarted."""
        return self._permits.announce(old_epoch)

    @ray.method(concurrency_group="park")
    def park(self) -> None:
        """Never returns: whoever waits for it learns of this process's death."""
        threading.Event().wait()


def start_worker(setup_reference: Any, holder: str, authority: Any) -> Any:
    """Start one worker. No restarts and no retries: the driver decides what a death means."""
    options = {
        "name": holder,
        "num_cpus": 1,
        "max_restarts": 0,
        "max_task_retries": 0,
    }
    actor: Any = ray.remote
    remote = actor(concurrency_groups={"park": 1, "control": 1, "transfers": TRANSFERS_A_WORKER})(Worker)
    return remote.options(**options).remote(setup_reference, holder, authority)
