"""The REST side: jobs are the proxy's own, everything else is passed on.

A job is asynchronous here as at BigQuery and unlike at bqemulator: its insert is answered at once, it is RUNNING
until it is done, cancel works, an id is used once.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiohttp import web
from pydantic import ValidationError

from backcourt.warehouse.proxy.answers import Refused, error_body, status_of
from backcourt.warehouse.proxy.behaviour import Behaviour
from backcourt.warehouse.proxy.counters import Counters
from backcourt.warehouse.proxy.execution import Executor, milliseconds
from backcourt.warehouse.proxy.jobs import Job, JobBook
from backcourt.warehouse.proxy.limits import RequestRate
from backcourt.warehouse.proxy.listing import list_jobs
from backcourt.warehouse.proxy.methods import method_name
from backcourt.warehouse.proxy.settings import Method
from backcourt.warehouse.proxy.statements import JobKind
from backcourt.warehouse.proxy.uploads import Uploads
from backcourt.warehouse.proxy.upstream import Reply, Upstream

_LARGEST_BODY = 2 * 1024**3
_LONGEST_WAIT = 60.0
_TABLES = "/bigquery/v2/projects/{project}/datasets/{dataset}/tables"
_NOT_CONFIGURATION = frozenset(
    {
        "kind",
        "maxResults",
        "timeoutMs",
        "requestId",
        "location",
        "formatOptions",
        "jobCreationMode",
        "labels",
        "jobTimeoutMs",
    }
)
Work = Callable[[str | None], Awaitable[web.StreamResponse]]


class Rest:
    """The handlers of the REST interface and of the proxy's own `/_backcourt/…`."""

    def __init__(
        self,
        upstream: Upstream,
        book: JobBook,
        executor: Executor,
        counters: Counters,
        uploads: Uploads,
        behaviour: Behaviour,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._upstream = upstream
        self._book = book
        self._executor = executor
        self._counters = counters
        self._uploads = uploads
        self._behaviour = behaviour
        self._now = now
        self._rate = RequestRate(monotonic)

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=_LARGEST_BODY, middlewares=[self._counted])
        jobs, queries = "/bigquery/v2/projects/{project}/jobs", "/bigquery/v2/projects/{project}/queries"
        app.add_routes(
            [
                web.get("/_backcourt/counters", self._show_counters),
                web.post("/_backcourt/reset", self._reset),
                web.post("/_backcourt/settings", self._change_settings),
                web.post(jobs, self._insert),
                web.get(jobs, self._list),
                web.get(jobs + "/{job}", self._get),
                web.post(jobs + "/{job}/cancel", self._cancel),
                web.post(queries, self._query),
                web.get(queries + "/{job}", self._results),
                web.post("/upload" + jobs, self._upload),
                web.put("/upload" + jobs, self._upload_chunk),
                web.post(_TABLES, self._create),
                web.delete(_TABLES + "/{table}", self._drop),
                web.route("*", "/{path:.*}", self._pass_on),
            ]
        )
        return app

    @web.middleware
    async def _counted(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.path.startswith("/_backcourt/"):
            return await handler(request)
        method = method_name(request.method, request.path)
        self._counters.request(method)
        try:
            with self._rate.counted(method, self._behaviour.settings.limits):
                return await handler(request)
        except Refused as refusal:
            if refusal.reason in ("rateLimitExceeded", "quotaExceeded"):
                self._counters.rejections[refusal.reason] += 1
            return _refusal(refusal)

    async def _show_counters(self, _: web.Request) -> web.Response:
        return web.json_response(self._counters.as_json())

    async def _reset(self, _: web.Request) -> web.Response:
        self._counters.reset()
        return web.json_response({})

    async def _change_settings(self, request: web.Request) -> web.Response:
        try:
            self._behaviour.change(await request.json())
        except ValidationError as problem:
            return _refusal(Refused("invalid", str(problem)))
        return web.json_response(self._behaviour.settings.model_dump(mode="json"))

    async def _insert(self, request: web.Request) -> web.StreamResponse:
        resource = await request.json()
        if resource.get("configuration", {}).get("dryRun"):
            return _passed(await self._upstream.call("POST", request.raw_path, body=resource))
        return await self._insert_job(request, "insert", resource, None)

    async def _insert_job(
        self, request: web.Request, method: Method, resource: dict[str, Any], media: Path | None
    ) -> web.StreamResponse:
        job_id = resource.get("jobReference", {}).get("jobId") or f"backcourt_{uuid4().hex}"
        job = self._job(request.match_info["project"], job_id, resource.get("configuration", {}), media)

        async def work(fails_with: str | None) -> web.StreamResponse:
            await self._accept(job, fails_with)
            return web.json_response(job.resource())

        try:
            return await self._faulty(request, method, job.kind, job_id, work)
        finally:
            if media and job.task is None:
                media.unlink(missing_ok=True)

    def _job(self, project: str, job_id: str, configuration: dict[str, Any], media: Path | None) -> Job:
        return Job.of(project, job_id, configuration, milliseconds(self._now()), media)

    async def _accept(self, job: Job, fails_with: str | None) -> None:
        if self._book.is_used(job.project, job.job_id):
            raise Refused("duplicate", f"Already Exists: Job {job.project}:US.{job.job_id}")
        self._executor.gate.check_queue(job.kind, self._behaviour.settings.limits)
        self._book.add(job)
        if job.media:
            self._counters.bytes_loaded += job.media.stat().st_size
        self._executor.start(job, fails_with)
        await asyncio.sleep(0)  # the job takes its first step, so that one that need not queue is answered as RUNNING

    async def _query(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if body.get("dryRun"):
            return _passed(await self._upstream.call("POST", request.raw_path, body=body))
        query = {name: value for name, value in body.items() if name not in _NOT_CONFIGURATION}
        configuration = {"query": query, "labels": body.get("labels", {})}
        job = self._job(request.match_info["project"], f"backcourt_{uuid4().hex}", configuration, None)

        async def work(fails_with: str | None) -> web.StreamResponse:
            await self._accept(job, fails_with)
            return await self._results_of(
                job, body.get("timeoutMs", 10_000), f"?maxResults={body.get('maxResults', 10_000)}"
            )

        return await self._faulty(request, "insert", job.kind, job.job_id, work)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        job = self._find(request)

        async def work(_: str | None) -> web.StreamResponse:
            return web.json_response(job.resource()) if job else await self._pass_on(request)

        return await self._faulty(request, "get", job.kind if job else None, request.match_info["job"], work)

    async def _create(self, request: web.Request) -> web.StreamResponse:
        reference = (await request.json()).get("tableReference", {})

        async def work(_: str | None) -> web.StreamResponse:
            return await self._pass_on(request)

        return await self._faulty(request, "create", None, reference.get("tableId", ""), work)

    async def _drop(self, request: web.Request) -> web.StreamResponse:
        async def work(_: str | None) -> web.StreamResponse:
            return await self._pass_on(request)

        return await self._faulty(request, "drop", None, request.match_info["table"], work)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        async def work(_: str | None) -> web.StreamResponse:
            project = request.match_info["project"]
            return web.json_response(await list_jobs(self._book, self._upstream, project, request.query))

        return await self._faulty(request, "list", None, "", work)

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        job = self._find(request)

        async def work(_: str | None) -> web.StreamResponse:
            if job is None:
                return await self._pass_on(request)
            self._executor.cancel(job)
            return web.json_response({"kind": "bigquery#jobCancelResponse", "job": job.resource()})

        return await self._faulty(request, "cancel", job.kind if job else None, request.match_info["job"], work)

    async def _results(self, request: web.Request) -> web.StreamResponse:
        job = self._find(request)

        async def work(_: str | None) -> web.StreamResponse:
            if job is None:
                return await self._earlier_results(request)
            pages = {name: value for name, value in request.query.items() if name != "timeoutMs"}
            query_string = request.rel_url.with_query(pages).raw_query_string
            return await self._results_of(job, request.query.get("timeoutMs", 10_000), f"?{query_string}")

        return await self._faulty(request, "results", job.kind if job else None, request.match_info["job"], work)

    async def _earlier_results(self, request: web.Request) -> web.Response:
        """Results of a job of the server's earlier life: it is known, but its rows were in memory."""
        answer = await self._pass_on(request)
        project, job_id = request.match_info["project"], request.match_info["job"]
        earlier = (await self._upstream.call("GET", f"/bigquery/v2/projects/{project}/jobs/{job_id}")).json()
        if answer.status != 404 or "status" not in earlier:
            return answer
        error = earlier["status"].get("errorResult")
        if error:
            raise Refused(error["reason"], error["message"])
        if earlier["statistics"].get("query", {}).get("statementType") == "SELECT":
            return answer
        return web.json_response(_complete(earlier["jobReference"]))

    async def _results_of(self, job: Job, timeout_ms: str | int, query_string: str) -> web.Response:
        """Rows of a job once it is done; after the client's timeout an answer that it is not."""
        with suppress(TimeoutError):
            await asyncio.wait_for(job.done.wait(), min(int(timeout_ms) / 1000, _LONGEST_WAIT))
        reference = {"projectId": job.project, "jobId": job.job_id, "location": "US"}
        answer: dict[str, Any] = {"kind": "bigquery#queryResponse", "jobReference": reference, "jobComplete": False}
        if not job.done.is_set():
            return web.json_response(answer)
        if job.error:
            raise Refused(job.error["reason"], job.error["message"])
        if job.result.get("stub"):
            return web.json_response(_complete(reference))
        # The emulator keeps results in memory and touches no table here: no turn is needed.
        return _passed(
            await self._upstream.send("GET", f"/bigquery/v2/projects/{job.project}/queries/{job.job_id}{query_string}")
        )

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.query.get("uploadType") == "multipart":
            resource, media = self._uploads.whole(request.headers.get("content-type", ""), body)
            return await self._insert_job(request, "upload", resource, media)
        resource = json.loads(body)
        project, job_id = request.match_info["project"], resource.get("jobReference", {}).get("jobId", "")
        if self._book.is_used(project, job_id):
            raise Refused("duplicate", f"Already Exists: Job {project}:US.{job_id}")
        session = self._uploads.begin(project, resource)
        here = f"http://{request.host}{request.path}?uploadType=resumable&upload_id={session.upload_id}"
        return web.Response(headers={"Location": here, "X-GUploader-UploadID": session.upload_id})

    async def _upload_chunk(self, request: web.Request) -> web.StreamResponse:
        session = self._uploads.session(request.query.get("upload_id", ""))
        if not session.job_id:
            whole = session.append(request.headers.get("content-range", ""), await request.read())
            if not whole:
                received = {"Range": f"bytes=0-{session.received - 1}"} if session.received else {}
                return web.Response(status=308, headers=received)
            session.job_id = session.resource.setdefault("jobReference", {}).setdefault(
                "jobId", f"backcourt_{uuid4().hex}"
            )
            return await self._insert_job(request, "upload", session.resource, session.file)
        job = self._book.get(session.project, session.job_id)
        if job is None:
            raise Refused("notFound", f"Not found: Job {session.project}:US.{session.job_id}")
        return web.json_response(job.resource())

    async def _pass_on(self, request: web.Request) -> web.Response:
        data = await request.read() if request.body_exists else None
        return _passed(await self._upstream.call(request.method, request.raw_path, data=data, headers=request.headers))

    def _find(self, request: web.Request) -> Job | None:
        return self._book.get(request.match_info["project"], request.match_info["job"])

    async def _faulty(
        self, request: web.Request, method: Method, kind: JobKind | None, job_id: str, work: Work
    ) -> web.StreamResponse:
        """Do the work of a call, or let it go wrong as planned."""
        fault = self._behaviour.faults.draw(method, kind, job_id)
        if fault is None:
            return await work(None)
        self._counters.faults[fault.mode] += 1
        if fault.mode == "job_error":
            return await work(fault.reason)
        if fault.mode == "error":
            raise Refused(fault.reason, f"The proxy answers {fault.reason}, as it was asked to.")
        if fault.mode == "delay":
            await asyncio.sleep(fault.seconds)
            return await work(None)
        if fault.mode in ("after", "reset_after"):
            await work(None)
        if fault.mode in ("before", "after"):
            raise Refused("backendError", "The proxy answers 503, as it was asked to.")
        if request.transport:
            request.transport.abort()
        return web.Response()


def _passed(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, body=reply.body, headers={"content-type": reply.content_type})


def _complete(reference: dict[str, str]) -> dict[str, Any]:
    """The answer of a job that is done and has no rows."""
    empty = {"schema": {"fields": []}, "rows": [], "totalRows": "0", "totalBytesProcessed": "0"}
    return {"kind": "bigquery#queryResponse", "jobReference": reference, "jobComplete": True, **empty}


def _refusal(refusal: Refused) -> web.Response:
    return web.json_response(error_body(refusal.reason, refusal.message), status=status_of(refusal.reason))
