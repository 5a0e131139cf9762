"""What becomes of a job after its insert was answered: admission, latency, the emulator's work, the end."""

import asyncio
import re
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from datetime import datetime
from typing import Any

import aiohttp
import pyarrow.parquet as pq

from backcourt.warehouse.proxy.answers import Refused, error_in
from backcourt.warehouse.proxy.counters import Counters
from backcourt.warehouse.proxy.decorators import is_partition, replacing
from backcourt.warehouse.proxy.jobs import Job
from backcourt.warehouse.proxy.limits import Gate
from backcourt.warehouse.proxy.merges import in_parts
from backcourt.warehouse.proxy.race import Race, look
from backcourt.warehouse.proxy.settings import Settings
from backcourt.warehouse.proxy.statements import JobKind
from backcourt.warehouse.proxy.upstream import Upstream

_NO_TABLE = re.compile(r"Catalog Error: Table with name \S+ does not exist")
_STOPPED = {"reason": "stopped", "message": "Job execution was cancelled: User requested cancellation"}


def milliseconds(instant: datetime) -> int:
    """Milliseconds since 1970, as BigQuery dates jobs."""
    return int(instant.timestamp() * 1000)


class Executor:
    """Runs jobs in tasks of their own. `settings` is asked at each step, so that a change acts at once."""

    def __init__(
        self, upstream: Upstream, counters: Counters, settings: Callable[[], Settings], now: Callable[[], datetime]
    ) -> None:
        self._upstream = upstream
        self._counters = counters
        self._settings = settings
        self._now = now
        self.gate = Gate(counters)
        self._race = Race(upstream, self._at_the_emulator)

    def start(self, job: Job, fails_with: str | None = None) -> None:
        """Begin a job; with `fails_with` it ends with that reason and its work is not done."""
        self._counters.job(job.job_id, job.kind, job.statements)
        job.task = asyncio.create_task(self._live(job, fails_with))

    def cancel(self, job: Job) -> None:
        """End a job that waits; one that the emulator works on goes on, as BigQuery's cancel is a request too."""
        if job.task and not job.executing and not job.done.is_set():
            self._finish(job, error=_STOPPED)
            job.task.cancel()

    async def _live(self, job: Job, fails_with: str | None) -> None:
        with self._counters.flight(job.kind):
            try:
                if fails_with:
                    raise Refused(fails_with, f"The job ended with {fails_with} as it was asked to.")
                result = await self._work(job)
                self._finish(job, result=result)
            except Refused as failure:
                self._count_refusal(failure)
                self._finish(job, error=failure.job_error)
            except asyncio.CancelledError:
                self._finish(job, error=_STOPPED)
            except Exception as unforeseen:
                self._finish(job, error={"reason": "internalError", "message": repr(unforeseen)})
                raise
            finally:
                if job.media:
                    job.media.unlink(missing_ok=True)

    def _finish(self, job: Job, result: dict[str, Any] | None = None, error: dict[str, str] | None = None) -> None:
        if not job.done.is_set():
            job.finish(milliseconds(self._now()), result, error)

    def _count_refusal(self, failure: Refused) -> None:
        if "Transaction is aborted" in failure.message:
            self._counters.conflicts += 1
        elif "Too many DML" in failure.message:
            self._counters.rejections[failure.reason] += 1

    async def _work(self, job: Job) -> dict[str, Any]:
        settings = self._settings()
        async with AsyncExitStack() as held:
            await held.enter_async_context(self.gate.admitted(job, settings.limits))
            job.state = "RUNNING"
            if settings.limits and job.kind is JobKind.COMMIT and settings.race is None and not settings.stub:
                seen = await look(self._upstream, job)
                await held.enter_async_context(self.gate.transactions.opened(job, seen.tables))
            await asyncio.sleep(settings.latency.get(job.kind, 0.0))
            if settings.stub:
                return _stubbed(job)
            if settings.race is not None and job.kind is JobKind.COMMIT:
                return await self._race.run(job, settings.race)
            return await self._at_the_emulator(job, None)

    async def _at_the_emulator(self, job: Job, script: str | None) -> dict[str, Any]:
        """Let the emulator run the job, or `script` in its name."""
        async with self._upstream.turn:
            job.executing = True
            configuration = await replacing(self._upstream, job) if is_partition(job) else sent(job, script)
            body = {"jobReference": {"projectId": job.project, "jobId": job.job_id}, "configuration": configuration}
            try:
                reply = await self._upstream.send("POST", f"/bigquery/v2/projects/{job.project}/jobs", body=body)
            except aiohttp.ClientError as broken:
                raise Refused("internalError", f"The local BigQuery broke off: {broken!r}") from broken
        result = reply.json()
        error = result.get("status", {}).get("errorResult") if reply.ok else error_in(result, reply.status)
        if error:
            raise _failure(job, error)
        rows = _rows_loaded(job)
        if rows is not None:
            result["statistics"]["load"] = {**result["statistics"].get("load", {}), "outputRows": str(rows)}
        return dict(result)


def _failure(job: Job, error: dict[str, str]) -> Refused:
    """What the job ends with. The emulator takes a load's missing table for a fault of the file."""
    message = error.get("message", "")
    if job.kind is JobKind.LOAD and _NO_TABLE.search(message):
        table = job.configuration["load"].get("destinationTable", {})
        return Refused("notFound", f"Not found: Table {job.project}:{table.get('datasetId')}.{table.get('tableId')}")
    return Refused(error.get("reason", "internalError"), message)


def sent(job: Job, script: str | None) -> dict[str, Any]:
    """The configuration that the emulator gets; of a commit, or `script` in its name, what it runs in good time."""
    if script is None and job.kind is JobKind.COMMIT:
        script = ";\n".join(part for statement in job.statements for part in in_parts(statement)) + ";"
    if script is not None:
        return {**job.configuration, "query": {**job.configuration["query"], "query": script}}
    if job.media:
        load = {**job.configuration["load"], "sourceUris": [f"file://{job.media}"]}
        return {**job.configuration, "load": load}
    return job.configuration


def _rows_loaded(job: Job) -> int | None:
    """Rows of an uploaded Parquet file: the emulator reports the rows of the whole table."""
    if not job.media or job.configuration["load"].get("sourceFormat") != "PARQUET":
        return None
    with suppress(Exception):
        return int(pq.read_metadata(job.media).num_rows)
    return None


def _stubbed(job: Job) -> dict[str, Any]:
    rows = _rows_loaded(job)
    load = {} if rows is None else {"load": {"outputRows": str(rows)}}
    return {"stub": True, "statistics": {"query": {"totalBytesProcessed": "0", "statementType": "SELECT"}, **load}}
