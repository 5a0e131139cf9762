"""A clock that a test moves."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2024, 3, 1, tzinfo=UTC)


class FakeClock:
    """Sleeping moves it at once; `while_sleeping` may look at the world meanwhile. `step` passes at every look."""

    def __init__(self, while_sleeping: Callable[[float], None] = lambda _: None, step: float = 0.0) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []
        self.while_sleeping = while_sleeping
        self._step = step

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        self.seconds += self._step
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.while_sleeping(seconds)
        self.slept.append(seconds)
        self.seconds += seconds
