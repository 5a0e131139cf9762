"""A warehouse in memory for the unit tests of its callers: a function from call to answer, and a record of the calls.

    def answer(call):
        match call:
            case Call("run", JobRequest(kind=Kind.COMMIT)):
                raise RateLimited("too fast")
            case Call("run", JobRequest() as request):
                return JobResult(request.job_id)

    warehouse = FakeWarehouse(answer)

A call that the function does not know (it returns NotImplemented, or None where None is no answer) gets the plainest
one: the job succeeds, the job is MISSING, the table does not exist. An answer that is an exception is raised.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import pyarrow as pa

from backcourt.warehouse.requests import (
    JobPhase,
    JobRequest,
    JobResult,
    JobState,
    ReadRequest,
    TableDefinition,
    TableRef,
    TableState,
)


@dataclass(frozen=True)
class Call:
    """One call of the port: the method's name and its one argument."""

    method: str
    argument: Any


Answer = Callable[[Call], Any]


def plain(_: Call) -> Any:
    """The function that knows no call: every answer is the plainest."""
    return NotImplemented


@dataclass
class FakeWarehouse:
    """A `Warehouse` that answers by script; safe to call from several threads."""

    answer: Answer = plain
    calls: list[Call] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def run(self, request: JobRequest) -> JobResult:
        """By script; else the job succeeds without rows."""
        rows = request.rows.num_rows if request.rows is not None else None
        result: JobResult = self._ask("run", request, JobResult(request.job_id, output_rows=rows))
        return result

    def read(self, request: ReadRequest) -> pa.Table:
        """By script; else no rows, in columns without a type."""
        return self._ask("read", request, pa.table({name: pa.nulls(0) for name in request.columns}))

    def job(self, job_id: str) -> JobState:
        """By script; else MISSING."""
        state: JobState = self._ask("job", job_id, JobState(job_id, JobPhase.MISSING))
        return state

    def cancel(self, job_id: str) -> None:
        """By script; else nothing."""
        self._ask("cancel", job_id, None)

    def unfinished_jobs(self, prefix: str) -> tuple[str, ...]:
        """By script; else none."""
        found: tuple[str, ...] = self._ask("unfinished_jobs", prefix, ())
        return found

    def describe(self, ref: TableRef) -> TableState | None:
        """By script; else the table does not exist."""
        state: TableState | None = self._ask("describe", ref, None)
        return state

    def create(self, definition: TableDefinition) -> None:
        """By script; else nothing."""
        self._ask("create", definition, None)

    def drop(self, ref: TableRef) -> None:
        """By script; else nothing."""
        self._ask("drop", ref, None)

    def arguments(self, method: str) -> list[Any]:
        """What a method was called with, call by call."""
        with self._lock:
            return [call.argument for call in self.calls if call.method == method]

    def _ask(self, method: str, argument: Any, otherwise: Any) -> Any:
        call = Call(method, argument)
        with self._lock:
            self.calls.append(call)
        answer = self.answer(call)
        if isinstance(answer, BaseException):
            raise answer
        return otherwise if answer is None or answer is NotImplemented else answer
