"""Which dates exist: the days that have data to process, the season each belongs to, and bootstrap days."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta


@dataclass(frozen=True)
class Season:
    """A stretch of dates that windows do not cross; `year` is the year it starts in."""

    year: int
    start: date


@dataclass(frozen=True)
class Calendar:
    """Dates that have something to process, ascending, and the seasons they belong to.

    `bootstrap_days` is how many days from a season's first date tables marked `bootstrap` skip.
    """

    dates: tuple[date, ...]
    seasons: tuple[Season, ...] = ()
    bootstrap_days: int = 0
    _known: frozenset[date] = field(default=frozenset(), repr=False)
    _starts: tuple[date, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Sort once; frozen dataclasses need object.__setattr__ for that."""
        object.__setattr__(self, "dates", tuple(sorted(set(self.dates))))
        object.__setattr__(self, "seasons", tuple(sorted(self.seasons, key=lambda s: s.start)))
        object.__setattr__(self, "_known", frozenset(self.dates))
        object.__setattr__(self, "_starts", tuple(season.start for season in self.seasons))

    def __contains__(self, day: object) -> bool:
        return day in self._known

    def between(self, start: date, end: date) -> tuple[date, ...]:
        """The calendar's dates from `start` to `end`, both included."""
        return self.dates[slice(*self.positions(start, end))]

    def positions(self, start: date, end: date) -> tuple[int, int]:
        """Where `between` lies in `dates`: its first position, and the one after its last."""
        return bisect_left(self.dates, start), bisect_right(self.dates, end)

    def season(self, day: date) -> Season | None:
        """The season that `day` falls in: the last that started on or before it."""
        at = bisect_right(self._starts, day)
        return self.seasons[at - 1] if at else None

    def season_start(self, day: date) -> date | None:
        """First date of the season that `day` falls in."""
        season = self.season(day)
        return season.start if season else None

    def is_bootstrap(self, day: date) -> bool:
        """Whether `day` is among the first `bootstrap_days` days of its season."""
        start = self.season_start(day)
        return start is not None and day - start < timedelta(days=self.bootstrap_days)


def calendar_of(
    rows: Mapping[date, int], first_dates: Mapping[int, date] | None = None, bootstrap_days: int = 0
) -> Calendar:
    """A calendar from `{date: season year}`; a season starts at its first date unless `first_dates` says otherwise."""
    starts: dict[int, date] = {}
    for day, year in rows.items():
        starts[year] = min(day, starts.get(year, day))
    starts |= dict(first_dates or {})
    return Calendar(tuple(rows), tuple(Season(y, d) for y, d in starts.items()), bootstrap_days)
