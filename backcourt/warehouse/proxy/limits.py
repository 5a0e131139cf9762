"""BigQuery's limits, enforced: requests a second, job slots, DML a table, transactions that conflict."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager

from backcourt.warehouse.proxy.answers import Refused
from backcourt.warehouse.proxy.counters import Counters
from backcourt.warehouse.proxy.jobs import Job
from backcourt.warehouse.proxy.settings import Limits
from backcourt.warehouse.proxy.statements import JobKind

_TOO_MANY_REQUESTS = "Exceeded rate limits: too many api requests per user per method for this user_method"
_TOO_MANY_CONCURRENT = "Exceeded rate limits: too many concurrent API requests per user"
_QUEUE_FULL = (
    "Quota exceeded: Your project and region exceeded quota for max number of jobs that can be queued per project."
)


def too_many_dml(table: str, limit: int) -> Refused:
    """What the first statement past the queue of a table ends with."""
    text = "Resources exceeded during query execution: Too many DML statements outstanding against table"
    return Refused("resourcesExceeded", f"{text} {table}, limit is {limit}")


def conflict(project: str, table: str, job_id: str) -> Refused:
    """What a cancelled transaction ends with (bq:troubleshoot-queries; the reason as clients report it)."""
    text = f"Query error: Transaction is aborted due to concurrent update against table {project}:{table}."
    return Refused("invalidQuery", f"{text} Transaction ID: {job_id}")


class RequestRate:
    """Calls of the last second by method, and calls that are open now."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._recent: defaultdict[str, deque[float]] = defaultdict(deque)
        self._open = 0

    @contextmanager
    def counted(self, method: str, limits: Limits | None) -> Iterator[None]:
        """Let a call in.

        Raises:
            Refused: it is one too many.
        """
        if limits:
            self._check(method, limits)
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    def _check(self, method: str, limits: Limits) -> None:
        now, recent = self._monotonic(), self._recent[method]
        while recent and recent[0] <= now - 1.0:
            recent.popleft()
        if len(recent) >= (limits.gets_per_second if method == "jobs.get" else limits.requests_per_second):
            raise Refused("rateLimitExceeded", _TOO_MANY_REQUESTS)
        if self._open >= limits.concurrent_requests:
            raise Refused("rateLimitExceeded", _TOO_MANY_CONCURRENT)
        recent.append(now)


class Lane:
    """So many run, so many queue in order, the next is refused."""

    def __init__(self) -> None:
        self.running = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    def is_full(self, running: int, queued: int) -> bool:
        """Whether the next one would be refused."""
        return self.running >= running and len(self._queue) >= queued

    @asynccontextmanager
    async def held(self, running: int, queued: int, refusal: Refused) -> AsyncIterator[None]:
        """Hold one place, after queueing for it if need be.

        Raises:
            Refused: running places and queue are full.
        """
        if self.is_full(running, queued):
            raise refusal
        if self.running < running and not self._queue:
            self.running += 1
        else:
            await self._wait()
        try:
            yield
        finally:
            self._leave()

    async def _wait(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()
            else:
                self._queue.remove(turn)
            raise

    def _leave(self) -> None:
        self.running -= 1
        if self._queue:
            self.running += 1
            self._queue.popleft().set_result(None)


class Transactions:
    """Open transactions and the tables whose rows each of them changes."""

    def __init__(self) -> None:
        self._open: dict[Job, frozenset[str]] = {}
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def opened(self, job: Job, tables: frozenset[str]) -> AsyncIterator[None]:
        """Keep the job's transaction open while the block lasts.

        Raises:
            Refused: an open one changes rows of one of `tables`.
        """
        taken = frozenset[str]().union(*self._open.values()) & tables
        if taken:
            raise conflict(job.project, min(taken), job.job_id)
        self._open[job] = tables
        try:
            yield
        finally:
            del self._open[job]
            async with self._changed:
                self._changed.notify_all()

    async def until_free(self, table: str) -> None:
        """Wait until no open transaction changes the table: DML outside of transactions waits, it is not cancelled."""
        async with self._changed:
            await self._changed.wait_for(lambda: not any(table in tables for tables in self._open.values()))


class Gate:
    """Lets jobs in as the limits allow."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._slots = Lane()
        self._dml: defaultdict[str, Lane] = defaultdict(Lane)
        self.transactions = Transactions()

    def check_queue(self, kind: JobKind, limits: Limits | None) -> None:
        """Refuse the insert of a query when the project's queue is full; loads need no slot."""
        if limits and kind is not JobKind.LOAD and self._slots.is_full(limits.slots, limits.queued_jobs):
            raise Refused("quotaExceeded", _QUEUE_FULL)

    @asynccontextmanager
    async def admitted(self, job: Job, limits: Limits | None) -> AsyncIterator[None]:
        """Hold what the job needs: a slot, and outside of transactions a place at each table that it changes.

        Raises:
            Refused: the queue of one of its tables is full.
        """
        async with AsyncExitStack() as held:
            if limits and job.kind is not JobKind.COMMIT:
                for table in sorted({s.table for s in job.statements if s.may_change_rows}):
                    refusal = too_many_dml(f"{job.project}:{table}", limits.dml_queued)
                    lane = self._dml[table].held(limits.dml_running, limits.dml_queued, refusal)
                    await held.enter_async_context(lane)
                    await self.transactions.until_free(table)
            if limits and job.kind is not JobKind.LOAD:
                full = Refused("quotaExceeded", _QUEUE_FULL)
                await held.enter_async_context(self._slots.held(limits.slots, limits.queued_jobs, full))
            yield
