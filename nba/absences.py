"""Who of a player's teammates is listed out or questionable, and whether those who are out are stars."""

import polars as pl

from nba.player_context import PLAYER

STAR_POINTS, STAR_MINUTES, STAR_USAGE = 18.0, 28.0, 25.0
"""A star averages as many points, as many minutes or as much usage over his last 10 games."""

USAGE_OF_AN_ABSENT_STAR = 0.05
"""Share of his own usage that a player gains for each star teammate who is out."""

INJURY_COLUMNS = ("game_date", "player_lookup", "injury_status", "reason")
"""Columns of `nba_raw.injury_report` that are needed here."""


def with_absences(players: pl.DataFrame, injuries: pl.DataFrame) -> pl.DataFrame:
    """Adds each player's own status and his absent teammates.

    Teammates are the players of the same team among `players`: those whom the team has used in its last 10 games. A
    star who has been away for longer is no news: the others' last games were played without him.

    Args:
        players: `day`, `season_year`, `player_lookup`, `team_abbr` and the means of the last 10 games
            `points_avg_last_10`, `minutes_avg_last_10`, `usage_avg_last_10`; more columns stay.
        injuries: rows of `nba_raw.injury_report`.

    Returns:
        `players` with `player_status`, `injury_report` (the reason), `star_teammates_out`,
        `questionable_teammates` and `projected_usage_rate`.
    """
    reported = injuries.select("player_lookup", day="game_date", player_status="injury_status", injury_report="reason")
    is_star = (
        (pl.col("points_avg_last_10") >= STAR_POINTS)
        | (pl.col("minutes_avg_last_10") >= STAR_MINUTES)
        | (pl.col("usage_avg_last_10") >= STAR_USAGE)
    ).fill_null(value=False)
    rows = players.join(reported, on=["day", "player_lookup"], how="left", maintain_order="left").with_columns(
        star_out=is_star & pl.col("player_status").eq_missing("out"),
        questionable=pl.col("player_status").eq_missing("questionable"),
    )
    return rows.with_columns(
        star_teammates_out=_teammates("star_out"), questionable_teammates=_teammates("questionable")
    ).with_columns(
        projected_usage_rate=pl.col("usage_avg_last_10") * (1 + USAGE_OF_AN_ABSENT_STAR * pl.col("star_teammates_out"))
    )


def _teammates(of_whom: str) -> pl.Expr:
    """How many others of the team the flag holds for."""
    flagged = pl.col(of_whom).cast(pl.Int64)
    return flagged.sum().over(PLAYER[0], "team_abbr") - flagged
