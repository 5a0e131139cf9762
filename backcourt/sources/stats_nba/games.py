"""The service's schedule as games: which there are, of which season and kind, and which are over.

The answer of `scheduleleaguev2` is read by its own nesting, not by nba_api's flattening: that one takes the first
game's keys for all games, and fails on a season without broadcasters.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from backcourt.errors import DataError
from backcourt.sources.stats_nba.service import UPDATE

SEASON_TYPES = {"002": "regular", "004": "playoffs", "005": "play_in"}
"""First three digits of a game id to the season's part. Others (001 preseason, 003 all-star, 006 the cup's final) are
no part of a season's figures and are left out."""

ASKED_AS = {"regular": "Regular Season", "playoffs": "Playoffs", "play_in": "PlayIn"}
"""The parts as the service's parameter `SeasonType` names them (nba_api, stats/library/parameters.py, 1.12)."""

KEPT_COLUMNS = (
    *("gameId", "gameDateEst", "gameDateTimeUTC", "gameStatus", "gameStatusText", "isNeutral"),
    *("homeTeam_teamTricode", "homeTeam_score", "awayTeam_teamTricode", "awayTeam_score"),
)
"""What is taken of a game, under nba_api's flat names."""

FINAL = 3
POSTPONED = "PPD"
_POSTPONED_TEXTS = ("PPD", "POSTPONED")

TURNS = {2020: date(2020, 12, 1)}
"""Where a season did not begin after the first of August: that of 2019-20 ended in October 2020."""


@dataclass(frozen=True)
class Game:
    """One game; scores are there once it is over."""

    game_id: str
    game_date: date
    season: str
    season_type: str
    game_status: int
    game_status_text: str
    game_start: str
    home_team_tricode: str
    away_team_tricode: str
    home_team_score: int | None
    away_team_score: int | None
    neutral_site_flag: bool

    @property
    def is_over(self) -> bool:
        """Whether it was played to its end."""
        return self.game_status == FINAL and not self.is_postponed

    @property
    def is_postponed(self) -> bool:
        """Whether it is played on another date."""
        return self.game_status_text == POSTPONED


def season_of(day: date) -> int:
    """The year in which the season of a date begins."""
    turn = TURNS.get(day.year, date(day.year, 8, 1))
    return day.year if day >= turn else day.year - 1


def season_name(year: int) -> str:
    """A season as the service writes it: 2023 is '2023-24'."""
    return f"{year}-{(year + 1) % 100:02}"


def season_ends(year: int) -> date:
    """The first date that no longer belongs to the season."""
    return TURNS.get(year + 1, date(year + 1, 8, 1))


def listed_games(answer: dict[str, Any], season: str) -> list[dict[str, Any]]:
    """The games of an answer, flat, as they are kept; a place in the playoffs without teams is no game yet.

    Raises:
        DataError: the answer has another shape.
    """
    try:
        games = [game for day in answer["leagueSchedule"]["gameDates"] for game in day["games"]]
        return [_flat(game) for game in games if _is_game(game)]
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"stats.nba.com/scheduleleaguev2 answers for {season} in another shape: {error!r} is missing or wrong.",
            UPDATE,
        ) from error


def games_of(rows: Iterable[Any], season: str) -> tuple[Game, ...]:
    """Kept rows as games, in the order of date and id."""
    games = (_game(row, season) for row in rows)
    return tuple(sorted(games, key=lambda game: (game.game_date, game.game_id)))


def _is_game(game: dict[str, Any]) -> bool:
    teams = (game["homeTeam"]["teamTricode"], game["awayTeam"]["teamTricode"])
    return game["gameId"][:3] in SEASON_TYPES and all(teams)


def _flat(game: dict[str, Any]) -> dict[str, Any]:
    sides = {f"{side}_{name}": value for side in ("homeTeam", "awayTeam") for name, value in game[side].items()}
    flat = {**game, **sides}
    return {name: flat[name] for name in KEPT_COLUMNS}


def _game(row: Any, season: str) -> Game:
    """One game. Before its end the service says 0 to 0, which is no score.

    A postponed game is known by its text alone: `postponedStatus` has been seen set on every game of a season.
    """
    text = row["gameStatusText"].strip()
    over = row["gameStatus"] == FINAL
    return Game(
        game_id=row["gameId"],
        game_date=date.fromisoformat(row["gameDateEst"][:10]),
        season=season,
        season_type=SEASON_TYPES[row["gameId"][:3]],
        game_status=row["gameStatus"],
        game_status_text=POSTPONED if text.upper() in _POSTPONED_TEXTS else text,
        game_start=row["gameDateTimeUTC"],
        home_team_tricode=row["homeTeam_teamTricode"],
        away_team_tricode=row["awayTeam_teamTricode"],
        home_team_score=row["homeTeam_score"] if over else None,
        away_team_score=row["awayTeam_score"] if over else None,
        neutral_site_flag=row["isNeutral"],
    )
