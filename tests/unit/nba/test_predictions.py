"""The prediction systems by hand, their combination, the recommendation, and the grading of what came of it."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from backcourt.pipeline.processor import Chunk
from nba import systems
from nba.analytics import player_game_summary
from nba.predictions import accuracy_summary, player_prop_predictions, prediction_accuracy
from nba.similar_games import with_similar_games
from tests.unit.nba.test_formulas import table_rows

DAY = date(2024, 1, 31)

AVERAGE: dict[str, Any] = {
    "game_date": DAY,
    "player_lookup": "a",
    "feature_quality_score": 90.0,
    "points_avg_last_5": 20.0,
    "points_avg_last_10": 20.0,
    "points_avg_season": 20.0,
    "points_std_last_10": 5.0,
    "fatigue_score": 100.0,
    "shot_zone_mismatch_score": 0.0,
    "pace_score": 0.0,
    "usage_spike_score": 0.0,
    "home_away": 1.0,
    "back_to_back": 0.0,
    "pct_paint": 50.0,
    "pct_mid_range": 20.0,
    "pct_three": 30.0,
    "pct_free_throw": 0.2,
    **{f"{zone}_defense_vs_league_avg": 0.0 for zone in ("paint", "mid_range", "three_pt")},
    "league_avg_paint_pct": 0.6,
    "league_avg_mid_range_pct": 0.4,
    "league_avg_three_pt_pct": 0.35,
    "similar_games_count": 0,
    "avg_similarity_score": None,
    "similar_points": None,
}
"""A player of 20 points a game; confidence 0.9 / (1 + 5 / 20) = 0.72."""


def said(system: Any, **more: Any) -> dict[str, Any]:
    schema = {"avg_similarity_score": pl.Float64, "similar_points": pl.Float64}
    found = system(pl.DataFrame([AVERAGE | more], schema_overrides=schema))
    assert isinstance(found, pl.DataFrame)
    return found.row(0, named=True)


@pytest.mark.parametrize(
    ("more", "points"),
    [
        ({}, 20.5),
        ({"home_away": 0.0}, 19.5),
        ({"points_avg_last_5": 30.0}, 25.5),
        ({"points_avg_last_10": 30.0}, 23.5),
        ({"points_avg_season": 30.0}, 22.5),
        ({"fatigue_score": 80.0}, 19.5),
        ({"shot_zone_mismatch_score": 10.0}, 23.5),
        ({"pace_score": -2.0}, 19.9),
        ({"usage_spike_score": 2.0}, 21.3),
        ({"back_to_back": 1.0}, 19.0),
        ({"points_avg_last_5": 120.0}, 60.0),
        ({"points_avg_last_5": 0.0, "points_avg_last_10": 0.0, "points_avg_season": 0.0, "fatigue_score": 40.0}, 0.0),
    ],
)
def test_moving_average(more: dict[str, Any], points: float) -> None:
    assert said(systems.moving_average, **more)["predicted_points"] == pytest.approx(points, abs=1e-12)


@pytest.mark.parametrize(
    ("more", "confidence"),
    [
        ({}, 0.72),
        ({"points_std_last_10": 20.0}, 0.45),
        ({"points_avg_last_10": 1.0}, 0.45),
        ({"feature_quality_score": 50.0}, 0.4),
    ],
)
def test_confidence(more: dict[str, Any], confidence: float) -> None:
    """1 / (1 + 20 / 20) = 1 / 2, and an average of 1 counts as 5."""
    assert said(systems.moving_average, **more)["confidence_score"] == pytest.approx(confidence, abs=1e-12)
    assert said(systems.zone_matchup, **more)["confidence_score"] == pytest.approx(0.9 * confidence, abs=1e-12)


@pytest.mark.parametrize(
    ("more", "points"),
    [
        ({}, 20.0),
        ({"paint_defense_vs_league_avg": 6.0}, 20 + 16 * 0.5 * 0.06 / 0.6),
        ({"three_pt_defense_vs_league_avg": -7.0}, 20 - 16 * 0.3 * 0.07 / 0.35),
        ({"mid_range_defense_vs_league_avg": None, "paint_defense_vs_league_avg": 6.0}, 20.8),
    ],
)
def test_zone_matchup(more: dict[str, Any], points: float) -> None:
    row = said(systems.zone_matchup, **more)
    assert row["predicted_points"] == pytest.approx(points, abs=1e-12)
    assert row["shot_zone_adjustment"] == pytest.approx(points - 20, abs=1e-12)


@pytest.mark.parametrize(("count", "points", "confidence"), [(4, 20.0, 0.36), (5, 31.0, 0.48), (15, 31.0, 0.72)])
def test_similarity_needs_five_games(count: int, points: float, confidence: float) -> None:
    """0.72 × (0.5 + 0.5 × games / 15); without five games half of it and the season's average."""
    row = said(systems.similarity, similar_games_count=count, similar_points=31.0, avg_similarity_score=80.0)
    assert row["predicted_points"] == points
    assert row["confidence_score"] == pytest.approx(confidence, abs=1e-12)


def like(days_ago: int, points: int = 0, **more: Any) -> dict[str, Any]:
    """A game against an average defense, at home, on one day's rest, in steady form."""
    return {
        "day": DAY,
        "player_lookup": "a",
        "season_year": 2023,
        "game_date": DAY - timedelta(days=days_ago),
        "game_id": f"{days_ago:03}",
        "points": points,
        "days_rest": 1,
        "opponent_def_rating": 112.0,
        "points_avg_last_5": 20.0,
        "points_avg_season": 20.0,
        "home_away": 1.0,
        **more,
    }


def similar(past: list[dict[str, Any]], **today: Any) -> dict[str, Any]:
    rows = pl.DataFrame([like(0, **today)]).drop("game_date", "game_id", "points")
    return with_similar_games(rows, pl.DataFrame(past).drop("day")).row(0, named=True)


@pytest.mark.parametrize(
    ("past", "score"),
    [
        ({}, 100.0),
        ({"opponent_def_rating": 115.0}, 80.0),
        ({"opponent_def_rating": 109.9}, 80.0),
        ({"days_rest": 2}, 90.0),
        ({"days_rest": 3}, 80.0),
        ({"days_rest": None}, 80.0),
        ({"home_away": 0.0}, 85.0),
        ({"points_avg_last_5": 23.0}, 85.0),
        ({"points_avg_last_5": 17.0}, 85.0),
        ({"points_avg_last_5": 22.9}, 100.0),
        ({"opponent_def_rating": 120.0, "days_rest": 9, "home_away": 0.0}, None),
    ],
)
def test_similarity_of_two_games(past: dict[str, Any], score: float | None) -> None:
    """The last one: 20 + 25 + 0 + 0 are below 60."""
    row = similar([like(5, **past)])
    assert (row["avg_similarity_score"], row["similar_games_count"]) == (score, int(score is not None))


def test_opposite_traits_are_nothing_alike() -> None:
    """A strong defense against a weak one and hot against cold: 0 + 0, 20 for rest, 15 for the venue."""
    hot = {"opponent_def_rating": 120.0, "points_avg_last_5": 25.0}
    row = similar([like(5, opponent_def_rating=100.0, points_avg_last_5=15.0)], **hot)
    assert row["similar_games_count"] == 0


def test_similar_games_are_weighted_and_the_fifteen_most_similar_count() -> None:
    row = similar([like(5, 10), like(7, 30, opponent_def_rating=120.0)])
    assert row["similar_points"] == pytest.approx((100 * 10 + 80 * 30) / 180, abs=1e-12)
    past = [like(n, 10) for n in range(1, 16)] + [like(n, 50) for n in range(16, 20)] + [like(30, 99, days_rest=2)]
    assert (similar(past)["similar_points"], similar(past)["similar_games_count"]) == (10.0, 15)
    other_season = similar([like(5, 10), like(300, 99, season_year=2022)])
    assert (other_season["similar_points"], other_season["similar_games_count"]) == (10.0, 1)


def test_the_ensemble_weighs_by_confidence() -> None:
    """(20 · 0.6 + 25 · 0.3) / 0.9 = 21⅔; agreement 1 − 5 / 10; confidence 0.45 × 1.5 / 2."""
    rows = pl.DataFrame(
        {
            "game_date": [DAY, DAY],
            "player_lookup": ["a", "a"],
            "system_id": ["x", "y"],
            "predicted_points": [20.0, 25.0],
            "confidence_score": [0.6, 0.3],
        }
    )
    row = systems.ensemble(rows).row(0, named=True)
    assert row["predicted_points"] == pytest.approx(65 / 3, abs=1e-12)
    assert (row["contributing_systems"], row["system_agreement_score"]) == (2, 0.5)
    assert row["confidence_score"] == pytest.approx(0.3375, abs=1e-12)
    unsure = rows.with_columns(confidence_score=0.0)
    assert systems.ensemble(unsure)["predicted_points"].item() == 22.5


@pytest.mark.parametrize(
    ("margin", "confidence", "expected"),
    [
        (2.0, 0.5, "OVER"),
        (1.9, 0.9, "PASS"),
        (2.0, 0.49, "PASS"),
        (-2.0, 0.5, "UNDER"),
        (-1.9, 0.9, "PASS"),
        (None, 0.9, "PASS"),
    ],
)
def test_recommendation(margin: float | None, confidence: float, expected: str) -> None:
    row = pl.select(systems.recommendation(pl.lit(margin, dtype=pl.Float64), pl.lit(confidence)))
    assert row.item() == expected


# --- grading ------------------------------------------------------------------------------------------------------


def graded(points: int, **prediction: Any) -> dict[str, Any]:
    """The grade of a prediction of 20 points, half sure, OVER a line of 18.5."""
    said_before = {
        "game_date": DAY,
        "game_id": "g",
        "player_lookup": "a",
        "system_id": "ensemble",
        "predicted_points": 20.0,
        "confidence_score": 0.55,
        "recommendation": "OVER",
        "current_points_line": 18.5,
        "line_margin": 1.5,
        **prediction,
    }
    played = {"game_date": DAY, "game_id": "g", "player_lookup": "a", "points": points, "minutes_played": 30.0}
    inputs = {
        player_prop_predictions.TABLE.full_name: table_rows(
            player_prop_predictions.PROCESSOR, [said_before, {**said_before, "player_lookup": "did not play"}]
        ),
        player_game_summary.TABLE.full_name: table_rows(player_game_summary.PROCESSOR, [played]),
    }
    chunk = Chunk("t", (DAY,), DAY + timedelta(days=1))
    assert prediction_accuracy.PROCESSOR.expected_keys(chunk, inputs)["player_lookup"].to_list() == ["a"]
    rows = prediction_accuracy.PROCESSOR.compute(chunk, inputs)
    assert rows.height == 1
    return rows.row(0, named=True)


@pytest.mark.parametrize(
    ("points", "signed", "within_3", "within_5"),
    [
        (20, 0.0, True, True),
        (17, 3.0, True, True),
        (16, 4.0, False, True),
        (25, -5.0, False, True),
        (26, -6.0, False, False),
    ],
)
def test_errors(points: int, signed: float, within_3: bool, within_5: bool) -> None:
    row = graded(points)
    assert (row["signed_error"], row["absolute_error"]) == (signed, abs(signed))
    assert (row["within_3_points"], row["within_5_points"]) == (within_3, within_5)


@pytest.mark.parametrize(
    ("points", "recommendation", "line", "correct"),
    [
        (19, "OVER", 18.5, True),
        (18, "OVER", 18.5, False),
        (18, "UNDER", 18.5, True),
        (19, "UNDER", 18.5, False),
        (18, "OVER", 18.0, None),
        (18, "UNDER", 18.0, None),
        (30, "PASS", 18.5, None),
        (30, "PASS", None, None),
    ],
)
def test_hits(points: int, recommendation: str, line: float | None, correct: bool | None) -> None:
    row = graded(points, recommendation=recommendation, current_points_line=line)
    assert row["prediction_correct"] is correct
    assert row["actual_margin"] == (None if line is None else points - line)


@pytest.mark.parametrize(("confidence", "decile"), [(0.0, 1), (0.09, 1), (0.1, 2), (0.55, 6), (0.95, 10), (1.0, 10)])
def test_deciles(confidence: float, decile: int) -> None:
    assert graded(20, confidence_score=confidence)["confidence_decile"] == decile


def test_summaries_end_on_the_date() -> None:
    """Errors of 2 today, 4 six days ago, 9 seven days ago, 5 twenty-nine days ago, 100 thirty days ago."""
    grades = [
        {
            "game_date": DAY - timedelta(days=ago),
            "player_lookup": "a",
            "system_id": "ensemble",
            "absolute_error": float(error),
            "signed_error": float(-error),
            "within_3_points": error <= 3,
            "within_5_points": error <= 5,
            "prediction_correct": {2: True, 4: None}.get(error, False),
        }
        for ago, error in ((0, 2), (6, 4), (7, 9), (29, 5), (30, 100))
    ]
    grades.append({**grades[1], "system_id": "not graded today"})
    inputs = {prediction_accuracy.TABLE.full_name: table_rows(prediction_accuracy.PROCESSOR, grades)}
    chunk = Chunk("t", (DAY,), DAY + timedelta(days=1))
    rows = {row["window"]: row for row in accuracy_summary.PROCESSOR.compute(chunk, inputs).to_dicts()}
    assert [rows[w]["predictions"] for w in ("day", "7d", "30d")] == [1, 2, 4]
    assert [rows[w]["mean_absolute_error"] for w in ("day", "7d", "30d")] == [2.0, 3.0, 5.0]
    assert (rows["30d"]["mean_signed_error"], rows["30d"]["within_3_pct"], rows["30d"]["within_5_pct"]) == (-5, 25, 75)
    assert (rows["30d"]["recommendations"], rows["30d"]["hit_rate"]) == (3, pytest.approx(1 / 3))
    assert set(accuracy_summary.PROCESSOR.expected_keys(chunk, inputs)["system_id"]) == {"ensemble"}
