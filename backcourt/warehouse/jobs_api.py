"""One BigQuery job from its request to its result, at most once.

The problem: the answer to an insert can be lost (a reset, a timeout, a 5xx), and then nobody knows whether the job
runs. Sending the work again under another id could do it twice. So the id is chosen before the call and never changes
here: after a lost answer the job is looked up by its id and, if found, adopted; if the service has not heard of it, the
same request is sent under the same id, which BigQuery accepts at most once. A 409 says that an earlier insert got
through. Only a job that is known to have failed is reported as failed; when the time is up the call raises
JobUnresolved, and the caller keeps the permit until `job()` knows more.

The clients' own retries are off everywhere: they would run under new ids, and hold a permit while they wait.
"""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import repeat
from typing import Any

import pyarrow.parquet as pq
from google.api_core.exceptions import Conflict
from google.api_core.exceptions import NotFound as HttpNotFound

from backcourt.clock import Clock
from backcourt.warehouse import errors, names
from backcourt.warehouse.errors import JobUnresolved, TransientError, Unreachable
from backcourt.warehouse.foreign_errors import (
    FOREIGN_ERRORS,
    About,
    answered,
    outcome_unknown,
    raised,
    translated,
)
from backcourt.warehouse.google_clients import bigquery
from backcourt.warehouse.names import Names
from backcourt.warehouse.polling import LoadTimes, pauses
from backcourt.warehouse.requests import JobPhase, JobRequest, JobResult, JobState, Kind, TableRef
from backcourt.warehouse.tables_api import schema_fields

Job = Any
"""A job of the Google client: QueryJob, LoadJob or, for an id that we do not know, another kind."""

NO_RETRY: Any = None
"""Turns the client's retries off; its annotations do not know that None is allowed."""
SENDS = 3
"""How often a request whose answer was lost, and whose job the service does not know, is sent under its id."""
LOOKUP_PAUSES = (0.1, 0.2, 0.4, 0.6, 0.8)
"""Seconds between look-ups that answer 404: after a 409 jobs.get may not know the job yet (python-bigquery#2134)."""
LISTED_DAYS = 3
"""How far back unfinished jobs are listed; a script ends after 24 hours (Quotas, read 2026-11)."""


@dataclass(frozen=True)
class JobSettings:
    """What holds for every job.

    `location` is where the datasets are (None lets BigQuery guess: enough for US and EU only). `priority` of queries
    is INTERACTIVE or BATCH. `call_timeout` bounds each request in seconds.
    """

    location: str | None = None
    priority: str = "INTERACTIVE"
    maximum_bytes_billed: int | None = None
    call_timeout: float = 60.0


class Jobs:
    """The job calls of the port, over a Google client."""

    def __init__(self, client: bigquery.Client, names: Names, clock: Clock, settings: JobSettings) -> None:
        self._client = client
        self._names = names
        self._clock = clock
        self._settings = settings
        self._loads = LoadTimes()

    def run(self, request: JobRequest) -> JobResult:
        """See `Warehouse.run`."""
        about = _about(request)
        deadline = self._clock.monotonic() + request.timeout
        send = self._load if request.kind is Kind.LOAD else self._query
        job, adopted = self._insert(lambda: send(request), request.job_id, about, deadline)
        job = self._ended(job, about, deadline, self._loads.pauses() if request.kind is Kind.LOAD else pauses())
        if request.kind is Kind.LOAD and job.created and job.ended:
            self._loads.took((job.ended - job.created).total_seconds())
        if job.error_result:
            raise _failure(job, about)
        return self._result(job, request, about, adopted=adopted)

    def state(self, job_id: str) -> JobState:
        """See `Warehouse.job`."""
        about = About(f"Looking up job {job_id}", job_id)
        try:
            job = self._get(job_id)
        except HttpNotFound:
            return JobState(job_id, JobPhase.MISSING)
        except FOREIGN_ERRORS as exc:
            raise translated(exc, about) from exc
        if job.state != "DONE":
            return JobState(job_id, JobPhase.RUNNING)
        if job.error_result:
            return JobState(job_id, JobPhase.FAILED, _failure(job, About(f"Job {job_id}", job_id)))
        return JobState(job_id, JobPhase.DONE)

    def cancel(self, job_id: str) -> None:
        """See `Warehouse.cancel`."""
        try:
            self._client.cancel_job(
                job_id, location=self._settings.location, retry=NO_RETRY, timeout=self._settings.call_timeout
            )
        except HttpNotFound:
            return
        except FOREIGN_ERRORS as exc:
            raise translated(exc, About(f"Cancelling job {job_id}", job_id)) from exc

    def unfinished(self, prefix: str) -> tuple[str, ...]:
        """See `Warehouse.unfinished_jobs`."""
        since = self._clock.now() - timedelta(days=LISTED_DAYS)
        try:
            found = {
                job.job_id
                for state in ("pending", "running")
                for job in self._client.list_jobs(
                    state_filter=state, min_creation_time=since, retry=NO_RETRY, timeout=self._settings.call_timeout
                )
                if job.job_id.startswith(prefix)
            }
        except FOREIGN_ERRORS as exc:
            raise translated(exc, About(f"Listing the jobs {prefix}*")) from exc
        return tuple(sorted(found))

    def _insert(self, send: Callable[[], Job], job_id: str, about: About, deadline: float) -> tuple[Job, bool]:
        """The job, and whether it was found instead of created."""
        for last in (*repeat(False, SENDS - 1), True):
            try:
                return send(), False
            except Conflict as exc:
                if found := self._found(job_id, about, deadline):
                    return found, True
                raise _unresolved(about, "its id is taken, but no job of that id is found") from exc
            except FOREIGN_ERRORS as exc:
                if not outcome_unknown(exc):
                    raise translated(exc, about) from exc
                if found := self._found(job_id, about, deadline):
                    return found, True
                if last:
                    raise translated(exc, about) from exc
        raise AssertionError("the last send returns or raises")

    def _found(self, job_id: str, about: About, deadline: float, location: str | None = None) -> Job | None:
        """The job of that id; None once the service has denied it several times over about two seconds.

        Raises:
            JobUnresolved: the service gave no answer before the deadline.
        """
        denials = iter(LOOKUP_PAUSES)
        for pause in pauses():
            wait: float | None = pause
            try:
                return self._get(job_id, location)
            except HttpNotFound:
                wait = next(denials, None)
            except FOREIGN_ERRORS as exc:
                self._pass_over(exc, about, deadline)
            if wait is None:
                return None
            self._clock.sleep(wait)
        raise AssertionError("the pauses are endless")

    def _ended(self, job: Job, about: About, deadline: float, looks: Iterator[float]) -> Job:
        """The job once it is DONE.

        Raises:
            JobUnresolved: the deadline passed, or the service no longer knows the job.
        """
        for pause in looks:
            if job.state == "DONE":
                return job
            if self._clock.monotonic() >= deadline:
                raise _unresolved(about, "it has not ended in time")
            if self._awaited(job, deadline):
                continue
            self._clock.sleep(pause)
            found = self._found(job.job_id, about, deadline, job.location)
            if found is None:
                raise _unresolved(about, "the service no longer knows it")
            job = found
        raise AssertionError("the pauses are endless")

    def _awaited(self, job: Job, deadline: float) -> bool:
        """Whether a query has ended while its results were asked for: that call hangs until the end, for 10 s at most.

        It only saves waiting. How the job ended is read off the job; a call that went wrong is followed by a look.
        """
        if isinstance(job, bigquery.QueryJob):
            patience = max(1.0, min(self._settings.call_timeout, deadline - self._clock.monotonic()))
            with suppress(*FOREIGN_ERRORS, FutureTimeout):
                job.result(max_results=0, retry=NO_RETRY, job_retry=NO_RETRY, timeout=patience)
        return bool(job.state == "DONE")

    def _pass_over(self, error: Exception, about: About, deadline: float) -> None:
        """Let weather pass while polling, until the deadline; anything else leaves the job unresolved."""
        ours = translated(error, about)
        weather = (TransientError, Unreachable, errors.RateLimited, errors.QuotaExceeded)
        if not isinstance(ours, weather) or self._clock.monotonic() >= deadline:
            raise _unresolved(about, f"it cannot be looked up ({ours.what})") from error

    def _get(self, job_id: str, location: str | None = None) -> Job:
        where = location or self._settings.location
        return self._client.get_job(job_id, location=where, retry=NO_RETRY, timeout=self._settings.call_timeout)

    def _query(self, request: JobRequest) -> Job:
        config = bigquery.QueryJobConfig(
            use_legacy_sql=False, priority=self._settings.priority, labels=_labels(request)
        )
        config.query_parameters = [_parameter(p.name, p.type, p.value) for p in request.parameters]
        if request.kind is Kind.QUERY and self._settings.maximum_bytes_billed:
            config.maximum_bytes_billed = self._settings.maximum_bytes_billed
        return self._client.query(
            request.sql,
            job_id=names.job_id(request.job_id),
            job_config=config,
            location=self._settings.location,
            retry=NO_RETRY,
            job_retry=None,
            timeout=min(self._settings.call_timeout, request.timeout),
        )

    def _load(self, request: JobRequest) -> Job:
        parquet = bigquery.ParquetOptions()
        parquet.enable_list_inference = True
        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.PARQUET,
            schema=schema_fields(request.columns),
            write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
            create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
            labels=_labels(request),
            parquet_options=parquet,
        )
        buffer = io.BytesIO()
        pq.write_table(request.rows, buffer)
        size = buffer.tell()
        return self._client.load_table_from_file(
            buffer,
            self._names.full(request.destination or TableRef("", "")),
            rewind=True,
            size=size,
            job_id=names.job_id(request.job_id),
            job_config=config,
            location=self._settings.location,
            num_retries=0,
            timeout=min(self._settings.call_timeout, request.timeout),
        )

    def _result(self, job: Job, request: JobRequest, about: About, *, adopted: bool) -> JobResult:
        if request.kind is Kind.LOAD:
            return self._loaded(job, request, about, adopted=adopted)
        rows: tuple[dict[str, Any], ...] = ()
        if request.kind is Kind.QUERY and _has_rows(job):
            try:
                answer = job.result(retry=NO_RETRY, job_retry=NO_RETRY, timeout=self._settings.call_timeout)
                names = [field.name for field in answer.schema]  # Row.items copies each value deeply
                rows = tuple(dict(zip(names, row, strict=True)) for row in answer)
            except HttpNotFound as exc:  # its tables were there; a local BigQuery that died forgets its jobs
                raise raised(TransientError, f"{about.what} has ended, but its rows are gone.", about) from exc
            except FOREIGN_ERRORS as exc:
                raise translated(exc, about) from exc
        return JobResult(
            request.job_id,
            rows=rows,
            output_rows=job.num_dml_affected_rows,
            bytes_processed=job.total_bytes_processed or 0,
            bytes_billed=job.total_bytes_billed or 0,
            adopted=adopted,
        )

    def _loaded(self, job: Job, request: JobRequest, about: About, *, adopted: bool) -> JobResult:
        """Compare what was sent with what was written: a load can end green without all its rows (beam#22961)."""
        sent = request.rows.num_rows if request.rows is not None else 0
        if job.output_rows != sent:
            what = f"{about.what} wrote {job.output_rows} of {sent} rows."
            raise raised(errors.StagingMismatch, what, about)
        return JobResult(request.job_id, output_rows=sent, adopted=adopted)


def _about(request: JobRequest) -> About:
    days = f", {min(request.dates)} to {max(request.dates)}" if request.dates else ""
    what = f"Job {request.job_id} ({request.kind} of {request.table}{days})"
    return About(what, request.job_id, request.table, request.dates)


def _has_rows(job: Job) -> bool:
    """Whether the query answers with rows; to ask after a write could only lose the knowledge that it is done."""
    return job.num_dml_affected_rows is None and job.statement_type in ("SELECT", None)


def _failure(job: Job, about: About) -> errors.WarehouseError:
    result = job.error_result
    return answered(result.get("reason", ""), result.get("message", ""), about)


def _unresolved(about: About, why: str) -> errors.WarehouseError:
    return raised(JobUnresolved, f"{about.what} is unresolved: {why}.", about)


def _labels(request: JobRequest) -> dict[str, str]:
    return {"app": "backcourt", "run": names.label(request.run_id), "table": names.label(request.table)}


def _parameter(name: str, kind: str, value: Any) -> bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter:
    if isinstance(value, tuple):
        return bigquery.ArrayQueryParameter(name, kind, list(value))
    return bigquery.ScalarQueryParameter(name, kind, value)
