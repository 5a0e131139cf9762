"""When who plays whom: a season's 1,230 games on its dates, with rest days and back-to-backs as in the real league."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from backcourt.errors import UsageError
from backcourt.sources.simulator.league import FIRST_SEASON
from backcourt.sources.simulator.teams import TEAMS


@dataclass(frozen=True)
class SeasonDays:
    """First and last day of a regular season, first of the All-Star break's six days, and further days off."""

    first: date
    last: date
    break_start: date
    off: tuple[date, ...] = ()


_D = date
_DAYS_OFF = {
    2022: (_D(2022, 11, 8),),
    2023: (_D(2023, 11, 7), _D(2023, 12, 3), _D(2023, 12, 9), _D(2023, 12, 10), _D(2024, 4, 13)),
    2024: (_D(2024, 11, 5), _D(2024, 12, 9), _D(2024, 12, 18)),
    2025: (_D(2025, 12, 8), _D(2025, 12, 15), _D(2025, 12, 17)),
}
"""By the year that a season starts in: elections and the cup's final rounds, as the NBA published its schedules. What
is off in each season: Thanksgiving, 24 December and the Monday before the last Sunday (the college final)."""

LAST_SEASON = 2098
"""The last season that the simulator knows: it ends in this century, whose years two digits tell apart in ids."""

_WEEKDAY_WEIGHTS = (7.9, 6.3, 9.7, 5.5, 9.4, 7.2, 7.9)
"""Games a date, Monday first, in 2023-24."""

_POSTPONED = 0.003
_OPENING_GAMES = 2
_TIRED = 1.0
_CHANCE = 0.5


@dataclass(frozen=True)
class Game:
    """One game of the schedule; teams are places in TEAMS. A postponed game is not made up.

    `season_type` is `regular`, `play_in` or `playoffs`.
    """

    game_id: str
    day: date
    home: int
    away: int
    postponed: bool = False
    season_type: str = "regular"


def season_on(day: date) -> int:
    """The year in which the season of a date starts; July and later belong to the season to come."""
    return day.year if day.month >= 7 else day.year - 1


def season_days(year: int) -> SeasonDays:
    """The frame of a season: from a Tuesday in October to the second Sunday of April, the break before Presidents' Day.

    The NBA's published schedules of 2021 to 2026 keep to these days. After the last whose days off are known, those of
    an even year's election are.

    Raises:
        UsageError: the simulator does not know the season.
    """
    if not FIRST_SEASON <= year <= LAST_SEASON:
        raise UsageError(
            f"The simulator does not know the season that starts in {year}.",
            f"Ask for dates from {season_days(FIRST_SEASON).first} to June {LAST_SEASON + 1}.",
        )
    election = _weekday_from(date(year, 11, 2), 1)
    presidents_day = _weekday_from(date(year + 1, 2, 15), 0)
    return SeasonDays(
        first=_weekday_from(date(year, 10, 18), 1),
        last=_weekday_from(date(year + 1, 4, 8), 6),
        break_start=presidents_day - timedelta(days=3),
        off=_DAYS_OFF.get(year, (election,) if year > max(_DAYS_OFF) and year % 2 == 0 else ()),
    )


def _weekday_from(day: date, weekday: int) -> date:
    """The first such weekday (Monday is 0) on or after a day."""
    return day + timedelta(days=(weekday - day.weekday()) % 7)


def game_days(year: int) -> tuple[date, ...]:
    """The dates with games of a season, ascending.

    Raises:
        UsageError: the simulator does not know the season.
    """
    frame = season_days(year)
    thanksgiving = _weekday_from(date(year, 11, 22), 3)
    off = {thanksgiving, date(year, 12, 24), frame.last - timedelta(days=6), *frame.off}
    off |= {frame.break_start + timedelta(days=n) for n in range(6)}
    days = (frame.first + timedelta(days=n) for n in range((frame.last - frame.first).days + 1))
    return tuple(day for day in days if day not in off)


def schedule_of(seed: int, year: int, attempt: int = 0) -> tuple[Game, ...]:
    """All games of a regular season in the order of their dates, from the seed and the season alone.

    About one season in a hundred finds no day for its last game, or no game for a day; then the next attempt counts.
    """
    rng = np.random.default_rng([seed, year, 2, attempt])
    days = game_days(year)
    pairs = _pairings(rng)
    places = _placed(rng, pairs, days)
    whole = bool((places >= 0).all()) and len(np.unique(places)) == len(days)
    return _games(rng, year, days, pairs, places) if whole else schedule_of(seed, year, attempt + 1)


def _games(
    rng: np.random.Generator,
    year: int,
    days: tuple[date, ...],
    pairs: npt.NDArray[np.int64],
    places: npt.NDArray[np.int64],
) -> tuple[Game, ...]:
    """The pairs on their days, numbered in the order of the days."""
    order = np.lexsort((rng.permutation(len(pairs)), places))
    games = []
    for number, (at, place) in enumerate(zip(order, places[order], strict=True), start=1):
        crowded = np.count_nonzero(places == place) >= 5
        games.append(
            Game(
                game_id=f"002{year % 100:02d}{number:05d}",
                day=days[place],
                home=int(pairs[at, 0]),
                away=int(pairs[at, 1]),
                postponed=bool(crowded and rng.random() < _POSTPONED),
            )
        )
    return tuple(games)


def _pairings(rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """(home, away) of every game: 4 against each team of the division, 3 or 4 in the conference, 2 against the rest.

    In each of the conference's two other divisions a team meets two teams three times, three teams four times: with
    two divisions on circles of five, neighbours by a drawn shift meet three times, each at home twice once.
    """
    shifts = {(c, a, b): int(rng.integers(5)) for c in ("East", "West") for a in range(3) for b in range(a + 1, 3)}
    pairs: list[tuple[int, int]] = []
    for i, one in enumerate(TEAMS):
        for j in range(i + 1, len(TEAMS)):
            other = TEAMS[j]
            home, away = 2, 2
            if one.conference != other.conference:
                home, away = 1, 1
            elif one.division != other.division:
                turn = (j - i + shifts[one.conference, one.division, other.division]) % 5
                home, away = {0: (2, 1), 1: (1, 2)}.get(turn, (2, 2))
            pairs += [(i, j)] * home + [(j, i)] * away
    return np.array(pairs)


def _games_a_day(days: tuple[date, ...], total: int) -> npt.NDArray[np.int64]:
    """How many of `total` games each day should have: two on the first day, all teams on the last."""
    weights = np.array([_WEEKDAY_WEIGHTS[day.weekday()] for day in days])
    weights[0], weights[-1] = 0, 0
    wanted = np.cumsum(weights) * (total - _OPENING_GAMES - len(TEAMS) // 2) / weights.sum()
    games: npt.NDArray[np.int64] = np.diff(np.round(wanted), prepend=0).astype(np.int64)
    games[0], games[-1] = _OPENING_GAMES, len(TEAMS) // 2
    return games


def _placed(rng: np.random.Generator, pairs: npt.NDArray[np.int64], days: tuple[date, ...]) -> npt.NDArray[np.int64]:
    """For every pair the place in `days` of its game: no team twice a day, none on three days running.

    The last day is filled first, with all teams. Then, day by day, games go first whose teams are behind schedule and
    rested; what is left over in the end goes to any day on which both teams are free.
    """
    columns = np.array([(day - days[0]).days + 2 for day in days])  # two free days at both ends
    plays = np.zeros((len(TEAMS), columns[-1] + 3), dtype=bool)
    place = np.full(len(pairs), -1)
    wanted = _games_a_day(days, len(pairs))
    _play(rng.permutation(len(pairs)), wanted[-1], pairs, plays, columns[-1], place, len(days) - 1)
    for at in range(len(days) - 1):
        left = np.flatnonzero(place < 0)
        behind = np.bincount(pairs[left].ravel(), minlength=len(TEAMS)) / np.sqrt(len(days) - at)
        eagerness = behind - _TIRED * plays[:, columns[at] - 1]
        worth = eagerness[pairs[left]].sum(axis=1) + rng.gumbel(0, _CHANCE, len(left))
        _play(left[np.argsort(-worth)], wanted[at], pairs, plays, columns[at], place, at)
    for game in np.flatnonzero(place < 0):
        for at in rng.permutation(len(days)):
            _play(np.array([game]), 1, pairs, plays, columns[at], place, at)
            if place[game] >= 0:
                break
    return place


def _play(
    candidates: npt.NDArray[np.int64],
    wanted: int,
    pairs: npt.NDArray[np.int64],
    plays: npt.NDArray[np.bool_],
    column: int,
    place: npt.NDArray[np.int64],
    at: int,
) -> None:
    """Place up to `wanted` of the candidates, in their order, on one day, where both teams are free."""
    chosen = 0
    for game in candidates:
        if chosen == wanted:
            return
        home, away = pairs[game]
        if _free(plays, home, column) and _free(plays, away, column):
            plays[[home, away], column] = True
            place[game] = at
            chosen += 1


def _free(plays: npt.NDArray[np.bool_], team: int, column: int) -> bool:
    """Whether the team can play on the day without playing twice, or on a third day running."""
    two_before, before, today, after, two_after = plays[team, column - 2 : column + 3]
    return not (today or (two_before and before) or (before and after) or (after and two_after))
