"""Which players a date's features are due for: those who played, or, while the date is not over, those expected.

A date before the plan's as-of date is over: its players are those in the player summaries of final games. On the
as-of date itself and later they are those in the upcoming contexts of games that are not postponed.
"""

import polars as pl

from backcourt.pipeline.processor import SAME_DATE, Chunk, Input, Inputs
from nba.analytics import player_game_summary, upcoming_player_game_context
from nba.games import SIDE_COLUMNS, final_games, is_played, on_dates, team_sides
from nba.raw import schedule
from nba.rosters import placeholders

PLAYER_COLUMNS = ("game_date", "game_id", "team_abbr", "player_lookup")
"""Columns of the summaries and of the contexts that name a date's players."""

UPCOMING = Input(upcoming_player_game_context.TABLE, PLAYER_COLUMNS, SAME_DATE, optional=True)
"""The contexts, as `due_players` needs them; optional, for a date that is over can do without."""

_SIDE = ("game_id", "team_abbr")


def due_players(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """The players of each date, one row a player.

    Needs the inputs schedule (`SIDE_COLUMNS`), player summaries and contexts (`PLAYER_COLUMNS`), each with the date
    itself.

    Returns:
        `day`, `season_year`, `player_lookup`, `team_abbr`, `opponent_team_abbr`, `home_game`, `game_id`, `game_date`,
        `is_over`; sorted by day and player.
    """
    found = _sides(chunk, inputs).join(_players(chunk, inputs), on=["day", *_SIDE])
    return found.with_columns(game_date="day").sort("day", "player_lookup")


def unseen_players(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """`game_date`, `player_lookup`: placeholders for every team that has a game and of which no player is known.

    A final game without box scores, or a game of today without contexts, so counts as missing players.
    """
    unknown = _sides(chunk, inputs).join(_players(chunk, inputs), on=["day", *_SIDE], how="anti")
    return placeholders(unknown, "nobody_seen").select("player_lookup", game_date="day")


def _sides(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Both teams of the final games of dates that are over and of the games to be played on the others."""
    fixtures = inputs[schedule.TABLE.full_name].select(SIDE_COLUMNS)
    over = final_games(fixtures, tuple(d for d in chunk.dates if d < chunk.as_of), chunk.as_of)
    ahead = on_dates(fixtures, tuple(d for d in chunk.dates if d >= chunk.as_of)).filter(is_played())
    sides = team_sides(pl.concat([over, ahead])).rename({"game_date": "day"})
    return sides.with_columns(is_over=pl.col("day") < chunk.as_of)


def _players(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Players by day, game and team, from the table that knows them."""
    tables = (player_game_summary.TABLE.full_name, upcoming_player_game_context.TABLE.full_name)
    played, expected = (on_dates(inputs[name], chunk.dates).select(PLAYER_COLUMNS) for name in tables)
    over = pl.col("game_date") < chunk.as_of
    return pl.concat([played.filter(over), expected.filter(~over)]).rename({"game_date": "day"})
