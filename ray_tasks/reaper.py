"""What becomes of a dead holder's job: the reaper asks BigQuery until the job has ended, then frees the permit.

A read has no job and its permit returns at once. A query or a load is cancelled and awaited, since it can be repeated.
A commit is awaited and never cancelled: nobody must guess how it ended.
"""

import threading
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import RayError

from backcourt.clock import Clock, SystemClock
from backcourt.errors import BackcourtError
from backcourt.warehouse.connection import Connection
from backcourt.warehouse.requests import JobPhase, Kind
from backcourt.warehouse.warehouse import Warehouse
from ray_tasks.attempts import MISSING_LOOKS
from ray_tasks.permit_actor import BookState
from ray_tasks.permit_book import Permit

LOOK_SECONDS = 0.3
"""Pause between looks at the orphans."""


@dataclass
class Reaping:
    """Decides on orphans, one look at a time; the same for the actor and for tests."""

    warehouse: Warehouse
    cancelled: set[str] = field(default_factory=set)
    missing: dict[str, int] = field(default_factory=dict)

    def has_ended(self, orphan: Permit) -> bool:
        """Whether the orphan's permit may be freed; asks for the end of what may be cancelled.

        Raises:
            BackcourtError: BigQuery could not be asked; look again later.
        """
        job_id = orphan.ask.job_id
        if orphan.ask.kind is Kind.READ or not job_id:
            return True
        state = self.warehouse.job(job_id)
        if state.phase is JobPhase.MISSING:
            self.missing[job_id] = self.missing.get(job_id, 0) + 1
            return self.missing[job_id] >= MISSING_LOOKS
        if state.phase is JobPhase.RUNNING:
            self.missing.pop(job_id, None)
            if orphan.ask.kind is not Kind.COMMIT and job_id not in self.cancelled:
                self.cancelled.add(job_id)
                self.warehouse.cancel(job_id)
            return False
        return True


class Reaper:
    """The actor's class: one thread that looks at the authority's orphans for as long as it lives."""

    def __init__(self, connection: Connection, authority: str, namespace: str) -> None:
        """Start the thread; Ray runs this again after a death, so the looking goes on."""
        self._clock = SystemClock()
        self._reaping = Reaping(connection.open(self._clock))
        self._authority = ray.get_actor(authority, namespace)
        threading.Thread(target=self._look_for_ever, name="reaper", daemon=True).start()

    def _look_for_ever(self) -> None:
        while True:
            look(self._reaping, self._authority, self._clock)


def look(reaping: Reaping, authority: Any, clock: Clock) -> None:
    """One look at every orphan. A dead authority or an unreachable BigQuery is looked at again next time."""
    try:
        state: BookState = ray.get(authority.state.remote(), timeout=10)
        for orphan in state.orphans:
            if reaping.has_ended(orphan):
                ray.get(authority.free_orphan.remote(orphan.id), timeout=10)
    except (RayError, BackcourtError):
        clock.sleep(LOOK_SECONDS)
    clock.sleep(LOOK_SECONDS)


def reaper_actor(connection: Connection, authority: str, namespace: str) -> Any:
    """Start the run's reaper; it finds the authority by its name, so that its restart needs no shipped handle."""
    options = {"name": "reaper", "num_cpus": 0, "max_restarts": -1, "max_task_retries": 0}
    return ray.remote(Reaper).options(**options).remote(connection, authority, namespace)
