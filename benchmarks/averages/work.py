"""What is to be computed, in words that every contender understands: names, SQL, and the truth in plain Python.

For each date and player the average of the points over the 31 days that end there. Nothing but the standard library is
imported here, so that a contender with a Python environment of its own can read it too.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

FIRST = date(2024, 1, 31)
"""The first date that is computed; points begin 30 days before."""
WINDOW_DAYS = 31
RAW, DATASET = "bench_raw", "bench"
SOURCE, TARGET = f"{RAW}.scores", f"{DATASET}.averages"
WINDOW_SQL = (
    f"SELECT {{day}} AS day, player, AVG(points) AS average FROM {SOURCE} "
    f"WHERE day BETWEEN DATE_SUB({{day}}, INTERVAL {WINDOW_DAYS - 1} DAY) AND {{day}}"
)
"""A date's rows but for their grouping; `{day}` is a DATE literal or a parameter."""
CLOSE = 1e-9
"""Relative difference by which two ways of adding up may differ."""
Key = tuple[date, int]


@dataclass(frozen=True)
class Work:
    """So many dates, so many players."""

    dates: int
    players: int

    @property
    def days(self) -> tuple[date, ...]:
        """The dates to compute."""
        return tuple(FIRST + timedelta(days=n) for n in range(self.dates))

    @property
    def source_days(self) -> tuple[date, ...]:
        """The dates that have points: every window is full."""
        return tuple(FIRST + timedelta(days=n) for n in range(1 - WINDOW_DAYS, self.dates))

    def scores(self) -> Iterator[tuple[date, int, float]]:
        """Day, player, points of every row of the source."""
        return ((day, player, points(day, player)) for day in self.source_days for player in range(self.players))

    def truth(self) -> dict[Key, float]:
        """What the target must hold."""
        return {
            (day, player): sum(points(day - timedelta(days=back), player) for back in range(WINDOW_DAYS)) / WINDOW_DAYS
            for day in self.days
            for player in range(self.players)
        }


@dataclass(frozen=True)
class Verdict:
    """Rows of the target beside the truth: keys that lack, rows too many of a key, keys whose average is another."""

    missing: int
    doubled: int
    wrong: int


def points(day: date, player: int) -> float:
    """What a player made on a day: an arbitrary figure with many digits, always the same one."""
    return ((day.toordinal() * 7919 + player * 104729) % 100003) / 7


def judge(work: Work, found: Iterable[tuple[date, int, float]]) -> Verdict:
    """Compare rows of the target with the truth."""
    truth, seen, doubled, wrong = work.truth(), set[Key](), 0, 0
    for day, player, average in found:
        key = day, player
        doubled += key in seen
        seen.add(key)
        wrong += key not in truth or abs(average - truth[key]) > CLOSE * abs(truth[key])
    return Verdict(len(truth.keys() - seen), doubled, wrong)
