"""Memory that passed through a driver, given back while the run goes on.

A driver of a long run holds little, but what it sends and gets leaves free pieces all over glibc's heap, which malloc
keeps, and Google's clients leave objects that refer to each other, commits' scripts among them, which only Python's
collector finds. So it is asked to look, and `malloc_trim` gives whole free pages back.
"""

import ctypes
import gc
from collections.abc import Callable

from backcourt.clock import Clock
from backcourt.pipeline.outcomes import PartitionOutcome
from ray_tasks.observing import Progress

EVERY_SECONDS = 1.0
"""Pause between two looks; one takes milliseconds. They go by the clock and not by what has ended, since what waits for
a commit is asked about again and again, and each answer has the commit's whole script in it."""


def malloc_trim() -> Callable[[int], object]:
    """Glibc's `malloc_trim(3)`; something that does nothing where the C library has none."""
    try:
        trim: Callable[[int], object] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return lambda _: None
    return trim


class Trimming:
    """An observer that has unused objects found and free memory given back, as long as the run moves."""

    def __init__(self, clock: Clock, trim: Callable[[int], object] | None = None) -> None:
        """Take the time, and the function to call with 0."""
        self._clock, self._trim = clock, trim or malloc_trim()
        self._looked = clock.monotonic()

    def opened(self, dashboard_url: str) -> None:  # noqa: ARG002 (the port)
        """The plan and the board stay to the end: the collector need not look through them again and again."""
        gc.collect()
        gc.freeze()

    def progress(self, progress: Progress) -> None:  # noqa: ARG002 (the port)
        """Collect and trim when it is time."""
        now = self._clock.monotonic()
        if now - self._looked >= EVERY_SECONDS:
            self._looked = now
            gc.collect()
            self._trim(0)

    def ended(self, outcome: PartitionOutcome) -> None:
        """Nothing to do."""
