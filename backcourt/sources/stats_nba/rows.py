"""The service's result sets as a feed's rows: which columns are taken, and what is worked out from them.

Names are lower-cased here and renamed by the feed's aliases. Everything that the schedule knows better (date, home
team, opponent) comes from the schedule.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from backcourt.errors import DataError
from backcourt.sources.stats_nba.games import Game
from backcourt.sources.stats_nba.service import UPDATE

BASELINE_TO_BASKET_FEET = 5.25
"""The basket's centre is 63 inches inside the baseline (NBA rule 1, section I)."""

LINE_COLUMNS = (
    *("GAME_ID", "SEASON_YEAR", "PLAYER_ID", "PLAYER_NAME", "TEAM_ABBREVIATION", "WL", "MIN", "PTS", "FGM", "FGA"),
    *("FG3M", "FG3A", "FTM", "FTA", "OREB", "DREB", "REB", "AST", "STL", "BLK", "TOV", "PF", "PLUS_MINUS"),
)
"""What is taken of `playergamelogs`. It tells neither starters nor positions."""

SHOT_COLUMNS = (
    *("GAME_ID", "PLAYER_ID", "PLAYER_NAME", "TEAM_NAME", "PERIOD", "MINUTES_REMAINING", "SECONDS_REMAINING"),
    *("ACTION_TYPE", "SHOT_TYPE", "SHOT_ZONE_BASIC", "SHOT_ZONE_AREA", "SHOT_ZONE_RANGE", "SHOT_DISTANCE"),
    *("LOC_X", "LOC_Y", "SHOT_MADE_FLAG"),
)
"""What is taken of `shotchartdetail`."""


def taken_rows(answer: Mapping[str, Any], result_set: str, columns: Sequence[str], where: str) -> list[dict[str, Any]]:
    """The rows of one result set, with only the columns that are taken.

    Raises:
        DataError: the result set or a column is missing, or a row is shorter than the headers.
    """
    try:
        sets = {each["name"]: each for each in answer["resultSets"]}
        headers, rows = sets[result_set]["headers"], sets[result_set]["rowSet"]
        missing = [name for name in columns if name not in headers]
        if missing:
            raise DataError(f"{where} answers without {', '.join(missing)}.", UPDATE)
        at = {name: headers.index(name) for name in columns}
        return [{name: row[place] for name, place in at.items()} for row in rows]
    except (KeyError, TypeError, IndexError) as error:
        raise DataError(f"{where} answers in another shape: {error!r}.", UPDATE) from error


def box_score_frame(rows: Sequence[Mapping[str, Any]], games: Mapping[str, Game]) -> pl.DataFrame:
    """Players' lines of `games` (by id) in the feed's terms.

    Raises:
        DataError: a line's team does not play in its game.
    """
    frame = _frame(rows, LINE_COLUMNS)
    team, home = pl.col("team_abbreviation"), _of_game(games, "home_team_tricode")
    away = _of_game(games, "away_team_tricode")
    strangers = frame.filter((team != home) & (team != away))
    if strangers.height:
        first = strangers.row(0, named=True)
        raise DataError(
            f"stats.nba.com/playergamelogs: {first['player_name']} played game {first['game_id']} for "
            f"{first['team_abbreviation']}, which the schedule does not have in it.",
            "Empty the cache folder and ingest again; if it stays, ingest that date from a folder.",
        )
    return frame.with_columns(
        game_date=_of_game(games, "game_date"),
        opponent_team_abbr=pl.when(team == home).then(away).otherwise(home),
        home_game=team == home,
        win_flag=pl.col("wl").replace_strict({"W": True, "L": False}, default=None, return_dtype=pl.Boolean),
    ).drop("wl")


def shot_frame(rows: Sequence[Mapping[str, Any]], games: Mapping[str, Game]) -> pl.DataFrame:
    """Shots of `games` (by id) in the feed's terms.

    The service measures in tenths of a foot from the basket, and mirrored to the feed's side; areas carry a code in
    parentheses that the feed's do not.
    """
    frame = _frame(rows, SHOT_COLUMNS)
    return frame.with_columns(
        game_date=_of_game(games, "game_date"),
        seconds_left=pl.col("minutes_remaining") * 60 + pl.col("seconds_remaining"),
        shot_value=pl.col("shot_type").str.extract(r"^(\d)PT", 1),
        shot_zone_area=pl.col("shot_zone_area").str.replace(r"\(\w+\)$", ""),
        loc_x=-pl.col("loc_x").cast(pl.Float64) / 10,
        loc_y=pl.col("loc_y").cast(pl.Float64) / 10 + BASELINE_TO_BASKET_FEET,
    ).drop("minutes_remaining", "seconds_remaining", "shot_type")


def _frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pl.DataFrame:
    """The rows under lower-case names; a column of mixed kinds becomes text, which the feed's types then refuse."""
    return pl.DataFrame([pl.Series(name.lower(), [row[name] for row in rows], strict=False) for name in columns])


def _of_game(games: Mapping[str, Game], field: str) -> pl.Expr:
    """A field of the row's game."""
    values = {game_id: getattr(game, field) for game_id, game in games.items()}
    return pl.col("game_id").replace_strict(values, default=None)
