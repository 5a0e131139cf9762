"""A service whose limit moves and callers that send it jobs under permits, in simulated time.

The permit book, the budget and the back-off are the product's own; only BigQuery and the clock are made up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from random import Random

from backcourt.pipeline.records import BudgetSample
from backcourt.warehouse.requests import Kind
from ray_tasks.attempts import Patience
from ray_tasks.budget import Budget
from ray_tasks.permit_book import Ask, Permit, PermitBook

CALLERS = 24
"""Callers that always have a next job: more than permits, as a pool has more workers."""
REFUSAL_SECONDS = 0.1
"""How long a refusal takes to come back."""
TICK = 0.25
"""Pause between looks at asks that only time can let through, as the permits' actor has it."""
SAMPLES = 600


@dataclass(frozen=True)
class Weather:
    """What the service bears, phase by phase, and how long its jobs take on average."""

    limits: Sequence[int] = (16, 4, 12)
    phase_seconds: float = 600.0
    job_seconds: float = 1.0

    @property
    def seconds(self) -> float:
        """The whole time."""
        return len(self.limits) * self.phase_seconds

    def phase(self, now: float) -> int:
        """The number of the phase at an instant."""
        return min(int(now // self.phase_seconds), len(self.limits) - 1)


class FixedBudget(Budget):
    """A budget that hears nothing."""

    def signal(self, granted_serial: int, next_serial: int, now: float, park_seconds: float = 0.0) -> None:
        """Refusals change nothing."""


class Simulation:
    """One run. Where the limit is `told`, the budget follows the service's at every instant: nobody can do better.

    `done` and `refused` count jobs, phase by phase.
    """

    def __init__(self, budget: Budget, weather: Weather, *, told: bool = False, seed: int = 1) -> None:
        self._budget, self._weather, self._told = budget, weather, told
        self._random = Random(seed)
        self._book = PermitBook({Kind.QUERY: budget}, "simulated")
        self._numbers = count()
        self._events: list[tuple[float, int, Iterator[float | Ask]]] = []
        self._in_line: dict[str, Iterator[float | Ask]] = {}
        self._granted: dict[str, Permit] = {}
        self._now, self._running = 0.0, 0
        self.done, self.refused = [0] * len(weather.limits), [0] * len(weather.limits)
        self.samples: list[BudgetSample] = []

    def run(self) -> "Simulation":
        """Live through all phases."""
        self._plan(0.0, self._watch())
        for _ in range(CALLERS):
            self._plan(0.0, self._call())
        while self._events[0][0] < self._weather.seconds:
            self._now, _, script = heappop(self._events)
            self._go_on(script)
            for permit in self._book.grant(self._now):
                self._granted[permit.id] = permit
                self._plan(0.0, self._in_line.pop(permit.id))
        return self

    def _call(self) -> Iterator[float | Ask]:
        """One caller, job after job; yields the ask that it waits for, or the seconds that it is busy."""
        refusals = 0
        while True:
            ask = Ask(f"ask-{next(self._numbers)}", Kind.QUERY, "caller")
            yield ask
            permit = self._granted.pop(ask.id)
            accepted = self._running < self._weather.limits[self._weather.phase(self._now)]
            if accepted:
                self._running += 1
                yield self._weather.job_seconds * self._random.uniform(0.5, 1.5)
                self._running -= 1
                refusals = 0
            else:
                yield REFUSAL_SECONDS
                self._book.signal(permit, self._now)
                refusals += 1
            (self.done if accepted else self.refused)[self._weather.phase(self._now)] += 1
            self._book.release(permit.id)
            if refusals:
                yield Patience().pause(refusals, self._random)

    def _watch(self) -> Iterator[float | Ask]:
        """Looks at the budget all the time."""
        every, refused = self._weather.seconds / SAMPLES, 0
        while True:
            if self._told:
                self._budget.setting = self._budget.limit = self._weather.limits[self._weather.phase(self._now)]
            if self._now >= (len(self.samples) + 1) * every:
                signalled = sum(self.refused) > refused
                self.samples.append(BudgetSample(self._now, self._budget.limit, self._running, signalled))
                refused = sum(self.refused)
            yield TICK

    def _go_on(self, script: Iterator[float | Ask]) -> None:
        wait = next(script)
        if isinstance(wait, Ask):
            self._in_line[wait.id] = script
            self._book.ask(wait, self._now)
        else:
            self._plan(wait, script)

    def _plan(self, seconds: float, script: Iterator[float | Ask]) -> None:
        heappush(self._events, (self._now + seconds, next(self._numbers), script))
