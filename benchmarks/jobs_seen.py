"""When BigQuery's jobs began and ended, as the service itself lists them."""

import json
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass

from backcourt.warehouse.endpoint import Endpoint
from backcourt.warehouse.requests import Kind
from ray_tasks.warden import kind_of


@dataclass(frozen=True)
class SeenJob:
    """One job; times are seconds since 1970."""

    job_id: str
    kind: Kind
    began: float
    ended: float


def jobs_seen(endpoint: Endpoint) -> list[SeenJob]:
    """Every job that has ended, oldest first."""
    found: list[SeenJob] = []
    token = "0"
    while token:
        path = f"/bigquery/v2/projects/{endpoint.project}/jobs?stateFilter=done&maxResults=1000&pageToken={token}"
        with urllib.request.urlopen(endpoint.rest + path, timeout=60) as answer:
            page = json.load(answer)
        found += [_seen(job) for job in page.get("jobs", [])]
        token = page.get("nextPageToken", "")
    return sorted(found, key=lambda job: job.began)


def average_in_flight(jobs: Iterable[SeenJob]) -> tuple[float, int, float]:
    """Average and most of the jobs in flight between the first insert and the last end, and those seconds."""
    jobs = list(jobs)
    seconds = max(j.ended for j in jobs) - min(j.began for j in jobs)
    changes = sorted([(j.began, 1) for j in jobs] + [(j.ended, -1) for j in jobs])
    running = most = 0
    for _, change in changes:
        running += change
        most = max(most, running)
    return sum(j.ended - j.began for j in jobs) / seconds, most, seconds


def _seen(job: dict[str, dict[str, str]]) -> SeenJob:
    job_id, times = job["jobReference"]["jobId"], job["statistics"]
    return SeenJob(job_id, kind_of(job_id), int(times["creationTime"]) / 1000, int(times["endTime"]) / 1000)
