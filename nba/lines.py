"""One line on a player's points out of those of several bookmakers: their median, opening and latest separately.

The median, because one bookmaker's odd line must not move it; with an even number it is the mean of the middle two.
"""

import polars as pl

LINE_COLUMNS = ("game_date", "player_lookup", "points_line", "opening_line")
"""Columns of `nba_raw.player_props` that `lines_of` needs."""


def lines_of(props: pl.DataFrame) -> pl.DataFrame:
    """`game_date`, `player_lookup`, `points_line`, `opening_line`: one row a player with a line.

    A bookmaker without an opening line has no say in the opening line; `props` are rows of `nba_raw.player_props`.
    """
    known = props.filter(pl.col("points_line").is_not_null())
    return known.group_by("game_date", "player_lookup").agg(
        pl.col("points_line").median(), pl.col("opening_line").median()
    )
