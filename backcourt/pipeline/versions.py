"""Which commits stand behind a window of an input: what makes a partition stale when it changes.

A window's digest adds up one hash per committed partition, so that any window of thousands is two lookups: with 918
dates, ten tables and season-long windows a plan compares 50,000 of them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from datetime import date
from hashlib import sha256
from itertools import accumulate

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.ledger import InputVersion

_MODULUS = 1 << 96


class TableVersions:
    """The commits that wrote the rows of one table's partitions, by date; grows as a run commits."""

    def __init__(self, calendar: Calendar, expected: Callable[[date], bool], committed: Mapping[date, str]) -> None:
        """Start from what the ledger says.

        Args:
            calendar: the dates that exist.
            expected: whether a date of the calendar ought to be committed; other dates are never holes.
            committed: the commit that wrote the rows of each committed partition.
        """
        self._days = calendar.dates
        self._expected = expected
        self._committed = dict(committed)
        self._sums: list[int] = []
        self._counts: list[int] = []
        self._missing: list[int] = []

    def __contains__(self, day: object) -> bool:
        return day in self._committed

    def expects(self, day: date) -> bool:
        """Whether the partition of that date ought to be committed (not a bootstrap day, for example)."""
        return self._expected(day)

    def commit_of(self, day: date) -> str:
        """The commit that wrote the partition's rows, "" if it is not committed."""
        return self._committed.get(day, "")

    def update(self, committed: Mapping[date, str]) -> None:
        """Take note of partitions that were committed."""
        if any(self._committed.get(day) != commit for day, commit in committed.items()):
            self._committed |= committed
            self._sums = []

    def window(self, first: date, last: date) -> InputVersion:
        """The version of the window from `first` to `last`, both included (empty if `first` is later)."""
        if not self._sums:
            self._index()
        a, b = bisect_left(self._days, first), bisect_right(self._days, last)
        if a >= b:
            return InputVersion(_digest(0), 0)
        holes: tuple[date, ...] = ()
        if self._missing[b] > self._missing[a]:
            holes = tuple(d for d in self._days[a:b] if d not in self._committed and self._expected(d))
        total = (self._sums[b] - self._sums[a]) % _MODULUS
        return InputVersion(_digest(total), self._counts[b] - self._counts[a], holes)

    def _index(self) -> None:
        hashes = [_hash(d, self._committed[d]) if d in self._committed else 0 for d in self._days]
        self._sums = list(accumulate(hashes, lambda a, b: (a + b) % _MODULUS, initial=0))
        self._counts = list(accumulate((d in self._committed for d in self._days), initial=0))
        absent = (d not in self._committed and self._expected(d) for d in self._days)
        self._missing = list(accumulate(absent, initial=0))


def _hash(day: date, commit: str) -> int:
    return int.from_bytes(sha256(f"{day.isoformat()} {commit}".encode()).digest()[:12], "big")


def _digest(total: int) -> str:
    return f"{total:024x}"
