"""Which commits stand behind a window of an input: what makes a partition stale when it changes.

A window's digest adds up one hash per committed partition: with 918 dates, ten tables and season-long windows a plan
compares 50,000 windows, and a run changes a partition between any two of them. What the ledger said is added up once,
from the first date on, so that a plan's windows cost one subtraction each; what a run changes since goes into a tree of
partial sums (Fenwick, "A new data structure for cumulative frequency tables", 1994), a dozen additions each.
"""

from collections.abc import Callable, Mapping, Sequence
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
        self._calendar = calendar
        self._positions = {day: at for at, day in enumerate(calendar.dates)}
        self._expected = expected
        self._committed = dict(committed)
        hashes = [_hash(day, committed[day]) if day in committed else 0 for day in calendar.dates]
        self._hashes = _PartialSums(hashes)
        self._counts = _PartialSums([int(day in committed) for day in calendar.dates])
        self._absent = _PartialSums([int(day not in committed and expected(day)) for day in calendar.dates])

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
        for day, commit in committed.items():
            old = self._committed.get(day)
            self._committed[day] = commit
            at = self._positions.get(day)
            if at is None or old == commit:
                continue
            self._hashes.add(at, _hash(day, commit) - (0 if old is None else _hash(day, old)))
            if old is None:
                self._counts.add(at, 1)
                self._absent.add(at, -int(self._expected(day)))

    def digest(self, first: date, last: date) -> str:
        """What identifies the rows of the window from `first` to `last`, both included."""
        return _digest(self._hashes.between(*self._calendar.positions(first, last)))

    def window(self, first: date, last: date) -> InputVersion:
        """The version of the window from `first` to `last`, both included (empty if `first` is later)."""
        a, b = self._calendar.positions(first, last)
        holes: tuple[date, ...] = ()
        if self._absent.between(a, b):
            days = self._calendar.dates[a:b]
            holes = tuple(d for d in days if d not in self._committed and self._expected(d))
        return InputVersion(_digest(self._hashes.between(a, b)), self._counts.between(a, b), holes)


class _PartialSums:
    """Numbers by position: a sum of them takes one step as they were, a logarithmic number once some have changed."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._before = list(accumulate(numbers, initial=0))
        self._changes: list[int] = []  # the tree; empty until something changes

    def add(self, at: int, number: int) -> None:
        self._changes = self._changes or [0] * len(self._before)
        at += 1
        while number and at < len(self._changes):
            self._changes[at] += number
            at += at & -at

    def between(self, first: int, end: int) -> int:
        if first >= end:
            return 0
        total = self._before[end] - self._before[first]
        return total + self._changed_before(end) - self._changed_before(first) if self._changes else total

    def _changed_before(self, at: int) -> int:
        total = 0
        while at:
            total += self._changes[at]
            at &= at - 1
        return total


def _hash(day: date, commit: str) -> int:
    return int.from_bytes(sha256(f"{day.isoformat()} {commit}".encode()).digest()[:12], "big")


def _digest(total: int) -> str:
    return f"{total % _MODULUS:024x}"
