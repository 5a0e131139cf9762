"""How a player comes into a date, from his own earlier games of the season: rest, load, form."""

import polars as pl

from nba.lookback import games_since, last_games
from nba.ratios import ratio

PLAYER = ("day", "season_year", "player_lookup")
"""What a question about a player on a date is keyed by."""

CONTEXT_COLUMNS = (
    "player_lookup",
    "season_year",
    "game_date",
    "game_id",
    "points",
    "minutes_played",
    "usage_rate",
)
"""Columns of the player summaries that a context is made of."""


def with_context(players: pl.DataFrame, games: pl.DataFrame) -> pl.DataFrame:
    """Adds rest, load and form before the day.

    Args:
        players: `day`, `season_year`, `player_lookup`; more columns stay.
        games: player summaries.

    Returns:
        `players` with `days_rest`, `days_rest_before_last_game`, `back_to_back`, the means `points_avg_last_5`,
        `points_avg_last_10`, `minutes_avg_last_10`, `avg_usage_rate_last_7_games` and `usage_avg_last_10`, and what
        `with_workload` adds. Without an earlier game rest and means are NULL and `back_to_back` is false.
    """
    rows = games.select(CONTEXT_COLUMNS)
    form = _form(players.select(PLAYER), rows)
    rested = players.join(form, on=PLAYER, how="left", maintain_order="left").with_columns(
        back_to_back=(pl.col("days_rest") == 0).fill_null(value=False)
    )
    return with_workload(rested, rows)


def with_workload(players: pl.DataFrame, games: pl.DataFrame) -> pl.DataFrame:
    """Adds games_, minutes_ and back_to_backs_ of the last 7 and 14 days, counted up to the day before.

    They are 0 without a game there; `avg_minutes_per_game_last_7` is NULL then. Arguments as of `with_context`.
    """
    rows = players
    for days in (7, 14):
        rows = rows.join(_load(players.select(PLAYER), games, days), on=PLAYER, how="left", maintain_order="left")
    counted = pl.col("^(games|minutes|back_to_backs)_(in_)?last_(7|14)_days$")
    per_game = ratio(pl.col("minutes_in_last_7_days"), pl.col("games_in_last_7_days"))
    return rows.with_columns(counted.fill_null(0)).with_columns(avg_minutes_per_game_last_7=per_game)


def _form(wanted: pl.DataFrame, games: pl.DataFrame) -> pl.DataFrame:
    """Rest before the day and before the last game, and means over the last 5, 7 and 10 games, by player."""
    ago = pl.col("games_ago")
    last, before_last = (pl.col("game_date").filter(ago == n).first() for n in (1, 2))
    return (
        last_games(wanted, games, "player_lookup", 10)
        .group_by(PLAYER, maintain_order=True)
        .agg(
            days_rest=_days_off(pl.col("day").first(), last),
            days_rest_before_last_game=_days_off(last, before_last),
            points_avg_last_5=pl.col("points").filter(ago <= 5).mean(),
            points_avg_last_10=pl.col("points").mean(),
            minutes_avg_last_10=pl.col("minutes_played").mean(),
            avg_usage_rate_last_7_games=pl.col("usage_rate").filter(ago <= 7).mean(),
            usage_avg_last_10=pl.col("usage_rate").mean(),
        )
    )


def _days_off(day: pl.Expr, last_game: pl.Expr) -> pl.Expr:
    """Full days between a game and `day`: 0 is a back-to-back."""
    return (day - last_game).dt.total_days() - 1


def _load(wanted: pl.DataFrame, games: pl.DataFrame, days: int) -> pl.DataFrame:
    """Games, minutes and back-to-backs from D − (days − 1) to D − 1, by player."""
    rows = games.select("player_lookup", "season_year", "game_date", "game_id", "minutes_played").sort("game_date")
    previous = pl.col("game_date").shift(1).over("player_lookup", "season_year")
    rows = rows.with_columns(day_after=(pl.col("game_date") - previous).dt.total_days() == 1)
    return (
        games_since(wanted, rows, "player_lookup", days - 1)
        .group_by(PLAYER, maintain_order=True)
        .agg(
            pl.len().alias(f"games_in_last_{days}_days"),
            pl.col("minutes_played").sum().alias(f"minutes_in_last_{days}_days"),
            pl.col("day_after").sum().alias(f"back_to_backs_last_{days}_days"),
        )
    )
