"""Finds out when the jobs of a run that is gone have ended, so that others may have its share of the budget.

A run that died may have left jobs at BigQuery, and a job that was just sent may not be listed yet. So its jobs count as
ended once none of them was listed for a while. They are found by their ids, which begin with the run's name.
"""

from collections.abc import Callable, Collection
from contextlib import suppress

from backcourt.clock import Clock
from backcourt.errors import BackcourtError

LOOK_SECONDS = 1.0
"""Pause between two lists of a run's jobs."""
QUIET_SECONDS = 2.0
"""How long no job of a run may have been listed."""


class Departed:
    """Remembers how long each run that is gone has had no job."""

    def __init__(self, unfinished: Callable[[str], tuple[str, ...]], clock: Clock) -> None:
        """Ask through `unfinished`, which lists the ids of jobs pending or running that begin with a text."""
        self._unfinished, self._clock = unfinished, clock
        self._quiet_since: dict[str, float] = {}
        self._looked: dict[str, float] = {}

    def ended(self, gone: Collection[str], runs: Collection[str]) -> frozenset[str]:
        """Those of the gone runs whose jobs have ended.

        Args:
            gone: runs that have ended or were not renewed.
            runs: every run: ids of run `r-2-1` begin like those of `r-2`, and are told apart by this.
        """
        for run in self._looked.keys() - set(gone):
            self._looked.pop(run)
            self._quiet_since.pop(run, None)
        # In one order in every process, so that a simulated schedule that failed can be replayed.
        return frozenset(run for run in sorted(gone) if self._is_quiet(run, runs))

    def _is_quiet(self, run: str, runs: Collection[str]) -> bool:
        now = self._clock.monotonic()
        if run not in self._looked or now - self._looked[run] >= LOOK_SECONDS:
            self._looked[run] = now
            if self._has_jobs(run, runs):
                self._quiet_since.pop(run, None)
            else:
                self._quiet_since.setdefault(run, now)
        return run in self._quiet_since and self._looked[run] - self._quiet_since[run] >= QUIET_SECONDS

    def _has_jobs(self, run: str, runs: Collection[str]) -> bool:
        others = tuple(f"{other}-" for other in runs if other.startswith(f"{run}-"))
        with suppress(BackcourtError):
            return any(not job.startswith(others) for job in self._unfinished(f"{run}-"))
        return True  # not to be asked now
