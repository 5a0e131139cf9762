"""The pool on Ray: a fixed number of worker actors, a dead one replaced by a fresh one.

Each worker computes one step at a time and beside it reads and stages up to TRANSFERS_A_WORKER others.

Ray's own ActorPool leaves dead actors out and never replaces them; such a pool hangs in the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import ray
from ray.exceptions import ObjectLostError, OwnerDiedError, RayError

from backcourt.errors import BackcourtError
from ray_tasks.errors import Bystander, InputLost, WorkerDied
from ray_tasks.pool import TRANSFERS_A_WORKER, Finished
from ray_tasks.ray_errors import GONE
from ray_tasks.steps import ComputeStep, Step


@dataclass
class _Running:
    """A step under way; a `bystander` once its worker is known to have died while computing something else."""

    ticket: int
    step: Step
    worker: str
    rows: Any
    bystander: bool = False


@dataclass
class _Worker:
    """What is known of one; `up` once it has done something."""

    handle: Any
    computing: int = 0
    transferring: int = 0
    up: bool = False

    def count(self, step: Step, change: int) -> None:
        if isinstance(step, ComputeStep):
            self.computing += change
        else:
            self.transferring += change

    def can_take(self, step: Step) -> bool:
        return self.computing == 0 if isinstance(step, ComputeStep) else self.transferring < TRANSFERS_A_WORKER

    @property
    def load(self) -> tuple[bool, int]:
        """The least goes first: workers that are up, among them those with the least to do."""
        return not self.up, self.computing + self.transferring


class RayPool:
    """A bounded pool of actors; every death is followed by a fresh one."""

    def __init__(self, size: int, start: Callable[[str], Any]) -> None:
        """Start the workers.

        Args:
            size: how many; processes are bounded by it, whatever the number of dates or tables.
            start: makes the actor of that name.
        """
        self._start = start
        self._workers: dict[str, _Worker] = {}
        self._running: dict[Any, _Running] = {}
        self._tickets = count(1)
        self._names = count(1)
        self.deaths = 0
        for _ in range(size):
            self._hire()

    @property
    def free_to_compute(self) -> int:
        """Workers that compute nothing."""
        return sum(worker.computing == 0 for worker in self._workers.values())

    @property
    def free_to_transfer(self) -> int:
        """Threads of workers that neither read nor stage."""
        return sum(TRANSFERS_A_WORKER - worker.transferring for worker in self._workers.values())

    @property
    def handles(self) -> dict[str, Any]:
        """Living workers by name."""
        return {name: worker.handle for name, worker in self._workers.items()}

    def submit(self, step: Step, references: Sequence[object]) -> int:
        """Give the step to the worker with the least to do.

        Tasks of a sort on a table share a name: the dashboard shows their progress as one bar, and Ray's metrics keep
        some 7 kB of the driver's memory for each name that they ever saw (measured with Ray 2.60, November 2026).
        """
        ticket = next(self._tickets)
        name, worker = min(
            ((n, w) for n, w in self._workers.items() if w.can_take(step)), key=lambda named: named[1].load
        )
        method = worker.handle.compute if isinstance(step, ComputeStep) else worker.handle.transfer
        summary, rows = method.options(name=step.task_name, num_returns=2).remote(step, *references)
        worker.count(step, +1)
        self._running[summary] = _Running(ticket, step, name, rows)
        return ticket

    def wait(self, timeout: float) -> list[Finished]:
        """Steps that have ended, with dead workers replaced."""
        if not self._running:
            return []
        ready, _ = ray.wait(list(self._running), num_returns=1, timeout=timeout, fetch_local=True)
        if ready:
            ready, _ = ray.wait(list(self._running), num_returns=len(self._running), timeout=0)
        return [self._finish(summary) for summary in ready]

    def describe(self) -> list[str]:
        """What runs now and where."""
        return [f"{r.step} on {r.worker}" for r in self._running.values()]

    def close(self) -> None:
        """Kill every worker; what their permits were for is the reaper's."""
        for worker in self._workers.values():
            ray.kill(worker.handle)
        self._workers.clear()
        self._running.clear()

    def _finish(self, summary: Any) -> Finished:
        running = self._running.pop(summary)
        try:
            result = ray.get(summary)
        except GONE as death:
            self._replace(running)
            what = f"Worker {running.worker} died during {running.step}: {_first_line(death)}."
            return Finished(running.ticket, error=Bystander(what) if running.bystander else WorkerDied(what))
        except (ObjectLostError, OwnerDiedError) as loss:
            self._release(running)
            return Finished(
                running.ticket, error=InputLost(f"An input of {running.step} was lost: {_first_line(loss)}.")
            )
        except RayError as failure:
            self._release(running)
            return Finished(running.ticket, error=WorkerDied(f"{running.step} failed: {_first_line(failure)}."))
        self._release(running)
        if isinstance(result, BackcourtError):
            return Finished(running.ticket, error=result)
        return Finished(running.ticket, result, running.rows)

    def _release(self, running: _Running) -> None:
        if worker := self._workers.get(running.worker):
            worker.count(running.step, -1)
            worker.up = True

    def _replace(self, running: _Running) -> None:
        """Replace the step's worker, unless another of its steps told of the death before."""
        dead = self._workers.pop(running.worker, None)
        if dead is None:
            return
        self.deaths += 1
        for other in (running, *(r for r in self._running.values() if r.worker == running.worker)):
            other.bystander = dead.computing > 0 and not isinstance(other.step, ComputeStep)
        ray.kill(dead.handle)
        self._hire()

    def _hire(self) -> None:
        name = f"worker-{next(self._names)}"
        self._workers[name] = _Worker(self._start(name))


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
