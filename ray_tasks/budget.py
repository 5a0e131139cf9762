"""How many permits of one kind there are right now: the setting, halved when BigQuery is overloaded.

Additive increase, multiplicative decrease, as congestion control does it (Jacobson, 1988): the limit halves once per
overload and grows by one after each quiet period, never above the setting and never below one. An overload makes many
signals; those that come from permits granted before the last halving belong to it and do not halve again.

How long a period has to be follows from what was learnt, as in CUBIC (RFC 9438): the way back up to the last limit
that was refused is quick, the step onto it is taken only after a long quiet. Where that step is not refused, the
service bears more than it did, and the way up is quick again.
"""

from dataclasses import dataclass

QUIET_SECONDS = 5.0
"""How long without a signal until the limit grows by one."""
CAREFUL_SECONDS = 60.0
"""How long without a signal until it grows onto a limit that was refused."""


@dataclass
class Budget:
    """The limit of one kind. Time is passed in, in seconds of any clock that never goes backwards.

    `refused` is the limit at the last halving, until the service is seen to bear it; 2 where even one was too many.
    """

    setting: int
    limit: int = 0
    parked_until: float = 0.0
    last_signal: float | None = None
    signals: int = 0
    refused: int | None = None
    _halved_at_serial: int = -1
    _last_change: float = 0.0

    def __post_init__(self) -> None:
        """Start at the setting."""
        self.limit = self.limit or self.setting

    def allows(self, in_flight: int, now: float) -> bool:
        """Whether one more permit may be granted."""
        self.grow(now)
        return now >= self.parked_until and in_flight < self.limit

    def signal(self, granted_serial: int, next_serial: int, now: float, park_seconds: float = 0.0) -> None:
        """BigQuery asked for less.

        Args:
            granted_serial: the serial number of the permit whose call was refused.
            next_serial: the serial number that the next grant will have.
            now: the present time in seconds.
            park_seconds: for a quota of the day: grant nothing for so long.
        """
        self.grow(now)
        self.last_signal = now
        self.signals += 1
        self.parked_until = max(self.parked_until, now + park_seconds if park_seconds else 0.0)
        self._last_change = max(now, self.parked_until)  # while nothing is sent, silence proves nothing
        if granted_serial >= self._halved_at_serial:
            self.refused = max(2, self.limit)
            self.limit = max(1, self.limit // 2)
            self._halved_at_serial = next_serial

    def take_over(self, setting: int, limit: int, now: float, parked_seconds: float) -> None:
        """Go on from where a former authority of the run was: what was refused is still too much now."""
        self.setting, self.limit, self._last_change = setting, limit, now
        if parked_seconds:
            self.parked_until = self._last_change = now + parked_seconds

    def grow(self, now: float) -> None:
        """Take the steps up that are due: by time alone, whether or not anybody asks for a permit."""
        while self.limit < self.setting and now - self._last_change >= self._period():
            self._last_change += self._period()
            if self.limit == self.refused:
                self.refused = None
            self.limit += 1

    def _period(self) -> float:
        """The quiet that the next step up takes."""
        return CAREFUL_SECONDS if self.limit + 1 == self.refused else QUIET_SECONDS
