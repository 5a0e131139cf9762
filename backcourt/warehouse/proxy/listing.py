"""jobs.list over the proxy's jobs, which may still run, and the emulator's older ones, which are all done."""

from collections.abc import Mapping
from typing import Any

from multidict import MultiMapping

from backcourt.warehouse.proxy.jobs import JobBook
from backcourt.warehouse.proxy.upstream import Upstream

_OWN_QUERIES = "bqemu_"  # ids that the emulator makes up, here for the proxy's own counting


async def list_jobs(book: JobBook, upstream: Upstream, project: str, query: MultiMapping[str]) -> dict[str, Any]:
    """A page of jobs, newest first; understands stateFilter, minCreationTime, maxResults, pageToken, parentJobId."""
    if "parentJobId" in query:
        return {"kind": "bigquery#jobList", "jobs": []}
    wanted = {state.upper() for state in query.getall("stateFilter", [])}
    listed = [job.resource() for job in book.of(project)]
    if not wanted or "DONE" in wanted:
        known = {job["jobReference"]["jobId"] for job in listed}
        older = await upstream.call("GET", f"/bigquery/v2/projects/{project}/jobs?maxResults=10000")
        listed += [job for job in older.json().get("jobs", []) if _id(job) not in known and not _is_own(job)]
    since = int(query.get("minCreationTime", 0))
    chosen = [job for job in listed if _matches(job, wanted, since)]
    chosen.sort(key=_created, reverse=True)
    return _page(chosen, int(query.get("pageToken", 0)), int(query.get("maxResults", 1000)))


def _page(jobs: list[dict[str, Any]], start: int, size: int) -> dict[str, Any]:
    page = [{**job, "state": job["status"]["state"]} for job in jobs[start : start + size]]
    more = {"nextPageToken": str(start + size)} if start + size < len(jobs) else {}
    return {"kind": "bigquery#jobList", "jobs": page, **more}


def _matches(job: Mapping[str, Any], states: set[str], since: int) -> bool:
    return (not states or job["status"]["state"] in states) and _created(job) >= since


def _id(job: Mapping[str, Any]) -> str:
    return str(job["jobReference"]["jobId"])


def _is_own(job: Mapping[str, Any]) -> bool:
    return _id(job).startswith(_OWN_QUERIES)


def _created(job: Mapping[str, Any]) -> int:
    return int(job["statistics"].get("creationTime", 0))
