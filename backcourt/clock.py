"""Time as an argument: the only module that looks at the machine's clock or sleeps, so that tests wait for nothing."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What code that waits or dates something asks for."""

    def now(self) -> datetime:
        """The present instant, in UTC."""

    def monotonic(self) -> float:
        """Seconds that never go backwards, for deadlines; their zero means nothing."""

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never go backwards, for deadlines; their zero means nothing."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds; none when negative."""
        time.sleep(max(0.0, seconds))
