"""What the run's share of the project's budget lets the permit authority grant, and until when.

The authority keeps it beside the book. It reads its own clock only: whoever renews the share first asks what that clock
says, and names the end of the renewed share by it. So a process that was stopped for a while, this one or the other,
grants nothing on a share that has meanwhile been given to somebody else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from backcourt.warehouse.requests import Kind

UNKNOWN = 1_000_000
"""Permits in flight of an authority that has restarted and was not told yet."""


@dataclass(frozen=True)
class Capped:
    """The authority's answer: permits in flight by kind, at `at` seconds of its own clock, in its life `epoch`."""

    in_flight: Mapping[Kind, int]
    at: float
    epoch: str


@dataclass
class Allowance:
    """Permits by kind until `until`, in seconds of the authority's clock; none in the beginning."""

    permits: dict[Kind, int] = field(default_factory=dict)
    until: float = -inf

    def allows(self, kind: Kind, in_flight: int, now: float) -> bool:
        """Whether one more permit may be granted."""
        return now < self.until and in_flight < self.permits.get(kind, 0)

    def cap(self, target: Mapping[Kind, int]) -> None:
        """Grant no more than this from now on."""
        self.permits = {kind: min(number, target.get(kind, 0)) for kind, number in self.permits.items()}

    def renew(self, permits: Mapping[Kind, int], until: float) -> None:
        """The share as it was published."""
        self.permits, self.until = {Kind(kind): number for kind, number in permits.items()}, until
