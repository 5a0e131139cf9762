"""Memory that passed through a driver, given back while the run goes on.

A driver of a long run holds little, but what it sends and gets leaves free pieces all over glibc's heap, which malloc
keeps. `malloc_trim` gives whole free pages back.
"""

import ctypes
from collections.abc import Callable

from backcourt.pipeline.outcomes import PartitionOutcome
from ray_tasks.observing import Progress

EVERY = 500
"""Outcomes between two trims; one takes milliseconds."""


def malloc_trim() -> Callable[[int], object]:
    """Glibc's `malloc_trim(3)`; something that does nothing where the C library has none."""
    try:
        trim: Callable[[int], object] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return lambda _: None
    return trim


class Trimming:
    """An observer that has malloc give back what is free, every so many outcomes."""

    def __init__(self, trim: Callable[[int], object] | None = None) -> None:
        """Take the function to call with 0."""
        self._trim = trim or malloc_trim()
        self._ended = 0

    def opened(self, dashboard_url: str) -> None:
        """Nothing to do."""

    def progress(self, progress: Progress) -> None:
        """Nothing to do."""

    def ended(self, outcome: PartitionOutcome) -> None:  # noqa: ARG002 (the port)
        """Count; trim when it is time."""
        self._ended += 1
        if self._ended % EVERY == 0:
            self._trim(0)
