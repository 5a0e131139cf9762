"""The prediction systems that are formulas, as functions over the feature store's rows; and how they are combined.

DOMAIN, section 3, gives their ingredients; where it is silent the choice is written at the constant.
A frame of predictions has the key `game_date`, `player_lookup`, then `system_id`, `predicted_points` (0 to 60),
`confidence_score` (0 to 1) and the system's own columns.
"""

import polars as pl

from nba.similar_games import ENOUGH, MOST_GAMES

LOWEST, HIGHEST = 0.0, 60.0
"""Points that a prediction may say."""

KEY = ("game_date", "player_lookup")

LEAST_AVERAGE = 5.0
"""The deviation of points is seen against the average of the last 10 games, or this where that is lower."""

FACTOR_WEIGHTS = {"shot_zone_mismatch_score": 0.3, "pace_score": 0.3, "usage_spike_score": 0.4}
VENUE, BACK_TO_BACK = 0.5, -1.5

ZONE_CERTAINTY = 0.9
"""Confidence of zone_matchup against that of moving_average, for it looks at one thing only."""

MOST_DISAGREEMENT = 10.0
"""Points between the highest and the lowest system at which they agree in nothing."""

MIN_EDGE, MIN_CONFIDENCE = 2.0, 0.5
"""OVER or UNDER needs a prediction this far from the line and this much confidence; else PASS."""

_ZONES = {"paint": "pct_paint", "mid_range": "pct_mid_range", "three_pt": "pct_three"}


def base_confidence() -> pl.Expr:
    """The row's quality × 1 / (1 + deviation / average): a steady player with known figures is easiest."""
    average = pl.max_horizontal("points_avg_last_10", pl.lit(LEAST_AVERAGE))
    return pl.col("feature_quality_score") / 100 / (1 + pl.col("points_std_last_10") / average)


def moving_average(rows: pl.DataFrame) -> pl.DataFrame:
    """0.5 last 5 + 0.3 last 10 + 0.2 season, and the adjustments for fatigue, factors, venue and back-to-backs."""
    average = 0.5 * pl.col("points_avg_last_5") + 0.3 * pl.col("points_avg_last_10") + 0.2 * pl.col("points_avg_season")
    adjusted = rows.with_columns(
        fatigue_adjustment=(pl.col("fatigue_score") - 100) / 20,
        shot_zone_adjustment=FACTOR_WEIGHTS["shot_zone_mismatch_score"] * pl.col("shot_zone_mismatch_score"),
        pace_adjustment=FACTOR_WEIGHTS["pace_score"] * pl.col("pace_score"),
        usage_spike_adjustment=FACTOR_WEIGHTS["usage_spike_score"] * pl.col("usage_spike_score"),
        home_away_adjustment=pl.when(pl.col("home_away") == 1).then(VENUE).otherwise(-VENUE),
    )
    adjustments = [name for name in adjusted.columns if name.endswith("_adjustment")]
    points = average + pl.sum_horizontal(adjustments) + BACK_TO_BACK * pl.col("back_to_back")
    return _predicted(adjusted, "moving_average", points, base_confidence(), *adjustments)


def zone_matchup(rows: pl.DataFrame) -> pl.DataFrame:
    """The season's average, its field-goal points scaled zone by zone with what the opponent allows.

    adjustment = average × (1 − free-throw share) × Σ share of shots × (opponent − league) / league, over the zones
    that are known; `rows` have the opponent's TDZA figures.
    """
    relative = (
        (pl.col(share) / 100 * (pl.col(f"{zone}_defense_vs_league_avg") / 100) / pl.col(f"league_avg_{zone}_pct"))
        for zone, share in _ZONES.items()
    )
    from_field_goals = pl.col("points_avg_season") * (1 - pl.col("pct_free_throw"))
    adjusted = rows.with_columns(shot_zone_adjustment=from_field_goals * pl.sum_horizontal(relative))
    points = pl.col("points_avg_season") + pl.col("shot_zone_adjustment")
    return _predicted(adjusted, "zone_matchup", points, ZONE_CERTAINTY * base_confidence(), "shot_zone_adjustment")


def similarity(rows: pl.DataFrame) -> pl.DataFrame:
    """The weighted mean of similar games; with fewer than 5 the season's average at half the confidence.

    `rows` have the columns of `nba.similar_games`.
    """
    enough = pl.col("similar_games_count") >= ENOUGH
    points = pl.when(enough).then("similar_points").otherwise("points_avg_season")
    share = pl.when(enough).then(pl.col("similar_games_count") / MOST_GAMES).otherwise(0.0)
    confidence = base_confidence() * (0.5 + 0.5 * share)
    return _predicted(rows, "similarity", points, confidence, "similar_games_count", "avg_similarity_score")


def gradient_boosting(rows: pl.DataFrame) -> pl.DataFrame:
    """The model's `model_points`; `rows` without one have no prediction."""
    known = rows.filter(pl.col("model_points").is_not_null())
    columns = ("model_training_start_date", "model_training_end_date", "model_version")
    return _predicted(known, "gradient_boosting", pl.col("model_points"), base_confidence(), *columns)


def ensemble(predictions: pl.DataFrame) -> pl.DataFrame:
    """The mean of a player's systems weighted by their confidence.

    Its confidence is the systems' mean × (1 + agreement) / 2; agreement is 1 where all say the same and 0 from ten
    points between the highest and the lowest.
    """
    points, weight = pl.col("predicted_points"), pl.col("confidence_score")
    found = (
        predictions.sort(*KEY, "system_id")
        .group_by(*KEY, maintain_order=True)
        .agg(
            predicted_points=pl.when(weight.sum() > 0)
            .then((points * weight).sum() / weight.sum())
            .otherwise(points.mean()),
            confidence_score=weight.mean(),
            contributing_systems=pl.len(),
            system_agreement_score=(1 - (points.max() - points.min()) / MOST_DISAGREEMENT).clip(0, 1),
        )
    )
    agreed = pl.col("confidence_score") * (1 + pl.col("system_agreement_score")) / 2
    return found.with_columns(system_id=pl.lit("ensemble"), confidence_score=agreed)


def recommendation(margin: pl.Expr, confidence: pl.Expr) -> pl.Expr:
    """OVER from 2 points above the line, UNDER from 2 below, with half a confidence or more; else PASS."""
    sure = confidence >= MIN_CONFIDENCE
    return (
        pl.when(sure & (margin >= MIN_EDGE))
        .then(pl.lit("OVER"))
        .when(sure & (margin <= -MIN_EDGE))
        .then(pl.lit("UNDER"))
        .otherwise(pl.lit("PASS"))
    )


def _predicted(rows: pl.DataFrame, system: str, points: pl.Expr, confidence: pl.Expr, *columns: str) -> pl.DataFrame:
    return rows.select(
        *KEY,
        *columns,
        system_id=pl.lit(system),
        predicted_points=points.cast(pl.Float64).clip(LOWEST, HIGHEST),
        confidence_score=confidence.clip(0.0, 1.0),
    )
