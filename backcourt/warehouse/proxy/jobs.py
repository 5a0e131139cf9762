"""Jobs as the proxy sees them, and the book of ids that were ever used."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backcourt.warehouse.proxy.statements import JobKind, Statement, kind_of, split

_REMEMBERED = 10_000
_KINDS = {"load": JobKind.LOAD, "copy": JobKind.COPY, "extract": JobKind.EXTRACT}


@dataclass(eq=False)
class Job:
    """A job from its insert on. Times are milliseconds since 1970; `media` is the file that a load brought along.

    `executing` is true while the emulator works on it: from then on a cancel comes too late. `result` is the emulator's
    resource of the finished job, `error` its `errorResult`.
    """

    project: str
    job_id: str
    kind: JobKind
    configuration: dict[str, Any]
    statements: tuple[Statement, ...]
    created: int
    media: Path | None = None
    state: str = "PENDING"
    executing: bool = False
    ended: int = 0
    result: dict[str, Any] = field(default_factory=dict)
    error: dict[str, str] | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None

    @classmethod
    def of(cls, project: str, job_id: str, configuration: dict[str, Any], created: int, media: Path | None) -> "Job":
        """A job out of the configuration that the client sent."""
        statements = split(configuration.get("query", {}).get("query", ""))
        kinds = [kind for key, kind in _KINDS.items() if key in configuration]
        return cls(
            project, job_id, kinds[0] if kinds else kind_of(statements), configuration, statements, created, media
        )

    @property
    def key(self) -> tuple[str, str]:
        """What makes it unique."""
        return self.project, self.job_id

    def finish(self, now: int, result: dict[str, Any] | None = None, error: dict[str, str] | None = None) -> None:
        """End it, with the emulator's resource or with an error; who waits for it goes on."""
        self.state, self.ended, self.executing = "DONE", now, False
        self.result, self.error = result or {}, error
        self.done.set()

    def resource(self) -> dict[str, Any]:
        """The job resource of jobs.get. The configuration is the client's own: the emulator forgets its labels."""
        status: dict[str, Any] = {"state": self.state}
        if self.error:
            status |= {"errorResult": self.error, "errors": [self.error]}
        times = {"creationTime": str(self.created), "startTime": str(self.created)}
        if self.state == "DONE":
            times["endTime"] = str(self.ended)
        return {
            "kind": "bigquery#job",
            "id": f"{self.project}:US.{self.job_id}",
            "jobReference": {"projectId": self.project, "jobId": self.job_id, "location": "US"},
            "configuration": self._configuration(),
            "status": status,
            "statistics": {**self.result.get("statistics", {}), **times},
            "etag": self.result.get("etag", ""),
        }

    def _configuration(self) -> dict[str, Any]:
        target = self.result.get("configuration", {}).get("query", {}).get("destinationTable")
        if not target or "query" not in self.configuration:
            return self.configuration
        return {**self.configuration, "query": {"destinationTable": target, **self.configuration["query"]}}


class JobBook:
    """Every job of this server's life (the last 10,000 of them), and every id ever used, kept in a file."""

    def __init__(self, used_ids: Path | None) -> None:
        self._jobs: dict[tuple[str, str], Job] = {}
        self._file = used_ids
        self._used: set[tuple[str, str]] = set()
        if used_ids and used_ids.exists():
            lines = used_ids.read_text().splitlines()
            self._used = {(project, job_id) for project, _, job_id in (line.partition("\t") for line in lines)}

    def is_used(self, project: str, job_id: str) -> bool:
        """Whether the id was used, by whomever."""
        return (project, job_id) in self._used

    def add(self, job: Job) -> None:
        """Take in a job whose id is not used; the id is on disk before this returns."""
        self._used.add(job.key)
        if self._file:
            with self._file.open("a") as lines:
                lines.write(f"{job.project}\t{job.job_id}\n")
        self._jobs[job.key] = job
        if len(self._jobs) > _REMEMBERED:
            oldest = next(key for key, kept in self._jobs.items() if kept.state == "DONE")
            del self._jobs[oldest]

    def get(self, project: str, job_id: str) -> Job | None:
        """The job, unless it is of an earlier life of the server."""
        return self._jobs.get((project, job_id))

    def of(self, project: str) -> Iterator[Job]:
        """The project's jobs, newest first."""
        return (job for job in reversed(self._jobs.values()) if job.project == project)

    def running(self) -> tuple[Job, ...]:
        """Jobs that have not ended."""
        return tuple(job for job in self._jobs.values() if job.state != "DONE")
