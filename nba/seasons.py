"""Seasons as sources write them."""

import polars as pl


def season_year(season: pl.Expr) -> pl.Expr:
    """The year a season starts in: '2023-24' is 2023; what does not start with four digits is NULL."""
    return season.str.extract(r"^(\d{4})", 1).cast(pl.Int64).alias("season_year")
