"""When to look at a running job again: soon after it has ended, without asking all the time.

BigQuery has no call that waits for a load job's end, and a load's permit is held until its end is seen. The loads of
a process are much alike, so the quickest of its last ones says when the first look is worth it.
"""

from collections import deque
from collections.abc import Iterator

FIRST_PAUSES = (0.02, 0.03, 0.05)
"""Seconds between the first looks at a job: from its insert, or from when the ones before it had ended."""
LEAST, MOST = 0.05, 1.0
"""Seconds between later looks: a twentieth of the time waited, within these."""
REMEMBERED = 8
"""Loads that are remembered: one that was far quicker than the others shortens the first pause for so many."""


class LoadTimes:
    """How long the last loads took by BigQuery's own times, and the pauses that follow from it.

    What this process saw would not do: it sees an end late, so that the first look would come later and later.
    """

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=REMEMBERED)

    def took(self, seconds: float) -> None:
        """Remember a load that took so many seconds from its creation to its end."""
        self._seconds.append(seconds)

    def pauses(self) -> Iterator[float]:
        """Endless seconds between looks at a load."""
        first = min(self._seconds, default=0.0)
        return pauses((first, *FIRST_PAUSES) if first > sum(FIRST_PAUSES) else FIRST_PAUSES)


def pauses(first: tuple[float, ...] = FIRST_PAUSES) -> Iterator[float]:
    """Endless seconds between looks: `first`, then a twentieth of the time waited."""
    yield from first
    waited = sum(first)
    while True:
        pause = min(max(waited / 20, LEAST), MOST)
        waited += pause
        yield pause
