"""Plays a season's games: lineups, box scores and shot charts of the games in a range of dates.

Each game has its own seed, made of the league's seed, the season and the game's id. So a game is the same in whatever
range of dates it is asked for, and a longer range only adds games.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

from backcourt.sources.simulator.availability import Availability
from backcourt.sources.simulator.game import Box, Side, play
from backcourt.sources.simulator.league import Season, season_of
from backcourt.sources.simulator.postseason import Standings, postseason
from backcourt.sources.simulator.reports import Reports, reports_of
from backcourt.sources.simulator.season import Game, schedule_of, season_days
from backcourt.sources.simulator.shots import ShotChart, chart

_TIRED = 0.006
_LINEUP = (10.9, 0.9)
_FEWEST, _MOST = 10, 13


@dataclass(frozen=True)
class Played:
    """A game that is over, home first: the players as places in the season's players, box scores, shots."""

    game: Game
    players: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
    boxes: tuple[Box, Box]
    shots: ShotChart

    @property
    def home_won(self) -> bool:
        """Whether the home team has more points."""
        return self.boxes[0].score > self.boxes[1].score


class SeasonPlay:
    """A season of the league of `seed`: its schedule, and its games as they are played."""

    def __init__(self, seed: int, year: int) -> None:
        self.seed = seed
        self.schedule = schedule_of(seed, year)
        self.season: Season = season_of(seed, year)
        self._available = Availability(seed, self.season)
        self._played_on = {(team, game.day) for game in self.schedule for team in (game.home, game.away)}

    def played(self, start: date, end: date) -> Iterator[Played]:
        """The games from `start` to `end`, both included, in the order of their dates; postponed ones are left out.

        The postseason depends on the results of the whole season, so those are played first where it is asked for.
        """
        for game in self.schedule:
            if start <= game.day <= end and not game.postponed:
                yield self._play(game)
        if end > season_days(self.season.year).last:
            yield from (played for played in self._postseason if start <= played.game.day <= end)

    def reports(self, games: Iterable[Game]) -> Reports:
        """What is known before games: lines and injuries."""
        return reports_of(self.seed, self.season, self._available, games)

    @cached_property
    def _postseason(self) -> tuple[Played, ...]:
        """Play-in and playoffs, in the order of their dates."""
        standings = Standings.after((game, self._play(game).home_won) for game in self.schedule if not game.postponed)
        played: dict[str, Played] = {}

        def home_wins(game: Game, attempt: int) -> bool:
            played[game.game_id] = self._play(game, attempt)
            return played[game.game_id].home_won

        postseason(self.season.year, standings, home_wins)
        return tuple(sorted(played.values(), key=lambda one: (one.game.day, one.game.game_id)))

    def _play(self, game: Game, attempt: int = 0) -> Played:
        """One game, from its own seed; another attempt is another game."""
        rng = np.random.default_rng([self.seed, self.season.year, 3, int(game.game_id), *[attempt] * (attempt > 0)])
        available = self._available.on(game.day)
        players = (self._lineup(rng, available[game.home]), self._lineup(rng, available[game.away]))
        home, away = (
            self._side(team, who, game.day) for team, who in zip((game.home, game.away), players, strict=True)
        )
        boxes = play(rng, home, away)
        return Played(game, players, boxes, chart(rng, boxes))

    def _lineup(self, rng: np.random.Generator, available: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Ten to thirteen of those who can play, best first, by talent and the coach's mood."""
        talent = np.array([self.season.players[player].talent for player in available])
        order = np.argsort(-(talent + rng.normal(0, 0.25, len(available))), kind="stable")
        wanted = int(np.clip(round(rng.normal(*_LINEUP)), _FEWEST, _MOST))
        return available[order[:wanted]]

    def _side(self, team: int, players: npt.NDArray[np.int64], day: date) -> Side:
        """A team as it comes to a game; a game on the day before costs it a little."""
        tired = _TIRED if (team, day - timedelta(days=1)) in self._played_on else 0.0
        return Side(
            players=tuple(self.season.players[player] for player in players),
            offense=float(self.season.offense[team]) - tired,
            defense=float(self.season.defense[team]) - tired,
            pace=float(self.season.pace[team]),
        )
