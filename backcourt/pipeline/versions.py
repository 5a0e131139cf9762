"""Which commits stand behind a window of an input: what makes a partition stale when it changes.

A window's digest adds up one hash per committed partition: with 918 dates, ten tables and season-long windows a plan
compares 50,000 windows, and a run changes a partition between any two of them. What the ledger said is added up once,
from the first date on, so that a plan's windows cost one subtraction each; what a run changes since goes into a tree of
partial sums (Fenwick, "A new data structure for cumulative frequency tables", 1994), a dozen additions each. The number
of a date has its hash, whether it is committed and whether it is absent in places of their own, far enough apart that
sums do not meet: all three are added up at once. Sums are kept as bytes side by side: as Python's own numbers they take
twice the memory, in a list that only grows with the years.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from hashlib import sha256
from itertools import accumulate
from sys import intern

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.ledger import InputVersion

_MODULUS = 1 << 96
_COMMITTED, _ABSENT = 1 << 128, 1 << 160
_COUNT = (1 << 32) - 1
_BYTES = 24
"""Of a sum: 96 bits of hashes and 32 of how many they are, and as many bits of two counts as there can be dates."""
_ALL = (1 << 8 * _BYTES) - 1


class TableVersions:
    """The commits that wrote the rows of one table's partitions, by date; grows as a run commits."""

    def __init__(self, calendar: Calendar, expected: Callable[[date], bool], committed: Mapping[date, str]) -> None:
        """Start from what the ledger says.

        Args:
            calendar: the dates that exist.
            expected: whether a date of the calendar ought to be committed; other dates are never holes.
            committed: the commit that wrote the rows of each committed partition.
        """
        self._calendar, self._expected = calendar, expected
        # By position: a dictionary of dates takes several times the memory.
        self._commits = [committed.get(day) for day in calendar.dates]
        self._elsewhere = {day: commit for day, commit in committed.items() if day not in calendar}
        self._sums = _PartialSums(map(self._number, calendar.dates, self._commits))

    def __contains__(self, day: date) -> bool:
        return self._commit(day) is not None

    def expects(self, day: date) -> bool:
        """Whether the partition of that date ought to be committed (not a bootstrap day, for example)."""
        return self._expected(day)

    def commit_of(self, day: date) -> str:
        """The commit that wrote the partition's rows, "" if it is not committed."""
        return self._commit(day) or ""

    def update(self, committed: Mapping[date, str]) -> None:
        """Take note of partitions that were committed."""
        for day, commit in committed.items():
            at, end = self._calendar.positions(day, day)
            if at == end:
                self._elsewhere[day] = commit
                continue
            old = self._commits[at]
            if old != commit:  # an equal text is not kept in the place of ours, which other dates share
                self._commits[at] = intern(commit)
                self._sums.add(at, self._number(day, commit) - self._number(day, old))

    def digest(self, first: date, last: date) -> str:
        """What identifies the rows of the window from `first` to `last`, both included."""
        return _digest(self._sums.between(*self._calendar.positions(first, last)))

    def window(self, first: date, last: date) -> InputVersion:
        """The version of the window from `first` to `last`, both included (empty if `first` is later)."""
        a, b = self._calendar.positions(first, last)
        total = self._sums.between(a, b)
        holes: tuple[date, ...] = ()
        if total >= _ABSENT:
            days = zip(self._calendar.dates[a:b], self._commits[a:b], strict=True)
            holes = tuple(day for day, commit in days if commit is None and self._expected(day))
        return InputVersion(_digest(total), total // _COMMITTED & _COUNT, holes)

    def _commit(self, day: date) -> str | None:
        at, end = self._calendar.positions(day, day)
        return self._commits[at] if at < end else self._elsewhere.get(day)

    def _number(self, day: date, commit: str | None) -> int:
        if commit is None:
            return _ABSENT if self._expected(day) else 0
        return _COMMITTED + _hash(day, commit)


class _PartialSums:
    """Numbers by position: a sum of them takes one step as they were, a logarithmic number once some have changed."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._before = bytearray()
        for total in accumulate(numbers, initial=0):
            self._before += total.to_bytes(_BYTES, "little")
        self._changes = bytearray()  # the tree; empty until something changes

    def add(self, at: int, number: int) -> None:
        self._changes = self._changes or bytearray(len(self._before))
        at += 1
        while number and at * _BYTES < len(self._changes):
            changed = (_sum(self._changes, at) + number) & _ALL
            self._changes[at * _BYTES : (at + 1) * _BYTES] = changed.to_bytes(_BYTES, "little")
            at += at & -at

    def between(self, first: int, end: int) -> int:
        if first >= end:
            return 0
        total = _sum(self._before, end) - _sum(self._before, first)
        if self._changes:
            total += self._changed_before(end) - self._changed_before(first)
        return total & _ALL

    def _changed_before(self, at: int) -> int:
        total = 0
        while at:
            total += _sum(self._changes, at)
            at &= at - 1
        return total


def _sum(sums: bytearray, at: int) -> int:
    return int.from_bytes(sums[at * _BYTES : (at + 1) * _BYTES], "little")


def _hash(day: date, commit: str) -> int:
    return int.from_bytes(sha256(f"{day.isoformat()} {commit}".encode()).digest()[:12], "big")


def _digest(total: int) -> str:
    return f"{total % _MODULUS:024x}"
