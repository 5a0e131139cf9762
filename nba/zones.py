"""The three zones of the court that players and defenses are measured in."""

import polars as pl

ZONE_OF: dict[str, str] = {
    "Restricted Area": "paint",
    "In The Paint (Non-RA)": "paint",
    "Mid-Range": "mid_range",
    "Left Corner 3": "three",
    "Right Corner 3": "three",
    "Above the Break 3": "three",
    "Backcourt": "three",
}
"""The league's basic zones to ours; shots from the backcourt count as threes."""

ZONE_COLUMNS: dict[str, tuple[str, str]] = {
    "paint": ("paint_attempts", "paint_makes"),
    "mid_range": ("mid_range_attempts", "mid_range_makes"),
    "three": ("three_attempts_pbp", "three_makes_pbp"),
}
"""Zone to the columns of attempts and makes in a player's summary."""


def zone_counts(shots: pl.DataFrame) -> pl.DataFrame:
    """Attempts and makes by zone, one row a (game_id, player_lookup) with a shot; a shot of no zone counts nowhere."""
    zone = pl.col("shot_zone_basic").replace_strict(ZONE_OF, default=None)
    counted = [
        column
        for name, (attempts, makes) in ZONE_COLUMNS.items()
        for column in (
            (pl.col("zone") == name).sum().cast(pl.Int64).alias(attempts),
            ((pl.col("zone") == name) & pl.col("shot_made")).sum().cast(pl.Int64).alias(makes),
        )
    ]
    return shots.with_columns(zone=zone).group_by("game_id", "player_lookup", maintain_order=True).agg(counted)
