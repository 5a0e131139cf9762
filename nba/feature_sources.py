"""What the features are made of: a date's players beside their rows of every table, as `<table>.<column>`."""

import polars as pl

from nba.lines import lines_of
from nba.lookback import WHOLE_SEASON, last_games
from nba.player_context import PLAYER, with_context

GAME_COLUMNS = ("player_lookup", "season_year", "game_date", "game_id", "opponent_team_abbr", "points", "ft_makes")
"""Columns of the player summaries that are read besides those of a context."""

LAST_GAMES = 10
"""Games that form is taken from."""

MOST_FREE_THROWS = 0.5
"""The share of points from free throws counts no higher."""


def prefixed(rows: pl.DataFrame, name: str, keys: tuple[str, ...]) -> pl.DataFrame:
    """The rows with every column but the keys renamed to `<name>.<column>`."""
    return rows.rename({c: f"{name}.{c}" for c in rows.columns if c not in keys})


def with_games(due: pl.DataFrame, games: pl.DataFrame) -> pl.DataFrame:
    """Adds `pgs.…`: rest, load and form from the players' own games, and their meetings with the opponent.

    Args:
        due: `day`, `season_year`, `player_lookup`, `opponent_team_abbr`; more columns stay.
        games: player summaries of all seasons.
    """
    own = with_context(due.select(PLAYER), games)
    form = own.join(_season_form(due.select(PLAYER), games), on=PLAYER, how="left", maintain_order="left")
    met = ("day", "player_lookup", "opponent_team_abbr")
    rows = due.join(prefixed(form, "pgs", PLAYER), on=PLAYER, how="left", maintain_order="left")
    meetings = prefixed(_meetings(due, games), "pgs", met)
    return rows.join(meetings, on=met, how="left", maintain_order="left").with_columns(
        pl.col("pgs.games_vs_opponent").fill_null(0)
    )


def with_reports(rows: pl.DataFrame, props: pl.DataFrame, injuries: pl.DataFrame) -> pl.DataFrame:
    """Adds `props.…` (the lines) and `injuries.…`: the status, whether he is listed, whether the date has a report."""
    lines = prefixed(lines_of(props).rename({"game_date": "day"}), "props", PLAYER)
    listed = injuries.select(
        pl.col("game_date").alias("day"),
        "player_lookup",
        pl.col("injury_status").alias("injuries.status"),
        pl.lit(value=True, dtype=pl.Boolean).alias("injuries.is_listed"),
    )
    reported = injuries.select(
        pl.col("game_date").alias("day"), pl.lit(value=True, dtype=pl.Boolean).alias("injuries.is_reported")
    ).unique()
    on_player = ["day", "player_lookup"]
    return (
        rows.join(lines, on=on_player, how="left")
        .join(listed, on=on_player, how="left")
        .join(reported, on="day", how="left")
    )


def _season_form(wanted: pl.DataFrame, games: pl.DataFrame) -> pl.DataFrame:
    """Means of the season, deviation and trend of points, and the share of free throws, by player."""
    columns = ("player_lookup", "season_year", "game_date", "game_id", "points", "minutes_played", "ft_makes")
    found = last_games(wanted, games.select(columns), "player_lookup", WHOLE_SEASON)
    ago = pl.col("games_ago")
    latest = ago <= LAST_GAMES
    points, free_throws = (pl.col(c).filter(latest).sum() for c in ("points", "ft_makes"))
    newest, older = (pl.col("points").filter(which).mean() for which in (ago <= 2, ago.is_between(3, 5)))
    return found.group_by(PLAYER, maintain_order=True).agg(
        points_avg_season=pl.col("points").mean(),
        minutes_avg_season=pl.col("minutes_played").mean(),
        points_std_last_10=pl.col("points").filter(latest).std(),
        points_trend=pl.when(pl.len() >= 5).then(newest - older),
        free_throw_share=pl.when(points > 0).then((free_throws / points).clip(upper_bound=MOST_FREE_THROWS)),
    )


def _meetings(due: pl.DataFrame, games: pl.DataFrame) -> pl.DataFrame:
    """Mean points against the opponent before the day, and in how many games, by player and opponent."""
    pair = pl.concat_str("player_lookup", "opponent_team_abbr", separator=" ")
    every_season = pl.lit(0, dtype=pl.Int64)
    wanted = due.select("day", "player_lookup", "opponent_team_abbr", pair=pair, season_year=every_season)
    rows = games.select("game_date", "game_id", "points", pair=pair, season_year=every_season)
    found = last_games(wanted, rows, "pair", WHOLE_SEASON)
    return found.group_by("day", "player_lookup", "opponent_team_abbr", maintain_order=True).agg(
        points_avg_vs_opponent=pl.col("points").mean(), games_vs_opponent=pl.len()
    )
