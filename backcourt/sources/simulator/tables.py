"""Played games as tables, with the columns and types of the published files of real games.

Schedules have a few columns more than the real ones, which hold only teams and dates: the status, the score and the
kind of game, under the names of the raw table.
"""

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
import polars as pl

from backcourt.sources.simulator.league import POSITIONS, Season
from backcourt.sources.simulator.playing import Played
from backcourt.sources.simulator.season import Game
from backcourt.sources.simulator.teams import TEAMS

_TRICODES = np.array([team.tricode for team in TEAMS])
_TEAM_NAMES = np.array([team.name for team in TEAMS])
_TEAM_IDS = np.array([team.team_id for team in TEAMS])

_SMALL = pl.Int16
_LINE = ("points", "fgm", "fga", "fg3m", "fg3a", "ftm", "fta", "oreb", "dreb", "reb", "ast", "stl", "blk", "tov", "pf")

BOX_SCORES = {
    "game_id": pl.String(),
    "game_date": pl.Date(),
    "season": pl.String(),
    "player_id": pl.Int64(),
    "player_name": pl.String(),
    "team": pl.String(),
    "opponent": pl.String(),
    "is_home": pl.Boolean(),
    "won": pl.Boolean(),
    "player_position": pl.String(),
    "minutes": pl.Float64(),
    **{name: _SMALL() for name in (*_LINE, "plus_minus")},
}
"""Columns of a file of box scores."""

SHOTS = {
    "season": pl.String(),
    "game_id": pl.String(),
    "game_date": pl.Date(),
    "team_id": pl.Int64(),
    "team_name": pl.String(),
    "player_id": pl.Int64(),
    "player_name": pl.String(),
    "player_position": pl.String(),
    "home_team": pl.String(),
    "away_team": pl.String(),
    "period": pl.Int8(),
    "seconds_left": pl.Int16(),
    "made": pl.Boolean(),
    "shot_value": pl.Int8(),
    "basic_zone": pl.String(),
    "zone_side": pl.String(),
    "zone_range": pl.String(),
    "shot_distance_ft": pl.Int16(),
    "loc_x_ft": pl.Float32(),
    "loc_y_ft": pl.Float32(),
    "action_type": pl.String(),
}
"""Columns of a file of shots."""

SCHEDULE = {
    "season": pl.String(),
    "game_id": pl.String(),
    "game_date": pl.Date(),
    "home_team": pl.String(),
    "away_team": pl.String(),
    "season_type": pl.String(),
    "game_status": pl.Int64(),
    "game_status_text": pl.String(),
    "home_team_score": pl.Int64(),
    "away_team_score": pl.Int64(),
    "arena_timezone": pl.String(),
    "neutral_site_flag": pl.Boolean(),
}
"""Columns of a file of a schedule."""

PLAYERS = {
    "player_id": pl.Int64(),
    "player_name": pl.String(),
    "player_position": pl.String(),
    "position_group": pl.String(),
    "first_shot": pl.Date(),
    "last_shot": pl.Date(),
}
"""Columns of the file of players."""


class _People:
    """A season's players as arrays, to be looked up by their places."""

    def __init__(self, season: Season) -> None:
        self.ids = np.array([player.player_id for player in season.players])
        self.names = np.array([player.name for player in season.players])
        self.positions = np.array([POSITIONS[player.position] for player in season.players])


def box_scores(season: Season, games: Sequence[Played]) -> pl.DataFrame:
    """A row a player and game, in the order of the games, home first, best first."""
    people = _People(season)
    return _stacked(BOX_SCORES, (_lines(season, people, game, side) for game in games for side in (0, 1)))


def _lines(season: Season, people: _People, played: Played, side: int) -> dict[str, object]:
    """One team's box score as columns."""
    game, box, who = played.game, played.boxes[side], played.players[side]
    team, opponent = (game.home, game.away) if side == 0 else (game.away, game.home)
    counts = {**box.counts, "points": box.points, "reb": box.counts["oreb"] + box.counts["dreb"]}
    return {
        "game_id": game.game_id,
        "game_date": game.day,
        "season": season.label,
        "player_id": people.ids[who],
        "player_name": people.names[who],
        "team": TEAMS[team].tricode,
        "opponent": TEAMS[opponent].tricode,
        "is_home": side == 0,
        "won": played.home_won == (side == 0),
        "player_position": people.positions[who],
        "minutes": box.minutes,
        **{name: counts[name] for name in _LINE},
        "plus_minus": box.plus_minus,
    }


def shots(season: Season, games: Sequence[Played]) -> pl.DataFrame:
    """A row a shot, in the order of the games and of time."""
    people = _People(season)
    return _stacked(SHOTS, (_chart(season, people, played) for played in games))


def _chart(season: Season, people: _People, played: Played) -> dict[str, object]:
    """One game's shots as columns."""
    game, chart = played.game, played.shots
    most = max(len(who) for who in played.players)
    lineups = np.array([np.pad(who, (0, most - len(who))) for who in played.players])
    who, teams = lineups[chart.team, chart.player], np.array([game.home, game.away])[chart.team]
    return {
        "season": season.label,
        "game_id": game.game_id,
        "game_date": game.day,
        "team_id": _TEAM_IDS[teams],
        "team_name": _TEAM_NAMES[teams],
        "player_id": people.ids[who],
        "player_name": people.names[who],
        "player_position": people.positions[who],
        "home_team": TEAMS[game.home].tricode,
        "away_team": TEAMS[game.away].tricode,
        "period": chart.period,
        "seconds_left": chart.seconds_left,
        "made": chart.made,
        "shot_value": chart.value,
        "basic_zone": chart.zone_name,
        "zone_side": chart.side,
        "zone_range": chart.reach,
        "shot_distance_ft": chart.distance,
        "loc_x_ft": chart.x,
        "loc_y_ft": chart.y,
        "action_type": chart.kind,
    }


def _stacked(schema: dict[str, pl.DataType], parts: Iterable[dict[str, object]]) -> pl.DataFrame:
    """The parts' columns one below the other; a single value stands for every row of its part."""
    columns: dict[str, list[pl.Series]] = {name: [] for name in schema}
    for part in parts:
        rows = max(len(value) for value in part.values() if isinstance(value, np.ndarray))
        for name, dtype in schema.items():
            value = part[name]
            if isinstance(value, np.ndarray | list):
                columns[name].append(pl.Series(name, value).cast(dtype))
            else:
                columns[name].append(pl.Series(name, [value], dtype).new_from_index(0, rows))
    return pl.DataFrame(
        [
            pl.concat(series).alias(name) if series else pl.Series(name, [], schema[name])
            for name, series in columns.items()
        ]
    )


def schedule(season: Season, games: Sequence[Game], scores: dict[str, tuple[int, int]]) -> pl.DataFrame:
    """A row a game; `scores` has home and away points of the games that are over, by game id.

    A postponed game keeps its row, with the status PPD; a game that is neither is yet to be played.
    """
    rows = []
    for game in games:
        home, away = scores.get(game.game_id, (None, None))
        status = (3, "Final") if home is not None else (1, "PPD" if game.postponed else "Scheduled")
        rows.append(
            (
                season.label,
                game.game_id,
                game.day,
                TEAMS[game.home].tricode,
                TEAMS[game.away].tricode,
                game.season_type,
                *status,
                home,
                away,
                TEAMS[game.home].timezone,
                False,
            )
        )
    return pl.DataFrame(rows, schema=SCHEDULE, orient="row")


def players(shots_by_season: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """A row a player who has taken a shot, by id, with the dates of his first and last one."""
    columns = ("player_id", "player_name", "player_position", "game_date")
    seen = pl.concat([shots.select(columns) for shots in shots_by_season])
    group = pl.col("player_position").replace_strict({"PG": "G", "SG": "G", "SF": "F", "PF": "F", "C": "C"})
    return (
        seen.group_by("player_id")
        .agg(
            pl.col("player_name", "player_position").first(),
            first_shot=pl.col("game_date").min(),
            last_shot=pl.col("game_date").max(),
        )
        .with_columns(position_group=group)
        .select(*PLAYERS)
        .sort("player_id")
    )


def within(games: Sequence[Game], start: date, end: date) -> list[Game]:
    """The games from `start` to `end`, both included."""
    return [game for game in games if start <= game.day <= end]
