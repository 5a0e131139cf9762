"""The permit authority of a run: one named asynchronous Ray actor around a PermitBook. It never calls Google.

It parks a call on every worker: a method that never returns, so that the worker's death comes back as an error within
milliseconds and turns the worker's permits into orphans. The driver needs no watching: actors that it created die with
it, this one included.

When this actor dies, Ray starts it again with an empty book. It then grants nothing until the driver has had every
living worker tell what it holds (`readmit`), has told how the budgets stood (`remember`), has added the jobs that run
at BigQuery and belong to nobody (`adopt_orphans`), and calls `resume`.
"""

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import ActorUnavailableError

from backcourt.clock import SystemClock
from backcourt.warehouse.requests import Kind
from ray_tasks.allowance import Capped
from ray_tasks.permit_book import Ask, KindState, Permit
from ray_tasks.permits import new_book
from ray_tasks.ray_errors import GONE

GRANT_INTERVAL = 0.25
"""Seconds between looks at waiting asks that only time can let through: a limit that grows, a kind that was parked."""


@dataclass(frozen=True)
class BookState:
    """The authority as others see it."""

    epoch: str
    recovering: bool
    kinds: tuple[KindState, ...]
    orphans: tuple[Permit, ...]


class PermitAuthority:
    """The actor's class; `permit_actor` makes the actor."""

    def __init__(self, budgets: Mapping[Kind, int], sharing: bool) -> None:
        """Open the book, empty and recovering after a restart; without a share of a budget that is shared."""
        restarted = ray.get_runtime_context().was_current_actor_reconstructed
        self._clock = SystemClock()
        self._book = new_book(budgets, uuid.uuid4().hex[:12], recovering=restarted, sharing=sharing)
        self._granted: dict[str, asyncio.Future[Permit]] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._ticker: asyncio.Task[None] | None = None

    async def enlist(self, holder: str, handle: Any) -> None:
        """Watch a worker from now on."""
        if holder not in self._watches:
            self._watches[holder] = asyncio.create_task(self._watch(holder, handle))

    async def acquire(self, ask: Ask, patience: float) -> Permit | None:
        """Wait up to `patience` seconds; None when none was granted."""
        if self._ticker is None:
            self._ticker = asyncio.create_task(self._tick())
        future: asyncio.Future[Permit] = asyncio.get_running_loop().create_future()
        self._granted[ask.id] = future
        self._book.ask(ask, self._clock.monotonic())
        self._grant()
        try:
            return await asyncio.wait_for(asyncio.shield(future), patience)
        except TimeoutError:
            self._book.withdraw(ask.id)
            return None
        finally:
            self._granted.pop(ask.id, None)

    @ray.method(max_task_retries=-1)
    async def release(self, permit_id: str) -> None:
        """The permit's call has ended. Nobody waits for the answer, so Ray sends it again where the line breaks."""
        self._book.withdraw(permit_id)
        self._grant()

    async def signal(self, permit: Permit, park_seconds: float) -> None:
        """BigQuery refused the permit's call for a limit."""
        self._book.signal(permit, self._clock.monotonic(), park_seconds)

    async def free_orphan(self, permit_id: str) -> None:
        """The orphan's job has ended."""
        self._book.free_orphan(permit_id)
        self._grant()

    async def readmit(self, permits: tuple[Permit, ...]) -> str:
        """A living holder tells what it holds; answers this life's epoch."""
        self._book.readmit(permits, self._clock.monotonic())
        return self._book.epoch

    async def remember(self, kinds: tuple[KindState, ...]) -> None:
        """The budgets of the former life, as they were last seen."""
        self._book.remember(kinds, self._clock.monotonic())

    async def adopt_orphans(self, asks: tuple[Ask, ...]) -> None:
        """Jobs that run at BigQuery and that nobody told of."""
        self._book.adopt_orphans(asks, self._clock.monotonic())

    async def resume(self) -> None:
        """Every living holder has told."""
        self._book.resume()
        self._grant()

    async def set_limits(self, settings: Mapping[Kind, int]) -> None:
        """Change the budgets of the run while it is alive."""
        self._book.set_limits(settings)
        self._grant()

    async def cap(self, target: Mapping[Kind, int]) -> Capped:
        """Stop granting beyond a smaller share; what is in flight."""
        return self._book.cap(target, self._clock.monotonic())

    async def renew_share(self, permits: Mapping[Kind, int], until: float) -> None:
        """Grant within this share until then, by this actor's clock."""
        self._book.renew_share(permits, until)
        self._grant()

    async def state(self) -> BookState:
        """The book as others see it."""
        book = self._book
        return BookState(book.epoch, book.recovering, book.state(self._clock.monotonic()), tuple(book.orphans.values()))

    async def _watch(self, holder: str, handle: Any) -> None:
        alive = True
        while alive:
            try:
                await handle.park.remote()
            except ActorUnavailableError:  # perhaps only the line is down: ask again
                await asyncio.sleep(1.0)
            except GONE:
                alive = False
        self._book.holder_died(holder)
        self._grant()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(GRANT_INTERVAL)
            self._grant()

    def _grant(self) -> None:
        for permit in self._book.grant(self._clock.monotonic()):
            future = self._granted.get(permit.id)
            if future and not future.done():
                future.set_result(permit)
            else:
                self._book.release(permit.id)


def permit_actor(budgets: Mapping[Kind, int], name: str, namespace: str, *, sharing: bool = False) -> Any:
    """Start the run's authority under its name. Unlimited restarts; a lost call is asked again by the client."""
    options = {
        "name": name,
        "namespace": namespace,
        "num_cpus": 0,
        "max_restarts": -1,
        "max_task_retries": 0,
        "max_concurrency": 10_000,
    }
    return ray.remote(PermitAuthority).options(**options).remote(dict(budgets), sharing)
