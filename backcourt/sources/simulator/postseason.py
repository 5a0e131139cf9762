"""The play-in and the playoffs: who meets whom, when, until one team is left.

A series ends with a team's fourth win. In the real league the number of dates with games therefore differs from year to
year; here the calendar comes first, so that a range of dates always holds the same number of them: in every round the
first two series are kept going for as many games as the calendar has days for them, on alternate days, and no other
takes longer. A game that would end a series on another day is played again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from backcourt.sources.simulator.season import Game, season_days
from backcourt.sources.simulator.teams import TEAMS

_AT_HOME = (True, True, False, False, True, False, True)
"""Whether the better team of a series is at home, game by game."""

_ROUND_DAYS = 15
_WINS = 4

_LENGTHS = ((7, 7), (7, 7), (7, 5), (6,))
"""By round: games of its first series, and of its second, which begins a day later. 46 dates, and 3 of the play-in."""

_LAST_LENGTHS = {2024: (7,)}
"""Finals of other lengths, by the year that the season starts in: those of 2025 went the distance."""

HomeWins = Callable[[Game, int], bool]
"""Plays a game, for the first or a later time (counted from 0), and says whether the home team won."""


@dataclass(frozen=True)
class Standings:
    """Wins of each team, by its place in TEAMS."""

    wins: tuple[int, ...]

    @classmethod
    def after(cls, results: Iterable[tuple[Game, bool]]) -> "Standings":
        """The standings after games, each with whether the home team won."""
        wins = [0] * len(TEAMS)
        for game, home_won in results:
            wins[game.home if home_won else game.away] += 1
        return cls(tuple(wins))

    def best(self, conference: str) -> list[int]:
        """A conference's teams, best first; equal ones in the order of TEAMS."""
        teams = [place for place, team in enumerate(TEAMS) if team.conference == conference]
        return sorted(teams, key=lambda team: -self.wins[team])

    def order(self, one: int, other: int) -> tuple[int, int]:
        """Two teams, the one with more wins first."""
        return (one, other) if self.wins[one] >= self.wins[other] else (other, one)


def postseason(year: int, standings: Standings, home_wins: HomeWins) -> int:
    """Play the postseason of a season; the champion. Of a game that is played several times only the last counts."""
    monday = season_days(year).last + timedelta(days=1)
    brackets = [
        _play_in(year, monday, at, standings.best(conference), home_wins)
        for at, conference in enumerate(("East", "West"))
    ]
    saturday = monday + timedelta(days=5)
    for number in range(1, 5):
        start = saturday + timedelta(days=_ROUND_DAYS * (number - 1))
        if number == 4:  # the champions of both conferences meet
            brackets = [[brackets[0][0], brackets[1][0]]]
        matches = [(bracket[n], bracket[-1 - n]) for bracket in brackets for n in range(len(bracket) // 2)]
        lengths = _LAST_LENGTHS.get(year, _LENGTHS[3]) if number == 4 else _LENGTHS[number - 1]
        winners = [
            _series(_Series(year, number, at, start, lengths[at % 2]), standings.order(*match), home_wins)
            for at, match in enumerate(matches)
        ]
        half = len(winners) // len(brackets)
        brackets = [winners[n * half : (n + 1) * half] for n in range(len(brackets))]
    return brackets[0][0]


def _play_in(year: int, monday: date, at: int, best: list[int], home_wins: HomeWins) -> list[int]:
    """A conference's eight for the bracket: the seventh to tenth play for the last two places."""

    def winner(number: int, day: int, home: int, away: int) -> tuple[int, int]:
        game_id = f"005{year % 100:02d}{at:02d}{number:03d}"
        game = Game(game_id, monday + timedelta(days=day), home, away, season_type="play_in")
        return (home, away) if home_wins(game, 0) else (away, home)

    seventh, loser = winner(1, 1 + at, best[6], best[7])
    survivor, _ = winner(2, 1 + at, best[8], best[9])
    eighth, _ = winner(3, 4, loser, survivor)
    return [*best[:6], seventh, eighth]


@dataclass(frozen=True)
class _Series:
    """Where a series stands in the playoffs: round from 1, place in the round from 0, first day of the round.

    `length` is the most games that it takes; the first two of a round take as many.
    """

    year: int
    round: int
    place: int
    start: date
    length: int

    def allows(self, wins: Iterable[int]) -> bool:
        """Whether the series may stand so: no end before its time, and one in time still to be had."""
        fewer, more = sorted(wins)
        if more == _WINS:
            return fewer + more == self.length or (self.place > 1 and fewer + more < self.length)
        return fewer <= self.length - _WINS

    def game(self, number: int, better: int, worse: int) -> Game:
        """Its game of a number from 0; every second series begins a day later, each plays every second day."""
        home, away = (better, worse) if _AT_HOME[number] else (worse, better)
        return Game(
            game_id=f"004{self.year % 100:02d}00{self.round}{self.place}{number + 1}",
            day=self.start + timedelta(days=2 * number + self.place % 2),
            home=home,
            away=away,
            season_type="playoffs",
        )


def _series(series: _Series, teams: tuple[int, int], home_wins: HomeWins) -> int:
    """Play until one of the teams, the better first, has won four games; that team."""
    won = dict.fromkeys(teams, 0)
    number = 0
    while max(won.values()) < _WINS:
        won = _after(series, series.game(number, *teams), won, home_wins)
        number += 1
    return max(won, key=lambda team: won[team])


def _after(series: _Series, game: Game, won: dict[int, int], home_wins: HomeWins) -> dict[int, int]:
    """The wins after a game, which is played until the series may go on from them."""
    attempt = 0
    while True:
        winner = game.home if home_wins(game, attempt) else game.away
        now = won | {winner: won[winner] + 1}
        if series.allows(now.values()):
            return now
        attempt += 1
