"""Who can play for a team on a date: rosters after trades, without the injured."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from backcourt.sources.simulator.league import Season
from backcourt.sources.simulator.season import season_days
from backcourt.sources.simulator.teams import TEAMS

LEAST = 10
"""Players that a team needs; when fewer are healthy, the ones it misses least dress all the same."""

_SPELLS = 3.8
_LONG_SPELLS = 0.12
_TRADES = 14
_TRADES_FROM = 17
_TRADES_UNTIL = 110
_SEASON_DAYS = 250


@dataclass(frozen=True)
class Trade:
    """Two players, as places in the season's players, who change teams; each plays for the new one from `day` on."""

    day: date
    one: int
    other: int


class Availability:
    """A season's trades and absences, drawn from the seed and the season alone."""

    def __init__(self, seed: int, season: Season) -> None:
        rng = np.random.default_rng([seed, season.year, 4])
        self._first = season_days(season.year).first
        self._teams = season.teams
        self._out = _absences(rng, len(season.players))
        self.trades = _trades(rng, season, self._first)

    def on(self, day: date) -> tuple[npt.NDArray[np.int64], ...]:
        """For each team the players who can play on a date, as places in the season's players."""
        out = self._out[:, (day - self._first).days]
        return tuple(_dressed(roster, out) for roster in self.rosters(day))

    def rosters(self, day: date) -> tuple[npt.NDArray[np.int64], ...]:
        """For each team its players on a date, those who are out too."""
        teams = self._teams.copy()
        for trade in self.trades:
            if trade.day <= day:
                teams[trade.one], teams[trade.other] = teams[trade.other], teams[trade.one]
        return tuple(np.flatnonzero(teams == team) for team in range(len(TEAMS)))

    def out_since(self, player: int, day: date) -> date | None:
        """The first day of the spell that a player is out in on a date; None while he is well."""
        at = (day - self._first).days
        if not self._out[player, at]:
            return None
        well = np.flatnonzero(~self._out[player, :at])
        return self._first + timedelta(days=int(well[-1]) + 1 if len(well) else 0)


def _dressed(roster: npt.NDArray[np.int64], out: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The healthy players of a roster, and as many of the others as it takes to have LEAST."""
    healthy, hurt = roster[~out[roster]], roster[out[roster]]
    return np.sort(np.concatenate([healthy, hurt[: max(0, LEAST - len(healthy))]]))


def _absences(rng: np.random.Generator, players: int) -> npt.NDArray[np.bool_]:
    """Whether each player is out on each day of the season: a few spells of days, now and then of weeks."""
    out = np.zeros((players, _SEASON_DAYS), dtype=bool)
    for player, spells in enumerate(rng.poisson(_SPELLS, players)):
        for _ in range(spells):
            start = int(rng.integers(_SEASON_DAYS))
            mean = 45 if rng.random() < _LONG_SPELLS else 6
            out[player, start : start + 1 + int(rng.geometric(1 / mean))] = True
    return out


def _trades(rng: np.random.Generator, season: Season, first: date) -> tuple[Trade, ...]:
    """Trades of two players of one position, in the order of their days; nobody is traded twice in a season."""
    positions = np.array([player.position for player in season.players])
    days = np.sort(rng.integers(_TRADES_FROM, _TRADES_UNTIL, _TRADES))
    free = np.ones(len(positions), dtype=bool)
    trades = []
    for day in days.tolist():
        one = int(rng.choice(np.flatnonzero(free)))
        wanted = free & (positions == positions[one]) & (season.teams != season.teams[one])
        other = int(rng.choice(np.flatnonzero(wanted)))
        free[[one, other]] = False
        trades.append(Trade(first + timedelta(days=day), one, other))
    return tuple(trades)
