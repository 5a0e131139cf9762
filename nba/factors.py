"""The four factors of a player's composite score, as expressions over his context; DOMAIN, section 3, gives them.

Each score is clipped last. A score whose inputs are missing is 0; `MISSING` names those inputs.
"""

from functools import reduce

import polars as pl

VERSION = "v1_4factors"
"""`calculation_version` of rows made by this module."""

FATIGUE_PARTS: tuple[tuple[str, pl.Expr, int], ...] = (
    ("back-to-back", pl.col("back_to_back"), -15),
    ("rested", ~pl.col("back_to_back") & (pl.col("days_rest") >= 3), 5),
    ("four games in a week", pl.col("games_in_last_7_days") >= 4, -10),
    ("over 240 minutes in a week", pl.col("minutes_in_last_7_days") > 240, -10),
    ("over 35 minutes a game", pl.col("avg_minutes_per_game_last_7") > 35, -8),
    ("two back-to-backs", pl.col("back_to_backs_last_14_days") >= 2, -12),
    ("one back-to-back", pl.col("back_to_backs_last_14_days") == 1, -5),
    ("35 years old", pl.col("player_age") >= 35, -10),
    ("30 years old", pl.col("player_age").is_between(30, 34), -5),
)
"""What takes from a fresh player's 100 points, or adds to them; an unknown figure changes nothing."""

ZONES = {
    "paint": ("paint_rate_last_10", "paint_defense_vs_league_avg"),
    "mid_range": ("mid_range_rate_last_10", "mid_range_defense_vs_league_avg"),
    "perimeter": ("three_pt_rate_last_10", "three_pt_defense_vs_league_avg"),
}
"""A player's primary zone to his share of shots there (percent) and the opponent's figure there (percentage points)."""

STRONG_MISMATCH, EMPHASIS = 5.0, 1.2
"""A mismatch beyond ±5 counts 1.2 times."""

MISSING: dict[str, pl.Expr] = {
    "player_shot_zones": pl.col("primary_scoring_zone").is_null(),
    "opponent_zone_defense": pl.all_horizontal(pl.col(figure).is_null() for _, figure in ZONES.values()),
    "pace_differential": pl.col("pace_differential").is_null(),
    "usage_rates": pl.col("projected_usage_rate").is_null() | pl.col("avg_usage_rate_last_7_games").is_null(),
}
"""The inputs that may be missing."""


def fatigue_score() -> pl.Expr:
    """0 to 100, 100 is fresh."""
    parts = (pl.when(holds).then(points).otherwise(0) for _, holds, points in FATIGUE_PARTS)
    return reduce(lambda a, b: a + b, parts, pl.lit(100, dtype=pl.Int64)).clip(0, 100)


def fatigue_adjustment() -> pl.Expr:
    """Points that the fatigue costs, −5 to 0."""
    return (pl.col("fatigue_score") - 100) / 20


def zone_share() -> pl.Expr:
    """Share of the player's shots in his primary zone, percent; NULL for a balanced player."""
    return _of_primary_zone({zone: share for zone, (share, _) in ZONES.items()})


def zone_defense() -> pl.Expr:
    """The opponent's figure against the league in the player's primary zone; NULL for a balanced player."""
    return _of_primary_zone({zone: figure for zone, (_, figure) in ZONES.items()})


def shot_zone_mismatch_score() -> pl.Expr:
    """−10 to 10: the opponent's figure in the player's primary zone × min(share / 50, 1), × 1.2 beyond ±5."""
    weight = pl.min_horizontal(zone_share() / 50, pl.lit(1.0))
    mismatch = pl.when(zone_share().is_not_null()).then(zone_defense() * weight)
    emphasised = pl.when(mismatch.abs() > STRONG_MISMATCH).then(mismatch * EMPHASIS).otherwise(mismatch)
    return emphasised.clip(-10, 10).fill_null(0.0)


def pace_score() -> pl.Expr:
    """−3 to 3: half the pace differential."""
    return (pl.col("pace_differential") / 2).clip(-3, 3).fill_null(0.0)


def usage_spike_score() -> pl.Expr:
    """−3 to 3: 0.3 (projected − last-7 usage); a positive one × 1.15 with one star out, × 1.30 with two or more."""
    spike = 0.3 * (pl.col("projected_usage_rate") - pl.col("avg_usage_rate_last_7_games"))
    stars = pl.col("star_teammates_out")
    factor = pl.when(stars >= 2).then(1.30).when(stars == 1).then(1.15).otherwise(1.0)
    return pl.when(spike > 0).then(spike * factor).otherwise(spike).clip(-3, 3).fill_null(0.0)


def missing_fields() -> pl.Expr:
    """The names of missing inputs, separated by commas; NULL where nothing is missing."""
    names = [pl.when(is_missing).then(pl.lit(name)) for name, is_missing in MISSING.items()]
    listed = pl.concat_str(names, separator=", ", ignore_nulls=True)
    return pl.when(listed != "").then(listed)


def completeness_pct() -> pl.Expr:
    """Percentage of the inputs that are there."""
    return 100 * (1 - pl.sum_horizontal(is_missing.cast(pl.Int64) for is_missing in MISSING.values()) / len(MISSING))


def _of_primary_zone(columns: dict[str, str]) -> pl.Expr:
    primary = pl.col("primary_scoring_zone")
    return pl.coalesce(pl.when(primary == zone).then(pl.col(column)) for zone, column in columns.items())
