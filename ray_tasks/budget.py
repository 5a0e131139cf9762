"""How many permits of one kind there are right now: the setting, halved when BigQuery is overloaded.

Additive increase, multiplicative decrease, as congestion control does it (Jacobson, 1988): the limit halves once per
overload and grows by one after each quiet period, never above the setting and never below one. An overload makes many
signals; those that come from permits granted before the last halving belong to it and do not halve again.
"""

from dataclasses import dataclass

QUIET_SECONDS = 15.0
"""How long without a signal until the limit grows by one."""


@dataclass
class Budget:
    """The limit of one kind. Time is passed in, in seconds of any clock that never goes backwards."""

    setting: int
    limit: int = 0
    parked_until: float = 0.0
    last_signal: float | None = None
    halvings: int = 0
    _halved_at_serial: int = -1
    _last_change: float = 0.0

    def __post_init__(self) -> None:
        """Start at the setting."""
        self.limit = self.limit or self.setting

    def allows(self, in_flight: int, now: float) -> bool:
        """Whether one more permit may be granted."""
        self._grow(now)
        return now >= self.parked_until and in_flight < self.limit

    def signal(self, granted_serial: int, next_serial: int, now: float, park_seconds: float = 0.0) -> None:
        """BigQuery asked for less.

        Args:
            granted_serial: the serial number of the permit whose call was refused.
            next_serial: the serial number that the next grant will have.
            now: the present time in seconds.
            park_seconds: for a quota of the day: grant nothing for so long.
        """
        self.last_signal = now
        self._last_change = now
        self.parked_until = max(self.parked_until, now + park_seconds if park_seconds else 0.0)
        if granted_serial >= self._halved_at_serial:
            self.limit = max(1, self.limit // 2)
            self.halvings += 1
            self._halved_at_serial = next_serial

    def _grow(self, now: float) -> None:
        quiet = int((now - self._last_change) // QUIET_SECONDS)
        if self.limit < self.setting and quiet > 0:
            self.limit = min(self.setting, self.limit + quiet)
            self._last_change += quiet * QUIET_SECONDS
