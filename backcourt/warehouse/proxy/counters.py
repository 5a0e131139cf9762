"""What clients did, counted, for tests and benchmarks."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from backcourt.warehouse.proxy.statements import JobKind, Statement

_JOBS_LISTED = 1000


class Counters:
    """Counts since the start or the last reset; `in_flight` is the present and survives a reset.

    A job is in flight from its insert to its end, queueing included; a read while a call of its session is open.
    """

    def __init__(self) -> None:
        self.in_flight: Counter[JobKind] = Counter()
        self.reset()

    def reset(self) -> None:
        """Forget all but what is in flight."""
        self.requests: Counter[str] = Counter()
        self.jobs: Counter[JobKind] = Counter()
        self.max_in_flight: Counter[JobKind] = Counter(self.in_flight)
        self.dml: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.rejections: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.conflicts = 0
        self.bytes_read = 0
        self.bytes_loaded = 0
        self._listed: deque[dict[str, str]] = deque(maxlen=_JOBS_LISTED)

    def request(self, method: str) -> None:
        """Count a request by its name in the API, like `jobs.insert`."""
        self.requests[method] += 1

    def job(self, job_id: str, kind: JobKind, statements: tuple[Statement, ...]) -> None:
        """Count a job that was accepted, and the DML in it by table."""
        self.jobs[kind] += 1
        self._listed.append({"id": job_id, "kind": kind})
        for statement in statements:
            if statement.table:
                self.dml[statement.table][statement.verb] += 1

    def began(self, kind: JobKind) -> None:
        """One more of `kind` is in flight."""
        self.in_flight[kind] += 1
        self.max_in_flight[kind] = max(self.max_in_flight[kind], self.in_flight[kind])

    def ended(self, kind: JobKind) -> None:
        """One of `kind` is no longer in flight."""
        self.in_flight[kind] -= 1

    @contextmanager
    def flight(self, kind: JobKind) -> Iterator[None]:
        """Count one of `kind` as in flight for as long as the block lasts."""
        self.began(kind)
        try:
            yield
        finally:
            self.ended(kind)

    def as_json(self) -> dict[str, Any]:
        """All counts; `jobs_listed` names the last thousand jobs, oldest first."""
        return {
            "requests": self.requests.total(),
            "requests_by_method": dict(self.requests),
            "jobs": {kind: self.jobs[kind] for kind in JobKind},
            "in_flight": {kind: self.in_flight[kind] for kind in JobKind},
            "max_in_flight": {kind: self.max_in_flight[kind] for kind in JobKind},
            "dml": {table: dict(verbs) for table, verbs in self.dml.items()},
            "bytes_read": self.bytes_read,
            "bytes_loaded": self.bytes_loaded,
            "rejections": dict(self.rejections),
            "faults": dict(self.faults),
            "conflicts": self.conflicts,
            "jobs_listed": list(self._listed),
        }
