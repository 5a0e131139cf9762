"""Where steps run: the port of a bounded pool, and the pool of one process that runs them in line.

A pool hands back, for every step, a small result and a reference to the rows. The driver owns that reference, passes it
into later steps, and never looks inside.

A step computes, or it transfers: reading and staging hardly work, they wait for BigQuery. So a worker transfers while
it computes, and a few processes keep many calls under way.
"""

import traceback
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from backcourt.errors import BackcourtError, DataError
from ray_tasks.steps import Bench, Step, StepResult, perform

TRANSFERS_A_WORKER = 4
"""Steps that a worker reads or stages at once, each in a thread; their rows are in its memory, the batches of so many
commits at most."""


@dataclass(frozen=True)
class Finished:
    """A step has ended: with a result and a reference to its rows, or with an error."""

    ticket: int
    result: StepResult | None = None
    reference: object | None = None
    error: BackcourtError | None = None


class Pool(Protocol):
    """A bounded number of workers, each with one computing step and a few transferring ones at a time."""

    @property
    def free_to_compute(self) -> int:
        """How many computing steps can be submitted now."""

    @property
    def free_to_transfer(self) -> int:
        """How many reading or staging steps can be submitted now."""

    def submit(self, step: Step, references: Sequence[object]) -> int:
        """Start a step with the rows behind those references; answers its ticket."""

    def wait(self, timeout: float) -> list[Finished]:
        """Steps that have ended, waiting up to `timeout` seconds for the first; at once when none runs."""

    def describe(self) -> list[str]:
        """What runs now, for the watchdog and `status`."""

    def close(self) -> None:
        """End every worker."""


def attempt_step(
    bench: Bench, step: Step, tables: Sequence[pa.Table]
) -> tuple[StepResult | BackcourtError, pa.Table | None]:
    """Perform a step and turn whatever it raises into an error with a meaning; a worker never dies of an exception."""
    try:
        return perform(bench, step, tables)
    except BackcourtError as error:
        return error, None
    except Exception as error:  # noqa: BLE001 (a processor's own code may raise anything)
        where = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{step}: {type(error).__name__}: {error} ({where.filename}:{where.lineno})."
        return DataError(what, "Correct the processor, or the rows that it stumbled over."), None


class SerialPool:
    """One worker, in line, in this process: the same steps without Ray."""

    def __init__(self, bench: Bench) -> None:
        """Take what the steps work with."""
        self._bench = bench
        self._waiting: deque[tuple[int, Step, Sequence[object]]] = deque()
        self._tickets = 0

    @property
    def free_to_compute(self) -> int:
        """One step at a time, whichever."""
        return 1 - len(self._waiting)

    @property
    def free_to_transfer(self) -> int:
        """One step at a time, whichever."""
        return 1 - len(self._waiting)

    def submit(self, step: Step, references: Sequence[object]) -> int:
        """Keep the step for the next `wait`."""
        self._tickets += 1
        self._waiting.append((self._tickets, step, references))
        return self._tickets

    def wait(self, timeout: float) -> list[Finished]:  # noqa: ARG002 (the port's; a step takes what it takes)
        """Run the step that waits."""
        if not self._waiting:
            return []
        ticket, step, references = self._waiting.popleft()
        tables = [r for r in references if isinstance(r, pa.Table)]
        result, rows = attempt_step(self._bench, step, tables)
        if isinstance(result, BackcourtError):
            return [Finished(ticket, error=result)]
        return [Finished(ticket, result, rows)]

    def describe(self) -> list[str]:
        """Steps that wait for their turn."""
        return [str(step) for _, step, _ in self._waiting]

    def close(self) -> None:
        """Nothing to end."""
        self._waiting.clear()
