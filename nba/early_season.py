"""The weeks after the bootstrap in which players and teams have few games to look back on."""

from datetime import timedelta

import polars as pl

from nba.raw import schedule

EARLY_DAYS = 21
"""Days after the bootstrap that count as early."""


def with_early_season_flag(rows: pl.DataFrame, fixtures: pl.DataFrame) -> pl.DataFrame:
    """Adds `early_season_flag`: whether `day` is among the first 21 days after the bootstrap.

    Args:
        rows: `day`, `season_year`; more columns stay.
        fixtures: the schedule from the season's start, which is the season's first date in it.
    """
    starts = fixtures.group_by("season_year").agg(start=pl.col("game_date").min())
    early = pl.col("day") < pl.col("start") + timedelta(days=schedule.BOOTSTRAP_DAYS + EARLY_DAYS)
    joined = rows.join(starts, on="season_year", how="left", maintain_order="left")
    return joined.with_columns(early_season_flag=early).drop("start")
