"""What is known before a game: who is listed as hurt, and the bookmakers' lines on the players' points.

Both are made from what could be known: who is out, how talented a player and how strong his opponent is; never from the
game's result. Each game's reports have a seed of their own, as the game has.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

import numpy as np
import polars as pl

from backcourt.sources.simulator.availability import Availability
from backcourt.sources.simulator.game import MINUTES
from backcourt.sources.simulator.league import Season
from backcourt.sources.simulator.season import Game
from backcourt.sources.simulator.teams import TEAMS

PLAYER_PROPS = {
    "game_date": pl.Date(),
    "game_id": pl.String(),
    "player_name": pl.String(),
    "bookmaker": pl.String(),
    "points_line": pl.Float64(),
    "opening_line": pl.Float64(),
    "over_price": pl.Int64(),
    "under_price": pl.Int64(),
    "snapshot_at": pl.Datetime("us", "UTC"),
}
"""Columns of a file of lines."""

INJURY_REPORT = {
    "game_date": pl.Date(),
    "player_name": pl.String(),
    "team": pl.String(),
    "injury_status": pl.String(),
    "reason": pl.String(),
    "report_at": pl.Datetime("us", "UTC"),
}
"""Columns of a file of injuries."""

_REPORTED_AT, _SEEN_AT = time(21, 30), time(22)
"""Instants of the report and of the lines on the game's date, UTC: early evening in the east."""

_AWAY = (("Out", 0.90), ("Doubtful", 0.06), ("Questionable", 0.04))
_WELL = (("", 0.93), ("Probable", 0.03), ("Questionable", 0.025), ("Available", 0.015))
"""Statuses of players who will miss the game and of those who can play, with their shares; "" is not listed."""

_NO_LINE = {"Out", "Doubtful"}
_SIDES, _PARTS = ("Left", "Right"), ("Ankle; Sprain", "Knee; Soreness", "Hamstring; Strain", "Foot; Soreness")
_OTHER = ("Low Back; Tightness", "Illness; Flu-like symptoms", "Concussion Protocol", "Abdominal; Strain")

_BOOKMAKERS = ("harbor", "northside", "sevenths")
_OFFERS = 0.9
_TEAM_POINTS, _POINTS_A_MAKE = 112.5, 190.0
"""A team's mean points, and what a share of made shots of 1 more would add to them."""
_MEDIAN = 0.96
"""A line is a median: a player's points have a long upper tail, so that it lies below their mean."""
_MOST_LINES, _LOWEST_LINE = 9, 5.0
_MARKET_ERROR, _OPENING_ERROR, _OWN_ERROR = 1.0, 0.8, 0.35
_PRICE, _PRICE_STEPS = -110, (-10, -5, 0, 0, 5, 10)


@dataclass(frozen=True)
class Reports:
    """The lines and the injuries of some games."""

    props: pl.DataFrame
    injuries: pl.DataFrame


def reports_of(seed: int, season: Season, available: Availability, games: Iterable[Game]) -> Reports:
    """The reports on games of a season; a postponed game has none. More games only add rows."""
    props: list[tuple[object, ...]] = []
    injuries: list[tuple[object, ...]] = []
    for game in games:
        if game.postponed:
            continue
        rng = np.random.default_rng([seed, season.year, 5, int(game.game_id)])
        rosters, dressed = available.rosters(game.day), available.on(game.day)
        for team, other in ((game.home, game.away), (game.away, game.home)):
            listed = {
                int(player): _status(rng, _WELL if player in dressed[team] else _AWAY) for player in rosters[team]
            }
            injuries += _injuries(seed, season, available, game.day, team, listed)
            healthy = [player for player, status in listed.items() if status not in _NO_LINE]
            strength = float(season.offense[team] - season.defense[other])
            props += _lines(rng, season, game, healthy, _TEAM_POINTS + _POINTS_A_MAKE * strength)
    return Reports(
        pl.DataFrame(props, schema=PLAYER_PROPS, orient="row"),
        pl.DataFrame(injuries, schema=INJURY_REPORT, orient="row"),
    )


def _status(rng: np.random.Generator, shares: tuple[tuple[str, float], ...]) -> str:
    """A player's status before a game; one who is listed as questionable or better may still play or not."""
    return str(rng.choice([word for word, _ in shares], p=[share for _, share in shares]))


def _injuries(
    seed: int, season: Season, available: Availability, day: date, team: int, listed: dict[int, str]
) -> Iterator[tuple[object, ...]]:
    """The report's rows of a team: the reason stays the same for as long as a spell lasts."""
    for player, status in listed.items():
        if status:
            since = available.out_since(player, day) or day
            reason = _reason(np.random.default_rng([seed, season.year, 6, player, since.toordinal()]))
            at = datetime.combine(day, _REPORTED_AT, UTC)
            yield day, season.players[player].name, TEAMS[team].tricode, status, reason, at


def _reason(rng: np.random.Generator) -> str:
    if rng.random() < 0.35:
        return f"Injury/Illness - {rng.choice(_OTHER)}"
    return f"Injury/Illness - {rng.choice(_SIDES)} {rng.choice(_PARTS)}"


def _lines(
    rng: np.random.Generator, season: Season, game: Game, healthy: list[int], team_points: float
) -> Iterator[tuple[object, ...]]:
    """The bookmakers' lines on a team's best scorers: what is expected of them, and errors that they share or not."""
    expected = _expected_points(season, healthy, team_points)
    at = datetime.combine(game.day, _SEEN_AT, UTC)
    for player in sorted(expected, key=lambda one: -expected[one])[:_MOST_LINES]:
        market = _MEDIAN * expected[player] + rng.normal(0, _MARKET_ERROR)
        if market < _LOWEST_LINE:
            continue
        opening = market + rng.normal(0, _OPENING_ERROR)
        for bookmaker in _BOOKMAKERS:
            own = rng.normal(0, _OWN_ERROR)
            lean = int(rng.choice(_PRICE_STEPS))
            if rng.random() < _OFFERS:
                name = season.players[player].name
                lines = (_half_point(market + own), _half_point(opening + own))
                yield game.day, game.game_id, name, bookmaker, *lines, _PRICE + lean, _PRICE - lean, at


def _expected_points(season: Season, healthy: list[int], team_points: float) -> dict[int, float]:
    """A team's points by how often each has the ball: the most talented play the longest."""
    by_talent = sorted(healthy, key=lambda player: -season.players[player].talent)[: len(MINUTES)]
    weights = np.array([season.players[player].usage for player in by_talent]) * MINUTES[: len(by_talent)]
    return dict(zip(by_talent, (team_points * weights / weights.sum()).tolist(), strict=True))


def _half_point(points: float) -> float:
    """The nearest line that nobody's points can equal."""
    return float(np.floor(points)) + 0.5
