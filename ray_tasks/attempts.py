"""One call to BigQuery, as often as it takes: a permit for each attempt, none while waiting for the next.

Three classes of errors, three treatments: Retryable waits a little and goes on under a new job id; a QuotaSignal also
tells the permit authority, which shrinks the budget; anything else is raised. A call whose job may still run keeps its
permit until the job has ended.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from threading import Lock
from typing import TypeVar

import pyarrow as pa

from backcourt.clock import Clock
from backcourt.errors import BackcourtError, QuotaSignal, Retryable
from backcourt.warehouse.errors import JobTimedOut, JobUnresolved, QuotaExceeded, Stopped, TransientError
from backcourt.warehouse.requests import JobPhase, JobRequest, JobResult, Kind, ReadRequest
from backcourt.warehouse.warehouse import Warehouse
from ray_tasks.permit_book import Permit
from ray_tasks.permits import Permits, held

T = TypeVar("T")

RESOLVE_POLL_SECONDS = 1.0
"""Pause between looks at a job that outlived its call."""
MISSING_LOOKS = 4
"""How often in a row BigQuery must not know a job before it counts as never sent: jobs.get may answer 404 for a moment
right after jobs.insert (googleapis/python-bigquery#2134)."""


@dataclass(frozen=True)
class Patience:
    """How often and how long to try again. Seconds; waiting doubles up to `longest`, with jitter.

    `quota_tries` counts refusals for a limit, which are weather: they get many more tries.
    """

    tries: int = 8
    quota_tries: int = 60
    first: float = 0.5
    longest: float = 32.0
    resolve: float = 6 * 3600.0

    def pause(self, number: int, random: Random) -> float:
        """Seconds to wait before the retry of that number, the first being 1."""
        longest: float = min(self.longest, self.first * 2 ** min(number - 1, 20))
        return longest * random.uniform(0.5, 1.0)


@dataclass
class RetryCount:
    """How many attempts were repeated, by class of error, and bytes that BigQuery billed; for metrics and the report.

    What a failed job billed, and one whose answer was lost, is not known here.
    """

    retryable: int = 0
    quota: int = 0
    billed_bytes: int = 0


class Attempts:
    """Runs calls under permits. One for each worker and for the driver; thread-safe but for the counts of retries."""

    def __init__(
        self, warehouse: Warehouse, permits: Permits, clock: Clock, random: Random, patience: Patience
    ) -> None:
        """Take what it works with; `random` only spreads the waiting."""
        self._warehouse, self._permits, self._clock = warehouse, permits, clock
        self._random, self._patience = random, patience
        self.count = RetryCount()
        self._billing = Lock()

    def counting_anew(self) -> "Attempts":
        """The same with a count of its own: for a step that runs beside others."""
        return Attempts(self._warehouse, self._permits, self._clock, self._random, self._patience)

    def run(self, request: JobRequest) -> JobResult:
        """A job, attempt by attempt, each under `<job id>-<n>`.

        Raises:
            BackcourtError: what the last attempt raised.
        """

        def attempt(number: int) -> JobResult:
            this = request.attempt(number)
            with held(self._permits, request.kind, this.job_id, request.table) as permit:
                return self._billed(self._signalled(permit, lambda: self._resolved(this)))

        return self._repeat(attempt)

    def once(self, request: JobRequest) -> JobResult:
        """A job under exactly its own id, not repeated.

        Raises:
            BackcourtError: whatever happened.
        """
        with held(self._permits, request.kind, request.job_id, request.table) as permit:
            return self._billed(self._signalled(permit, lambda: self._resolved(request)))

    def read(self, request: ReadRequest) -> pa.Table:
        """A Storage read under a read permit."""
        return self.reading(str(request.table), lambda: self._warehouse.read(request))

    def reading(self, table: str, call: Callable[[], T]) -> T:
        """Several reads that belong together, under one read permit."""

        def attempt(_: int) -> T:
            with held(self._permits, Kind.READ, table=table) as permit:
                return self._signalled(permit, call)

        return self._repeat(attempt)

    def call(self, call: Callable[[], T]) -> T:
        """A call that is no job and safe to repeat: creating or dropping a table."""
        return self._repeat(lambda _: call())

    def _repeat(self, attempt: Callable[[int], T]) -> T:
        failures = refusals = 0
        while True:
            try:
                return attempt(1 + failures + refusals)
            except BackcourtError as error:
                if isinstance(error, QuotaSignal) and refusals < self._patience.quota_tries:
                    refusals += 1
                    self.count.quota += 1
                elif isinstance(error, Retryable) and failures < self._patience.tries:
                    failures += 1
                    self.count.retryable += 1
                else:
                    raise
                self._clock.sleep(self._patience.pause(failures + refusals, self._random))

    def _billed(self, result: JobResult) -> JobResult:
        with self._billing:
            self.count.billed_bytes += result.bytes_billed
        return result

    def _signalled(self, permit: Permit, call: Callable[[], T]) -> T:
        try:
            return call()
        except BackcourtError as error:
            if isinstance(error, QuotaSignal):
                park = error.park_seconds if isinstance(error, QuotaExceeded) else 0.0
                self._permits.signal(permit, park)
            raise

    def _resolved(self, request: JobRequest) -> JobResult:
        """Run the job; if the call ends before the job does, stay with the job, for it must not run twice."""
        try:
            return self._warehouse.run(request)
        except JobUnresolved as error:
            return self._await_end(request, error)

    def _await_end(self, request: JobRequest, error: JobUnresolved) -> JobResult:
        """Follow a job whose call has ended. A commit is never cancelled; the rest is, since it can be repeated."""
        deadline, denials = self._clock.monotonic() + self._patience.resolve, 0
        if request.kind is not Kind.COMMIT:
            self._best_effort_cancel(request.job_id)
        while self._clock.monotonic() < deadline:
            try:
                state = self._warehouse.job(request.job_id)
            except BackcourtError as failure:
                if not isinstance(failure, (Retryable, QuotaSignal)):
                    raise
                state = None
            if state and state.phase is JobPhase.DONE:
                return self._finished(request)
            if state and state.phase is JobPhase.FAILED:
                raise self._own_stop(request, state.error) or state.error or error
            denials = denials + 1 if state and state.phase is JobPhase.MISSING else 0
            if denials == MISSING_LOOKS:
                raise TransientError(
                    f"Job {request.job_id} never reached BigQuery.", "It is sent again.", job_id=request.job_id
                ) from error
            self._clock.sleep(RESOLVE_POLL_SECONDS)
        raise error

    def _own_stop(self, request: JobRequest, ended_with: Exception | None) -> BackcourtError | None:
        """What to raise for a job that was cancelled here, its call having ended before it: nobody wants it to stop."""
        if request.kind is Kind.COMMIT or not isinstance(ended_with, Stopped):
            return None
        what = f"Job {request.job_id} had not ended when its call did (its limit is {request.timeout:.0f} s)."
        return JobTimedOut(what, "It is sent again.", job_id=request.job_id)

    def _finished(self, request: JobRequest) -> JobResult:
        """The result of a job that is done: a query's rows come by asking again under its id, which adopts it."""
        if request.kind is not Kind.QUERY:
            return JobResult(request.job_id, adopted=True)
        try:
            return self._warehouse.run(request)
        except JobUnresolved as error:
            raise TransientError(
                f"Job {request.job_id} is done, but its rows cannot be fetched.", "It is sent again.", **error.fields
            ) from error

    def _best_effort_cancel(self, job_id: str) -> None:
        try:
            self._warehouse.cancel(job_id)
        except BackcourtError as failure:
            if not isinstance(failure, (Retryable, QuotaSignal)):
                raise
