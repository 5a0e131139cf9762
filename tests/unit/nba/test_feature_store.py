"""MLFS by hand: every branch of a feature, defaults, the quality score, and what a row may look at."""

import json
from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from backcourt.pipeline.processor import Chunk
from nba.analytics import player_game_summary, upcoming_player_game_context, upcoming_team_game_context
from nba.features import FEATURES, NAMES, with_features
from nba.precompute import (
    player_composite_factors,
    player_daily_cache,
    player_shot_zone_analysis,
    team_defense_zone_analysis,
)
from nba.predictions.ml_feature_store_v2 import PROCESSOR
from nba.raw import injury_report, player_props, schedule
from tests.unit.nba.test_formulas import table_rows
from tests.unit.nba.test_upcoming_context import DAY, TODAY, fixture, played

COLUMNS = sorted({name for f in FEATURES for _, e in f.sources for name in e.meta.root_names()})
"""The wide columns that the features read."""

TEXTS = ("pcf.missing_data_fields", "injuries.status", "schedule.season_type")
FLAGS = ("home_game", "injuries.is_listed", "injuries.is_reported", "pgs.back_to_back")


def stored(**known: Any) -> dict[str, Any]:
    """The store's columns for a wide row of which only this is known; `__` stands for the dot."""
    kinds = {c: pl.String() if c in TEXTS else pl.Boolean() if c in FLAGS else pl.Float64() for c in COLUMNS}
    named = {name.replace("__", "."): value for name, value in known.items()}
    assert set(named) <= set(COLUMNS)
    return with_features(pl.DataFrame([dict.fromkeys(COLUMNS) | named], schema=kinds)).row(0, named=True)


def feature(name: str, **known: Any) -> tuple[float, str]:
    """A feature's value and source."""
    row = stored(**known)
    return row["features"][NAMES.index(name)], json.loads(row["feature_sources"])[name]


def test_the_order_is_that_of_the_specification() -> None:
    assert ", ".join(NAMES) == (
        "points_avg_last_5, points_avg_last_10, points_avg_season, points_std_last_10, games_in_last_7_days, "
        "fatigue_score, shot_zone_mismatch_score, pace_score, usage_spike_score, rest_advantage, injury_risk, "
        "recent_trend, minutes_change, opponent_def_rating, opponent_pace, home_away, back_to_back, playoff_game, "
        "pct_paint, pct_mid_range, pct_three, pct_free_throw, team_pace, team_off_rating, team_win_pct, "
        "vegas_points_line, vegas_opening_line, vegas_line_move, has_vegas_line, avg_points_vs_opponent, "
        "games_vs_opponent, minutes_avg_last_10, ppm_avg_last_10"
    )


def test_the_documented_defaults() -> None:
    row = stored()
    assert row["features"] == [
        *(10, 10, 10, 5, 3, 100, 0, 0, 0, 0, 0, 0, 0, 112, 99, 0, 0, 0, 45, 15, 40, 0.15, 99, 112, 0.5),
        *(10, 10, 0, 0, 10, 0, 22, 0.45),
    ]
    assert (row["feature_count"], row["feature_version"], row["feature_names"]) == (33, "v2_33features", list(NAMES))


def test_the_quality_score_is_the_mean_worth_of_the_sources() -> None:
    """Nothing known but the absence of a line: 32 × 40 + 85. Then five of the daily cache's, one of the schedule's."""
    row = stored()
    assert (row["default_feature_count"], row["is_quality_ready"]) == (32, False)
    assert row["feature_quality_score"] == pytest.approx((32 * 40 + 85) / 33, abs=1e-12)
    form = ("points_avg_last_5", "points_avg_last_10", "points_avg_season", "points_std_last_10")
    row = stored(**{f"pdc__{c}": 1.0 for c in form}, pdc__games_in_last_7_days=2.0, home_game=True)
    assert row["feature_quality_score"] == pytest.approx((26 * 40 + 2 * 85 + 5 * 100) / 33, abs=1e-12)


@pytest.mark.parametrize(("unknown", "ready"), [(12, True), (13, False)])
def test_twelve_defaults_are_the_most(unknown: int, ready: bool) -> None:
    """Twenty known features and the absence of a line; one more or less."""
    known: dict[str, Any] = {f"psza__{c}": 30.0 for c in ("paint_rate_last_10", "mid_range_rate_last_10")}
    known |= {
        f"pdc__{c}": 20.0
        for c in (
            *("points_avg_last_5", "points_avg_last_10", "points_avg_season", "points_std_last_10"),
            *("games_in_last_7_days", "minutes_avg_last_10", "minutes_avg_season"),
            *("team_pace_last_10", "team_off_rating_last_10"),
        )
    }  # with points per minute and the change of minutes: ten features
    known |= {f"pcf__{c}": 1.0 for c in ("fatigue_score", "shot_zone_mismatch_score", "pace_score")}
    known |= {"home_game": True, "pgs__back_to_back": True, "utgc__team_win_pct": 0.5, "injuries__is_reported": True}
    known |= {"pgs__games_vs_opponent": 0.0} if unknown == 12 else {}
    row = stored(**known)
    assert (row["default_feature_count"], row["is_quality_ready"]) == (unknown, ready)
    assert row["feature_quality_score"] > 50


def test_the_cache_comes_before_the_games_and_the_games_before_the_default() -> None:
    assert feature("points_avg_last_5", pdc__points_avg_last_5=12.0, pgs__points_avg_last_5=9.0) == (12, "precompute")
    assert feature("points_avg_last_5", pgs__points_avg_last_5=9.0) == (9.0, "analytics")
    assert feature("opponent_pace", tdza__opponent_pace=98.0, utgc__opponent_pace_last_10=97.0) == (98, "precompute")
    assert feature("opponent_pace", utgc__opponent_pace_last_10=97.0) == (97.0, "analytics")


@pytest.mark.parametrize(
    ("name", "missing", "found"),
    [
        ("shot_zone_mismatch_score", None, (1.5, "precompute")),
        ("shot_zone_mismatch_score", "player_shot_zones", (0.0, "default")),
        ("shot_zone_mismatch_score", "opponent_zone_defense, usage_rates", (0.0, "default")),
        ("shot_zone_mismatch_score", "pace_differential, usage_rates", (1.5, "precompute")),
        ("pace_score", "pace_differential", (0.0, "default")),
        ("usage_spike_score", "usage_rates", (0.0, "default")),
        ("fatigue_score", "player_shot_zones, usage_rates", (1.5, "precompute")),
    ],
)
def test_a_factor_that_lacked_its_inputs_is_a_default(name: str, missing: str | None, found: tuple[float, str]) -> None:
    assert feature(name, **{f"pcf__{name}": 1.5}, pcf__missing_data_fields=missing) == found


@pytest.mark.parametrize(("own", "other", "value"), [(3, 1, 2.0), (1, 3, -2.0), (9, 1, 2.0), (0, 4, -2.0), (2, 1, 1.0)])
def test_rest_advantage(own: int, other: int, value: float) -> None:
    assert feature("rest_advantage", utgc__team_days_rest=own, utgc__opponent_days_rest=other) == (value, "analytics")
    assert feature("rest_advantage", utgc__team_days_rest=own) == (0.0, "default")


@pytest.mark.parametrize(
    ("status", "risk"), [("available", 0), ("probable", 1), ("questionable", 2), ("doubtful", 3), ("out", 3)]
)
def test_injury_risk(status: str, risk: int) -> None:
    listed = {"injuries__is_listed": True, "injuries__is_reported": True}
    assert feature("injury_risk", **listed, injuries__status=status) == (risk, "analytics")
    assert feature("injury_risk", **listed, injuries__status="day-to-day") == (0.0, "default")
    assert feature("injury_risk", injuries__is_reported=True) == (0.0, "analytics"), "not in the report"


@pytest.mark.parametrize(
    ("trend", "value"), [(5.0, 2), (4.9, 1), (2.0, 1), (1.9, 0), (-1.9, 0), (-2.0, -1), (-4.9, -1), (-5.0, -2)]
)
def test_recent_trend(trend: float, value: float) -> None:
    assert feature("recent_trend", pgs__points_trend=trend) == (value, "analytics")


@pytest.mark.parametrize(
    ("last_10", "value"), [(36.0, 2), (35.9, 1), (33.0, 1), (32.9, 0), (27.1, 0), (27.0, -1), (24.1, -1), (24.0, -2)]
)
def test_minutes_change(last_10: float, value: float) -> None:
    assert feature("minutes_change", pdc__minutes_avg_last_10=last_10, pdc__minutes_avg_season=30.0)[0] == value
    own = {"pgs__minutes_avg_last_10": last_10, "pgs__minutes_avg_season": 30.0}
    assert feature("minutes_change", **own) == (value, "analytics")
    assert feature("minutes_change", pdc__minutes_avg_last_10=0.0, pdc__minutes_avg_season=0.0) == (0.0, "default")


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("playoffs", (1.0, "analytics")),
        ("regular", (0.0, "analytics")),
        ("play_in", (0.0, "analytics")),
        (None, (0.0, "default")),
    ],
)
def test_playoff_game(kind: str | None, found: tuple[float, str]) -> None:
    assert feature("playoff_game", schedule__season_type=kind) == found


def test_the_line() -> None:
    known = {"props__points_line": 22.5, "props__opening_line": 21.0}
    names = ("vegas_points_line", "vegas_opening_line", "vegas_line_move", "has_vegas_line")
    assert [feature(name, **known) for name in names] == [(v, "analytics") for v in (22.5, 21.0, 1.5, 1.0)]
    assert feature("vegas_line_move", props__points_line=22.5) == (0.0, "default")


def test_points_per_minute() -> None:
    assert feature("ppm_avg_last_10", pdc__points_avg_last_10=15.0, pdc__minutes_avg_last_10=30.0)[0] == 0.5
    assert feature("ppm_avg_last_10", pdc__points_avg_last_10=0.0, pdc__minutes_avg_last_10=0.0) == (0.45, "default")


# --- rows ---------------------------------------------------------------------------------------------------------


def store(lines: list[dict[str, Any]], **tables: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Rows by player of a date that is over; `tables` are rows of the other inputs by module name."""
    modules = (
        *(schedule, player_props, injury_report, upcoming_player_game_context, upcoming_team_game_context),
        *(player_composite_factors, player_daily_cache, player_shot_zone_analysis, team_defense_zone_analysis),
    )
    rows = {"schedule": [TODAY], **tables}
    inputs = {m.TABLE.full_name: table_rows(m.PROCESSOR, rows.get(m.TABLE.name, [])) for m in modules}
    inputs[player_game_summary.TABLE.full_name] = table_rows(player_game_summary.PROCESSOR, lines)
    made = PROCESSOR.compute(Chunk("t", (DAY,), DAY + timedelta(days=1)), inputs)
    return {
        row["player_lookup"]: row | dict(zip(row["feature_names"], row["features"], strict=True))
        for row in made.to_dicts()
    }


def test_form_is_of_this_season_and_meetings_are_of_all() -> None:
    """Against BOS: 10 and 20 this season, 60 last season; free throws 8 of 40 points."""
    lines = [
        played(0, opponent_team_abbr="BOS", points=99, ft_makes=99),
        played(2, opponent_team_abbr="BOS", points=10, ft_makes=4),
        played(4, opponent_team_abbr="CHI", points=10, ft_makes=0),
        played(6, opponent_team_abbr="BOS", points=20, ft_makes=4),
        played(300, opponent_team_abbr="BOS", points=60, ft_makes=60) | {"season_year": 2022},
    ]
    row = store(lines)["a"]
    assert (row["avg_points_vs_opponent"], row["games_vs_opponent"]) == (30.0, 3.0)
    assert row["points_avg_season"] == pytest.approx(40 / 3, abs=1e-12)
    assert row["pct_free_throw"] == pytest.approx(0.2, abs=1e-12)
    assert (row["days_rest"], row["recent_trend"], row["early_season_flag"]) == (1, 0.0, True)
    assert json.loads(row["feature_sources"])["recent_trend"] == "default", "four games are too few for a trend"


def test_the_share_of_free_throws_is_at_most_a_half_and_unknown_without_points() -> None:
    assert store([played(0), played(2, points=10, ft_makes=9)])["a"]["pct_free_throw"] == 0.5
    assert store([played(0), played(2, points=0, ft_makes=0)])["a"]["pct_free_throw"] == 0.15


def test_the_trend_takes_the_last_two_games_against_the_three_before() -> None:
    points = {2: 20, 4: 20, 6: 15, 8: 15, 10: 15, 12: 90}
    lines = [played(0), *(played(ago, points=scored) for ago, scored in points.items())]
    assert store(lines)["a"]["recent_trend"] == 2.0


def test_a_debut_is_made_of_defaults_and_team_figures() -> None:
    row = store([played(0)], team_defense_zone_analysis=[_defense("BOS", 108.0), _defense("MIA", 120.0)])["a"]
    assert (row["opponent_def_rating"], row["points_avg_season"], row["home_away"]) == (108.0, 10.0, 1.0)
    assert (row["days_rest"], row["is_quality_ready"], row["games_vs_opponent"]) == (None, False, 0.0)


def _defense(team: str, rating: float) -> dict[str, Any]:
    return {"analysis_date": DAY, "team_abbr": team, "defensive_rating_last_15": rating}


def test_a_date_with_a_report_says_that_the_others_are_fit() -> None:
    report = [{"game_date": DAY, "player_lookup": "b", "injury_status": "questionable"}]
    rows = store([played(0), played(0, "b")], injury_report=report)
    assert [rows[name]["injury_risk"] for name in "ab"] == [0.0, 2.0]
    assert json.loads(rows["a"]["feature_sources"])["injury_risk"] == "analytics"
    assert json.loads(store([played(0)])["a"]["feature_sources"])["injury_risk"] == "default"


def test_the_game_itself_changes_nothing() -> None:
    before = [played(n, points=n, minutes_played=20.0, ft_makes=1) for n in range(2, 20, 2)]
    quiet = store([played(0, points=0, minutes_played=1.0, ft_makes=0), *before])["a"]
    loud = store([played(0, points=80, minutes_played=48.0, ft_makes=30), *before])["a"]
    assert quiet == loud


def test_a_game_that_is_postponed_has_no_rows() -> None:
    assert store([played(0)], schedule=[fixture(0, "MIA", "BOS", game_status_text="PPD")]) == {}
