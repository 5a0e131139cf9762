"""`nba_precompute.player_daily_cache` (PDC): what a player has done over 5 and 10 games and the season so far."""

import polars as pl

from backcourt.pipeline.processor import SAME_DATE, SEASON, SEASON_AND_SAME_DATE, Chunk, Input, Inputs, Processor
from backcourt.pipeline.table import Table
from nba.analytics import player_game_summary, team_offense_game_summary, upcoming_player_game_context
from nba.columns import day, flag, in_shape, integer, number, text
from nba.due_players import PLAYER_COLUMNS, due_players, unseen_players
from nba.games import SIDE_COLUMNS, on_dates
from nba.lookback import WHOLE_SEASON, last_games
from nba.player_context import CONTEXT_COLUMNS, PLAYER, with_workload
from nba.precompute import player_shot_zone_analysis
from nba.raw import schedule

MIN_GAMES = 5
"""Games of the season that a player needs."""

FULL_GAMES = 10
"""Games of the longer window; a player with fewer is early in his season."""

VERSION = "v1"
"""`cache_version` of rows made by this module."""

_MEANS = {
    "points": ("points_avg", "points_avg_season"),
    "minutes_played": ("minutes_avg", "minutes_avg_season"),
    "usage_rate": ("usage_rate", "player_usage_rate_season"),
    "ts_pct": ("ts_pct", "ts_pct_season"),
}
"""A game's column to the stem of its means over 5 and 10 games and to the name of its mean over the season."""

_ZONES = ("primary_scoring_zone", "paint_rate_last_10", "mid_range_rate_last_10", "three_pt_rate_last_10")
_TEAM = ("day", "season_year", "team_abbr")

TABLE = Table(
    dataset="nba_precompute",
    name="player_daily_cache",
    partition_by="cache_date",
    key=("cache_date", "player_lookup"),
    columns=(
        text("player_lookup", "The player's key.", required=True),
        day("cache_date", "The date that the row is for; only earlier games of the season count.", required=True),
        integer("season_year", "The year the season starts in.", required=True),
        text("team_abbr", "The player's team.", required=True),
        number("points_avg_last_5", "Mean points of his last 5 games."),
        number("points_avg_last_10", "Mean points of his last 10 games."),
        number("points_avg_season", "Mean points of his season."),
        number("points_std_last_10", "Sample standard deviation of his points over the last 10 games."),
        number("minutes_avg_last_5", "Mean minutes of his last 5 games."),
        number("minutes_avg_last_10", "Mean minutes of his last 10 games."),
        number("minutes_avg_season", "Mean minutes of his season."),
        number("usage_rate_last_5", "Mean usage of his last 5 games."),
        number("usage_rate_last_10", "Mean usage of his last 10 games."),
        number("player_usage_rate_season", "Mean usage of his season."),
        number("ts_pct_last_5", "Mean true shooting of his last 5 games."),
        number("ts_pct_last_10", "Mean true shooting of his last 10 games."),
        number("ts_pct_season", "Mean true shooting of his season."),
        integer("games_played_season", "His games of the season.", required=True),
        integer("games_in_last_7_days", "His games from D − 6 to D − 1.", required=True),
        integer("games_in_last_14_days", "His games from D − 13 to D − 1.", required=True),
        number("minutes_in_last_7_days", "His minutes from D − 6 to D − 1.", required=True),
        number("minutes_in_last_14_days", "His minutes from D − 13 to D − 1.", required=True),
        integer("back_to_backs_last_14_days", "Games from D − 13 to D − 1 on the day after another.", required=True),
        number("avg_minutes_per_game_last_7", "Minutes a game from D − 6 to D − 1; NULL without one."),
        number("team_pace_last_10", "Mean pace of his team's last 10 games."),
        number("team_off_rating_last_10", "Mean offensive rating of his team's last 10 games."),
        text("primary_scoring_zone", "Where he shoots from, by the shot-zone analysis of the date."),
        number("paint_rate_last_10", "Share of his shots from the paint, percent."),
        number("mid_range_rate_last_10", "Share of his shots from mid-range, percent."),
        number("three_pt_rate_last_10", "Share of his shots from behind the line, percent."),
        integer("player_age", "His age in years, by the upcoming context."),
        flag("early_season_flag", "Fewer than 10 games this season.", required=True),
        text("cache_version", "The version of these columns.", required=True),
    ),
    description="One row a player and date: form, role and load before the date, for those with 5 games or more.",
)


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Due players with 5 games or more, and placeholders for teams of which no player is known."""
    players = _players(chunk, inputs).select("player_lookup", cache_date="day")
    unseen = unseen_players(chunk, inputs).select("player_lookup", cache_date="game_date")
    return pl.concat([players, unseen]).sort("cache_date", "player_lookup")


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Means of the games' own values, NULLs left out; shot zones and age are taken over from their tables.

    The same date's player summaries say who played for whom and nothing else.
    """
    due = _players(chunk, inputs)
    games = inputs[player_game_summary.TABLE.full_name]
    zones = on_dates(inputs[player_shot_zone_analysis.TABLE.full_name], chunk.dates, "analysis_date")
    contexts = on_dates(inputs[upcoming_player_game_context.TABLE.full_name], chunk.dates)
    rows = (
        with_workload(due, games)
        .join(_form(due.select(PLAYER), games), on=PLAYER, how="left")
        .join(_team_form(due, inputs[team_offense_game_summary.TABLE.full_name]), on=_TEAM, how="left")
        .join(zones.select("player_lookup", *_ZONES, day="analysis_date"), on=["day", "player_lookup"], how="left")
        .join(contexts.select("game_id", "player_lookup", "player_age"), on=["game_id", "player_lookup"], how="left")
    )
    return in_shape(
        rows.with_columns(
            cache_date="day",
            early_season_flag=pl.col("games_played_season") < FULL_GAMES,
            cache_version=pl.lit(VERSION),
        ),
        TABLE,
    )


def _players(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Due players with `games_played_season`, five or more."""
    due = due_players(chunk, inputs)
    games = inputs[player_game_summary.TABLE.full_name].select("player_lookup", "season_year", "game_date", "game_id")
    found = last_games(due.select(PLAYER), games, "player_lookup", WHOLE_SEASON)
    counted = found.group_by(PLAYER).agg(games_played_season=pl.len())
    enough = counted.filter(pl.col("games_played_season") >= MIN_GAMES)
    return due.join(enough, on=PLAYER, how="inner", maintain_order="left")


def _form(wanted: pl.DataFrame, games: pl.DataFrame) -> pl.DataFrame:
    """Means over 5 games, 10 games and the season, by player."""
    columns = ("player_lookup", "season_year", "game_date", "game_id", *_MEANS)
    found = last_games(wanted, games.select(columns), "player_lookup", WHOLE_SEASON)
    ago = pl.col("games_ago")
    return found.group_by(PLAYER, maintain_order=True).agg(
        *(
            pl.col(column).filter(ago <= count).mean().alias(f"{stem}_last_{count}")
            for column, (stem, _) in _MEANS.items()
            for count in (5, FULL_GAMES)
        ),
        *(pl.col(column).mean().alias(season) for column, (_, season) in _MEANS.items()),
        points_std_last_10=pl.col("points").filter(ago <= FULL_GAMES).std(),
    )


def _team_form(due: pl.DataFrame, offense: pl.DataFrame) -> pl.DataFrame:
    """Mean pace and offensive rating of the last 10 games, by team."""
    columns = ("team_abbr", "season_year", "game_date", "game_id", "pace", "offensive_rating")
    playing = due.select(_TEAM).unique(maintain_order=True)
    found = last_games(playing, offense.select(columns), "team_abbr", FULL_GAMES)
    return found.group_by(_TEAM, maintain_order=True).agg(
        team_pace_last_10=pl.col("pace").mean(), team_off_rating_last_10=pl.col("offensive_rating").mean()
    )


PROCESSOR = Processor(
    table=TABLE,
    version="1",
    inputs=(
        Input(schedule.TABLE, SIDE_COLUMNS, SAME_DATE),
        Input(
            player_game_summary.TABLE,
            tuple(dict.fromkeys((*PLAYER_COLUMNS, *CONTEXT_COLUMNS, *_MEANS))),
            SEASON_AND_SAME_DATE,
        ),
        Input(
            team_offense_game_summary.TABLE,
            ("game_id", "game_date", "team_abbr", "season_year", "pace", "offensive_rating"),
            SEASON,
        ),
        Input(upcoming_player_game_context.TABLE, (*PLAYER_COLUMNS, "player_age"), SAME_DATE, optional=True),
        Input(player_shot_zone_analysis.TABLE, ("analysis_date", "player_lookup", *_ZONES), SAME_DATE),
    ),
    expected_keys=expected_keys,
    compute=compute,
    bootstrap=True,
    needs_final_games=False,
)
