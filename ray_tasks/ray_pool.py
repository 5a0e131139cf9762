"""The pool on Ray: a fixed number of worker actors, a dead one replaced by a fresh one.

Ray's own ActorPool leaves dead actors out and never replaces them; such a pool hangs in the end.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import ray
from ray.exceptions import (
    ActorDiedError,
    ActorUnavailableError,
    ObjectLostError,
    OwnerDiedError,
    RayActorError,
    RayError,
)

from backcourt.errors import BackcourtError
from ray_tasks.errors import InputLost, WorkerDied
from ray_tasks.pool import Finished
from ray_tasks.steps import Step


@dataclass
class _Running:
    ticket: int
    step: Step
    worker: str
    rows: Any


@dataclass
class _Workers:
    handles: dict[str, Any] = field(default_factory=dict)
    idle: list[str] = field(default_factory=list)


class RayPool:
    """A bounded pool of actors; every death is followed by a fresh one."""

    def __init__(self, size: int, start: Callable[[str], Any]) -> None:
        """Start the workers.

        Args:
            size: how many; processes are bounded by it, whatever the number of dates or tables.
            start: makes the actor of that name.
        """
        self._start = start
        self._workers = _Workers()
        self._running: dict[Any, _Running] = {}
        self._tickets = count(1)
        self._names = count(1)
        self.deaths = 0
        for _ in range(size):
            self._hire()

    @property
    def free(self) -> int:
        """Idle workers."""
        return len(self._workers.idle)

    @property
    def handles(self) -> dict[str, Any]:
        """Living workers by name."""
        return dict(self._workers.handles)

    def submit(self, step: Step, references: Sequence[object]) -> int:
        """Give the step to an idle worker, under the step's own name in the dashboard."""
        ticket = next(self._tickets)
        name = self._workers.idle.pop()
        method = self._workers.handles[name].step.options(name=str(step), num_returns=2)
        summary, rows = method.remote(step, *references)
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
        for handle in self._workers.handles.values():
            ray.kill(handle)
        self._workers = _Workers()
        self._running.clear()

    def _finish(self, summary: Any) -> Finished:
        running = self._running.pop(summary)
        try:
            result = ray.get(summary)
        except (ActorDiedError, ActorUnavailableError, RayActorError) as death:
            self._replace(running.worker)
            error = WorkerDied(f"Worker {running.worker} died during {running.step}: {_first_line(death)}.")
            return Finished(running.ticket, error=error)
        except (ObjectLostError, OwnerDiedError) as loss:
            self._workers.idle.append(running.worker)
            return Finished(
                running.ticket, error=InputLost(f"An input of {running.step} was lost: {_first_line(loss)}.")
            )
        except RayError as failure:
            self._workers.idle.append(running.worker)
            return Finished(running.ticket, error=WorkerDied(f"{running.step} failed: {_first_line(failure)}."))
        self._workers.idle.append(running.worker)
        if isinstance(result, BackcourtError):
            return Finished(running.ticket, error=result)
        return Finished(running.ticket, result, running.rows)

    def _replace(self, name: str) -> None:
        self.deaths += 1
        handle = self._workers.handles.pop(name, None)
        if handle is not None:
            ray.kill(handle)
        self._hire()

    def _hire(self) -> None:
        name = f"worker-{next(self._names)}"
        handle = self._start(name)
        self._workers.handles[name] = handle
        self._workers.idle.append(name)


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
