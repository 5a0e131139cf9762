"""Looks after the permit authority while a run is alive: enlists workers, notices a restart, leads the recovery.

It also starts the reaper, once the authority answers: before that there is nothing to reap, and the processes that a
run waits for need the cores.

After a restart the authority grants nothing. The warden has every living worker and the driver itself tell what they
hold, tells how the budgets stood, adds the jobs of this start that run at BigQuery and that nobody told of, and only
then lets it grant again.
"""

import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import ray
from ray.exceptions import GetTimeoutError

from backcourt.clock import Clock
from backcourt.errors import BackcourtError
from backcourt.pipeline.processor import Pipeline
from backcourt.warehouse.requests import Kind
from backcourt.warehouse.warehouse import Warehouse
from ray_tasks.allowance import Capped
from ray_tasks.permit_actor import BookState
from ray_tasks.permit_book import Ask, KindState
from ray_tasks.permit_client import PermitClient
from ray_tasks.ray_errors import GONE

LOOK_SECONDS = 0.25
"""Pause between looks at the authority."""
ANSWER_SECONDS = 10.0
"""How long a worker or the authority may take to answer."""


class Warden:
    """One thread of the driver."""

    def __init__(
        self,
        authority: Any,
        client: PermitClient,
        workers: Callable[[], dict[str, Any]],
        warehouse: Warehouse,
        pipeline: Pipeline,
        job_prefix: str,
        clock: Clock,
        start_reaper: Callable[[], Any],
    ) -> None:
        """Take what it looks after.

        Args:
            authority: the permit authority's handle.
            client: the driver's own permits.
            workers: living workers by name, at the time of the call.
            warehouse: asked for jobs that run.
            pipeline: knows the tables that job ids name.
            job_prefix: what every job id of this start begins with.
            clock: time.
            start_reaper: makes the reaper's actor.
        """
        self._authority, self._client, self._workers = authority, client, workers
        self._warehouse, self._pipeline, self._prefix, self._clock = warehouse, pipeline, job_prefix, clock
        self._start_reaper, self._reaper = start_reaper, None
        self._enlisted: set[str] = set()
        self._epoch = ""
        self._kinds: tuple[KindState, ...] = ()
        self._settings: dict[Kind, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_for_ever, name="warden", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more, and end the reaper."""
        self._stop.set()
        if self._reaper is not None:
            ray.kill(self._reaper)

    def kinds(self) -> tuple[KindState, ...]:
        """The permits as they were at the last look."""
        return self._kinds

    def set_limits(self, settings: Mapping[Kind, int]) -> None:
        """Change the budgets of the run while it is alive.

        Raises:
            GONE, GetTimeoutError: the authority does not answer now; try again.
        """
        self._settings = dict(settings)
        self._ask(self._authority.set_limits.remote(self._settings))

    def cap(self, target: Mapping[Kind, int]) -> Capped:
        """Stop granting beyond a smaller share; see ShareLimits.

        Raises:
            GONE, GetTimeoutError: the authority does not answer now; try again.
        """
        capped: Capped = self._ask(self._authority.cap.remote(dict(target)))
        return capped

    def renew_share(self, permits: Mapping[Kind, int], until: float) -> None:
        """Grant within this share; see ShareLimits.

        Raises:
            GONE, GetTimeoutError: the authority does not answer now; try again.
        """
        self._ask(self._authority.renew_share.remote(dict(permits), until))

    def _look_for_ever(self) -> None:
        while not self._stop.is_set():
            with suppress(*GONE, GetTimeoutError, BackcourtError):  # restarting, or not to be asked now
                self.look()
            self._clock.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Enlist new workers and see that there is a reaper; recover an authority that has restarted.

        Raises:
            GONE, GetTimeoutError, BackcourtError: it could not be finished; look again.
        """
        state: BookState = self._ask(self._authority.state.remote())
        self._reaper = self._reaper or self._start_reaper()
        if state.recovering:
            self._recover()
            self._enlisted.clear()
        else:  # what a life that has not recovered says of its budgets is only their beginning
            self._kinds = state.kinds
        self._epoch = state.epoch
        for name, handle in self._workers().items():
            if name not in self._enlisted:
                self._ask(self._authority.enlist.remote(name, handle))
                self._enlisted.add(name)

    def _recover(self) -> None:
        permits = list(self._client.announce(self._epoch))
        told_by = {}
        for name, handle in self._workers().items():
            try:
                permits += self._ask(handle.announce.remote(self._epoch))
                told_by[name] = handle
            except GONE:
                continue  # dead: what it had is found among BigQuery's jobs
        self._ask(self._authority.remember.remote(self._kinds))
        if self._settings:  # it may have been changed since the last look
            self._ask(self._authority.set_limits.remote(self._settings))
        self._ask(self._authority.readmit.remote(tuple(permits)))
        for name, handle in told_by.items():  # who dies from here on is noticed by the authority itself
            self._ask(self._authority.enlist.remote(name, handle))
        told = {p.ask.job_id for p in permits}
        running = (j for j in self._warehouse.unfinished_jobs(self._prefix) if j not in told)
        self._ask(self._authority.adopt_orphans.remote(tuple(self._unclaimed(running))))
        self._ask(self._authority.resume.remote())

    def _unclaimed(self, job_ids: Iterable[str]) -> Iterable[Ask]:
        """Asks for jobs that nobody claims; kind and table are read off the job id.

        Ids of run `r-2` begin with the prefix of start 2 of run `r`, so that the prefix alone proves nothing.
        """
        for job_id in job_ids:
            table = self._table_of(job_id)
            if table or job_id.startswith((f"{self._prefix}event-", f"{self._prefix}outcomes-")):
                yield Ask(uuid.uuid4().hex, kind_of(job_id), "nobody", job_id, table)

    def _table_of(self, job_id: str) -> str:
        rest = job_id.removeprefix(self._prefix)
        return next((p.name for p in self._pipeline.processors if rest.startswith(f"{p.table.name}-")), "")

    def _ask(self, reference: Any) -> Any:
        return ray.get(reference, timeout=ANSWER_SECONDS)


def kind_of(job_id: str) -> Kind:
    """What a job of ours is, by its id (`…-load-1`, `…-commit-2`)."""
    steps = job_id.split("-")
    if "commit" in steps[-2:]:
        return Kind.COMMIT
    return Kind.LOAD if "load" in steps[-2:] else Kind.QUERY
