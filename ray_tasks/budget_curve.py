"""Records how the budget went during a run: limit, permits in flight, quota signals and rests, kind by kind.

A run lasts seconds or hours and its curve has to fit into one row of `runs`. So samples begin a second apart, and
each time they have become too many, two neighbours become one and the pace halves.
"""

from collections.abc import Mapping, Sequence

from backcourt.clock import Clock
from backcourt.pipeline.outcomes import PartitionOutcome
from backcourt.pipeline.records import BudgetSample
from ray_tasks.observing import Progress

MOST_SAMPLES = 120
"""Samples of one kind at most; four kinds of them are about 8 kB of JSON."""
FIRST_SECONDS = 1.0
"""Length of the first stretches, in seconds."""


class BudgetCurve:
    """An Observer that keeps samples of every kind of permit."""

    def __init__(self, clock: Clock) -> None:
        """Time runs from here."""
        self._clock, self._began, self._stretch = clock, clock.monotonic(), FIRST_SECONDS
        self._open: dict[str, BudgetSample] = {}
        self._open_since = 0.0
        self._signals: dict[str, int] = {}
        self._closed: dict[str, list[BudgetSample]] = {}

    @property
    def samples(self) -> Mapping[str, Sequence[BudgetSample]]:
        """The samples by kind, the stretch that is under way included."""
        return {kind: [*self._closed.get(kind, ()), each] for kind, each in self._open.items()} or self._closed

    def opened(self, dashboard_url: str) -> None:
        """Nothing to record."""

    def ended(self, outcome: PartitionOutcome) -> None:
        """Nothing to record."""

    def progress(self, progress: Progress) -> None:
        """Take the state of the permits into the stretch that is under way."""
        now = self._clock.monotonic() - self._began
        for state in progress.kinds:
            # Counted, not timed: the state of permits in another process may be as old as the warden's last look.
            signalled = state.signals > 0 and state.signals != self._signals.get(state.kind.value, 0)
            self._signals[state.kind.value] = state.signals
            in_flight = state.held + state.orphaned
            seen = BudgetSample(now, state.limit, in_flight, signalled, state.parked_seconds > 0)
            known = self._open.get(state.kind.value)
            self._open[state.kind.value] = merged(known, seen) if known else seen
        if now - self._open_since >= self._stretch:
            self._close(now)

    def _close(self, now: float) -> None:
        for kind, sample in self._open.items():
            self._closed.setdefault(kind, []).append(sample)
        self._open, self._open_since = {}, now
        if any(len(taken) >= MOST_SAMPLES for taken in self._closed.values()):
            self._closed = {kind: _halved(taken) for kind, taken in self._closed.items()}
            self._stretch *= 2


def merged(first: BudgetSample, second: BudgetSample) -> BudgetSample:
    """Two neighbours as one stretch: the lowest limit, the most in flight, any signal, any rest."""
    return BudgetSample(
        second.at,
        min(first.limit, second.limit),
        max(first.in_flight, second.in_flight),
        first.signalled or second.signalled,
        first.parked or second.parked,
    )


def _halved(taken: Sequence[BudgetSample]) -> list[BudgetSample]:
    pairs = [merged(taken[at], taken[at + 1]) for at in range(0, len(taken) - 1, 2)]
    return pairs + list(taken[len(taken) // 2 * 2 :])
