"""The 33 features of the store, in their order: where each value comes from, and what stands in where it is unknown.

A value is the first of its sources that is known. Sources of the precomputed tables come first, then what the
analytics tables say themselves (`analytics`: summaries, upcoming contexts, schedule, lines and injuries), last the
default. Columns are those of `nba.feature_sources.wide_rows`, named `<table>.<column>`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

VERSION = "v2_33features"
"""`feature_version` of rows made by this module."""

PRECOMPUTE, ANALYTICS, DEFAULT = "precompute", "analytics", "default"

QUALITY = {PRECOMPUTE: 100, ANALYTICS: 85, DEFAULT: 40}
"""What a value of each source is worth; a row's quality score is the mean over its features."""

READY_SCORE, READY_DEFAULTS = 50, 12
"""A row is ready from this score on and with no more defaults than these."""

EXACTLY = 1e-9
"""A change of exactly 20 % counts as one of 20 %, whatever the rounding of the means."""


@dataclass(frozen=True)
class Feature:
    """One feature: its name, its default, its values by source, and its meaning."""

    name: str
    default: float
    sources: tuple[tuple[str, pl.Expr], ...]
    meaning: str


def in_steps(change: pl.Expr, small: float, large: float) -> pl.Expr:
    """±2 from `large` on, ±1 from `small` on, else 0; NULL stays."""
    size = change.abs()
    steps = pl.when(size >= large - EXACTLY).then(2.0).when(size >= small - EXACTLY).then(1.0).otherwise(0.0)
    return pl.when(change.is_not_null()).then(steps * change.sign())


def _precomputed(table: str, column: str) -> tuple[str, pl.Expr]:
    return PRECOMPUTE, pl.col(f"{table}.{column}")


def _analysed(table: str, column: str) -> tuple[str, pl.Expr]:
    return ANALYTICS, pl.col(f"{table}.{column}")


def _form(column: str) -> tuple[tuple[str, pl.Expr], ...]:
    """The daily cache; without a row there (fewer than 5 games) the player's own games."""
    return _precomputed("pdc", column), _analysed("pgs", column)


def _factor(score: str, *inputs: str) -> tuple[tuple[str, pl.Expr], ...]:
    """A composite factor; unknown where one of its inputs was missing and 0 only stood in."""
    missing = pl.col("pcf.missing_data_fields").fill_null("")
    known = ~pl.any_horizontal(pl.lit(value=False), *(missing.str.contains(name, literal=True) for name in inputs))
    return ((PRECOMPUTE, pl.when(known).then(pl.col(f"pcf.{score}"))),)


def _minutes_change(table: str) -> pl.Expr:
    season = pl.col(f"{table}.minutes_avg_season")
    change = pl.when(season > 0).then((pl.col(f"{table}.minutes_avg_last_10") - season) / season)
    return in_steps(change, 0.10, 0.20)


def _points_per_minute(table: str) -> pl.Expr:
    minutes = pl.col(f"{table}.minutes_avg_last_10")
    return pl.when(minutes > 0).then(pl.col(f"{table}.points_avg_last_10") / minutes)


_REST = pl.col("utgc.team_days_rest") - pl.col("utgc.opponent_days_rest")
_LINE = pl.col("props.points_line")
_RISK = {"available": 0.0, "probable": 1.0, "questionable": 2.0, "doubtful": 3.0, "out": 3.0}
_INJURY = (
    pl.when("injuries.is_listed")
    .then(pl.col("injuries.status").replace_strict(_RISK, default=None, return_dtype=pl.Float64))
    .when("injuries.is_reported")
    .then(0.0)
)

FEATURES: tuple[Feature, ...] = (
    Feature("points_avg_last_5", 10.0, _form("points_avg_last_5"), "Mean points of the last 5 games."),
    Feature("points_avg_last_10", 10.0, _form("points_avg_last_10"), "Mean points of the last 10 games."),
    Feature("points_avg_season", 10.0, _form("points_avg_season"), "Mean points of the season."),
    Feature("points_std_last_10", 5.0, _form("points_std_last_10"), "Sample deviation of points, last 10 games."),
    Feature("games_in_last_7_days", 3.0, _form("games_in_last_7_days"), "Games from D − 6 to D − 1."),
    Feature("fatigue_score", 100.0, _factor("fatigue_score"), "0 to 100, 100 is fresh."),
    Feature(
        "shot_zone_mismatch_score",
        0.0,
        _factor("shot_zone_mismatch_score", "player_shot_zones", "opponent_zone_defense"),
        "−10 to 10.",
    ),
    Feature("pace_score", 0.0, _factor("pace_score", "pace_differential"), "−3 to 3."),
    Feature("usage_spike_score", 0.0, _factor("usage_spike_score", "usage_rates"), "−3 to 3."),
    Feature(
        "rest_advantage", 0.0, ((ANALYTICS, _REST.clip(-2, 2)),), "The team's days of rest minus the opponent's, ±2."
    ),
    Feature(
        "injury_risk",
        0.0,
        ((ANALYTICS, _INJURY),),
        "0 available or not in the date's report, 1 probable, 2 questionable, 3 doubtful or out; a default where "
        "the date has no report.",
    ),
    Feature(
        "recent_trend",
        0.0,
        ((ANALYTICS, in_steps(pl.col("pgs.points_trend"), 2.0, 5.0)),),
        "Mean points of the last 2 games minus those of the 3 before: ±2 at 5, ±1 at 2.",
    ),
    Feature(
        "minutes_change",
        0.0,
        ((PRECOMPUTE, _minutes_change("pdc")), (ANALYTICS, _minutes_change("pgs"))),
        "Minutes of the last 10 games against the season's: ±2 at 20 %, ±1 at 10 %.",
    ),
    Feature(
        "opponent_def_rating",
        112.0,
        (_precomputed("tdza", "defensive_rating_last_15"), _analysed("utgc", "opponent_def_rating_last_10")),
        "The opponent's defensive rating.",
    ),
    Feature(
        "opponent_pace",
        99.0,
        (_precomputed("tdza", "opponent_pace"), _analysed("utgc", "opponent_pace_last_10")),
        "The pace of the opponent's games.",
    ),
    Feature("home_away", 0.0, ((ANALYTICS, pl.col("home_game")),), "1 at home, 0 away."),
    Feature("back_to_back", 0.0, (_analysed("pgs", "back_to_back"),), "1 when he played the day before."),
    Feature(
        "playoff_game",
        0.0,
        ((ANALYTICS, pl.col("schedule.season_type") == "playoffs"),),
        "1 in the playoffs, 0 in the regular season and the play-in; a default where the schedule does not say.",
    ),
    Feature("pct_paint", 45.0, (_precomputed("psza", "paint_rate_last_10"),), "Share of shots, percent."),
    Feature("pct_mid_range", 15.0, (_precomputed("psza", "mid_range_rate_last_10"),), "Share of shots, percent."),
    Feature("pct_three", 40.0, (_precomputed("psza", "three_pt_rate_last_10"),), "Share of shots, percent."),
    Feature(
        "pct_free_throw",
        0.15,
        (_analysed("pgs", "free_throw_share"),),
        "Share of his points from free throws over the last 10 games, 0 to 0.5.",
    ),
    Feature(
        "team_pace",
        99.0,
        (_precomputed("pdc", "team_pace_last_10"), _analysed("utgc", "team_pace_last_10")),
        "Mean pace of his team's last 10 games.",
    ),
    Feature(
        "team_off_rating",
        112.0,
        (_precomputed("pdc", "team_off_rating_last_10"), _analysed("utgc", "team_off_rating_last_10")),
        "Mean offensive rating of his team's last 10 games.",
    ),
    Feature("team_win_pct", 0.5, (_analysed("utgc", "team_win_pct"),), "Share of the season's games won."),
    Feature("vegas_points_line", 10.0, ((ANALYTICS, _LINE),), "The bookmakers' median line."),
    Feature("vegas_opening_line", 10.0, (_analysed("props", "opening_line"),), "The median of the opening lines."),
    Feature(
        "vegas_line_move", 0.0, ((ANALYTICS, _LINE - pl.col("props.opening_line")),), "The line minus the opening line."
    ),
    Feature("has_vegas_line", 0.0, ((ANALYTICS, _LINE.is_not_null()),), "1 with a line, 0 without."),
    Feature(
        "avg_points_vs_opponent",
        10.0,
        (_analysed("pgs", "points_avg_vs_opponent"),),
        "Mean points against this opponent in all earlier games, other seasons included.",
    ),
    Feature("games_vs_opponent", 0.0, (_analysed("pgs", "games_vs_opponent"),), "How many games those were."),
    Feature("minutes_avg_last_10", 22.0, _form("minutes_avg_last_10"), "Mean minutes of the last 10 games."),
    Feature(
        "ppm_avg_last_10",
        0.45,
        ((PRECOMPUTE, _points_per_minute("pdc")), (ANALYTICS, _points_per_minute("pgs"))),
        "Points per minute over the last 10 games, pooled.",
    ),
)
"""The defaults are round figures of an average player and an average game; a score's default is its neutral value."""

NAMES = tuple(feature.name for feature in FEATURES)
"""The features' names in the order of the array."""


def with_features(rows: pl.DataFrame) -> pl.DataFrame:
    """Wide rows with the store's feature columns, from `features` to `is_quality_ready`."""
    sources = [_source(feature).alias(feature.name) for feature in FEATURES]
    by_name = pl.struct(sources)
    found = rows.with_columns(
        features=pl.concat_list([_value(feature) for feature in FEATURES]),
        feature_names=pl.lit(list(NAMES), dtype=pl.List(pl.String)),
        feature_count=pl.lit(len(FEATURES)),
        feature_version=pl.lit(VERSION),
        sources=by_name,
    )
    labels = [pl.col("sources").struct.field(name) for name in NAMES]
    return found.with_columns(
        feature_sources=pl.col("sources").struct.json_encode(),
        default_feature_count=pl.sum_horizontal((label == DEFAULT).cast(pl.Int64) for label in labels),
        feature_quality_score=quality_score(labels),
    ).with_columns(
        is_quality_ready=(pl.col("feature_quality_score") >= READY_SCORE)
        & (pl.col("default_feature_count") <= READY_DEFAULTS)
    )


def quality_score(labels: Sequence[pl.Expr]) -> pl.Expr:
    """Mean worth of the sources: precompute 100, analytics 85, default 40."""
    worth = (label.replace_strict(QUALITY, return_dtype=pl.Int64) for label in labels)
    return pl.sum_horizontal(worth) / len(labels)


def _value(feature: Feature) -> pl.Expr:
    known = (expression.cast(pl.Float64) for _, expression in feature.sources)
    return pl.coalesce(*known, pl.lit(feature.default))


def _source(feature: Feature) -> pl.Expr:
    known = (pl.when(expression.is_not_null()).then(pl.lit(label)) for label, expression in feature.sources)
    return pl.coalesce(*known, pl.lit(DEFAULT))
