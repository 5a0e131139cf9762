"""PCF by hand: every branch of the four factors, the source decision, and the incident of 2023-02-23."""

import json
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from backcourt.pipeline.coverage import Judgement, Thresholds, Verdict, judge, measure
from backcourt.pipeline.processor import Chunk
from nba.analytics import player_game_summary, upcoming_player_game_context, upcoming_team_game_context
from nba.due_players import due_players
from nba.precompute import player_shot_zone_analysis, team_defense_zone_analysis
from nba.precompute.player_composite_factors import PROCESSOR, TABLE, with_factors
from nba.raw import schedule
from tests.unit.nba.test_formulas import table_rows

FRESH: dict[str, Any] = {
    "days_rest": 1,
    "back_to_back": False,
    "games_in_last_7_days": 3,
    "minutes_in_last_7_days": 90.0,
    "avg_minutes_per_game_last_7": 30.0,
    "back_to_backs_last_14_days": 0,
    "player_age": None,
    "projected_usage_rate": 20.0,
    "avg_usage_rate_last_7_games": 20.0,
    "star_teammates_out": 0,
    "primary_scoring_zone": "paint",
    "paint_rate_last_10": 50.0,
    "mid_range_rate_last_10": 20.0,
    "three_pt_rate_last_10": 30.0,
    "paint_defense_vs_league_avg": 2.0,
    "mid_range_defense_vs_league_avg": -4.0,
    "three_pt_defense_vs_league_avg": 3.0,
    "pace_differential": 0.0,
    "opponent_pace_last_10": 99.0,
    "league_pace_last_30_days": 99.0,
}
"""A player of whom everything is known and nothing stands out."""


def scores(**more: Any) -> dict[str, Any]:
    """The factors of such a player with other figures."""
    frame = pl.DataFrame([FRESH | more], schema_overrides={"player_age": pl.Int64}, strict=False)
    typed = frame.with_columns(pl.col(pl.Null).cast(pl.Float64)).with_columns(
        pl.col("primary_scoring_zone").cast(pl.String)
    )
    return with_factors(typed).row(0, named=True)


@pytest.mark.parametrize(
    ("context", "score"),
    [
        ({}, 100),
        ({"back_to_back": True, "days_rest": 0}, 85),
        ({"days_rest": 2, "back_to_backs_last_14_days": 1}, 95),
        ({"days_rest": 3, "back_to_backs_last_14_days": 1}, 100),
        ({"days_rest": 3}, 100),
        ({"days_rest": None}, 100),
        ({"games_in_last_7_days": 4}, 90),
        ({"minutes_in_last_7_days": 240.0}, 100),
        ({"minutes_in_last_7_days": 240.5}, 90),
        ({"avg_minutes_per_game_last_7": 35.0}, 100),
        ({"avg_minutes_per_game_last_7": 35.1}, 92),
        ({"avg_minutes_per_game_last_7": None}, 100),
        ({"back_to_backs_last_14_days": 1}, 95),
        ({"back_to_backs_last_14_days": 2}, 88),
        ({"back_to_backs_last_14_days": 3}, 88),
        ({"player_age": 29}, 100),
        ({"player_age": 30}, 95),
        ({"player_age": 34}, 95),
        ({"player_age": 35}, 90),
        (
            {
                "back_to_back": True,
                "days_rest": 0,
                "games_in_last_7_days": 4,
                "minutes_in_last_7_days": 250.0,
                "avg_minutes_per_game_last_7": 40.0,
                "back_to_backs_last_14_days": 2,
                "player_age": 36,
            },
            35,
        ),
    ],
)
def test_fatigue(context: dict[str, Any], score: int) -> None:
    row = scores(**context)
    assert row["fatigue_score"] == score
    assert row["fatigue_adjustment"] == pytest.approx((score - 100) / 20, abs=1e-12)


@pytest.mark.parametrize(
    ("zones", "score"),
    [
        ({}, 2.0),
        ({"paint_rate_last_10": 80.0}, 2.0),
        ({"paint_rate_last_10": 40.0}, 1.6),
        ({"primary_scoring_zone": "perimeter"}, 1.8),
        ({"primary_scoring_zone": "mid_range"}, -1.6),
        ({"primary_scoring_zone": "balanced"}, 0.0),
        ({"primary_scoring_zone": None}, 0.0),
        ({"paint_defense_vs_league_avg": None}, 0.0),
        ({"paint_defense_vs_league_avg": 5.0}, 5.0),
        ({"paint_defense_vs_league_avg": 6.0}, 7.2),
        ({"paint_defense_vs_league_avg": -6.0}, -7.2),
        ({"paint_defense_vs_league_avg": 6.0, "paint_rate_last_10": 40.0}, 4.8),
        ({"paint_defense_vs_league_avg": 9.0}, 10.0),
        ({"paint_defense_vs_league_avg": -9.0}, -10.0),
    ],
)
def test_shot_zone_mismatch(zones: dict[str, Any], score: float) -> None:
    assert scores(**zones)["shot_zone_mismatch_score"] == pytest.approx(score, abs=1e-12)


@pytest.mark.parametrize(("differential", "score"), [(0.0, 0.0), (3.0, 1.5), (7.0, 3.0), (-7.0, -3.0), (None, 0.0)])
def test_pace(differential: float | None, score: float) -> None:
    assert scores(pace_differential=differential)["pace_score"] == score


@pytest.mark.parametrize(
    ("projected", "stars", "score"),
    [
        (24.0, 0, 1.2),
        (24.0, 1, 1.38),
        (24.0, 2, 1.56),
        (24.0, 3, 1.56),
        (16.0, 2, -1.2),
        (35.0, 0, 3.0),
        (5.0, 0, -3.0),
        (None, 1, 0.0),
    ],
)
def test_usage_spike(projected: float | None, stars: int, score: float) -> None:
    row = scores(projected_usage_rate=projected, star_teammates_out=stars)
    assert row["usage_spike_score"] == pytest.approx(score, abs=1e-12)


def test_the_total_and_what_it_was_made_of() -> None:
    """−0.75 fatigue, 2 mismatch, 1.5 pace, 1.2 usage."""
    row = scores(back_to_back=True, days_rest=0, pace_differential=3.0, projected_usage_rate=24.0)
    assert row["total_composite_adjustment"] == pytest.approx(3.95, abs=1e-12)
    assert json.loads(row["fatigue_context_json"])["days_rest"] == 0
    assert json.loads(row["shot_zone_context_json"]) == {
        "primary_scoring_zone": "paint",
        "zone_share": 50.0,
        "zone_defense": 2.0,
    }
    assert (row["data_completeness_pct"], row["missing_data_fields"]) == (100.0, None)
    row = scores(primary_scoring_zone=None, pace_differential=None)
    assert (row["data_completeness_pct"], row["missing_data_fields"]) == (50.0, "player_shot_zones, pace_differential")


# --- the source decision ------------------------------------------------------------------------------------------

DAY = date(2023, 2, 23)
LATER = date(2023, 3, 1)
TEAMS = [f"T{n:02}" for n in range(18)]
PLAYED = [(f"player{chr(97 + n % 26)}{chr(97 + n // 26)}", TEAMS[n % 18]) for n in range(187)]
"""The 187 players of nine games."""


def game_of(team: str) -> str:
    return f"game{TEAMS.index(team) // 2}"


def opponent(team: str) -> str:
    return TEAMS[TEAMS.index(team) ^ 1]


def incident(foreseen: int, played: list[tuple[str, str]] = PLAYED, **summary: Any) -> dict[str, pl.DataFrame]:
    """A date on which 187 played, the first `foreseen` of whom UPCG holds; all of them played the day before too."""
    side = {"season_year": 2022, "home_game": True}
    lines = [
        {
            **side,
            "player_lookup": player,
            "team_abbr": team,
            "opponent_team_abbr": opponent(team),
            "game_id": f"{game_of(team)}{'' if ago == 0 else ago}",
            "game_date": DAY - timedelta(days=ago),
            "points": 10,
            "minutes_played": 30.0,
            "usage_rate": 20.0,
            **(summary if ago == 0 else {}),
        }
        for player, team in played
        for ago in (0, 1)
    ]
    contexts = [
        {
            **{key: value for key, value in FRESH.items() if "zone" not in key},
            **{c: line[c] for c in ("player_lookup", "team_abbr", "opponent_team_abbr", "game_id", "game_date")},
        }
        for line in lines
        if line["game_date"] == DAY and line["player_lookup"] in {name for name, _ in PLAYED[:foreseen]}
    ]
    teams = [
        {**side, "game_id": game_of(team), "game_date": DAY, "team_abbr": team, "pace_differential": 2.0}
        for team in TEAMS
    ]
    fixtures = [
        {
            "game_id": game_of(home),
            "game_date": DAY,
            "season_year": 2022,
            "home_team_tricode": home,
            "away_team_tricode": opponent(home),
        }
        for home in TEAMS[::2]
    ]
    fixtures.append({**fixtures[0], "game_id": "first", "game_date": date(2022, 10, 18)})
    return {
        schedule.TABLE.full_name: table_rows(schedule.PROCESSOR, fixtures),
        player_game_summary.TABLE.full_name: table_rows(player_game_summary.PROCESSOR, lines),
        upcoming_player_game_context.TABLE.full_name: table_rows(upcoming_player_game_context.PROCESSOR, contexts),
        upcoming_team_game_context.TABLE.full_name: table_rows(upcoming_team_game_context.PROCESSOR, teams),
        player_shot_zone_analysis.TABLE.full_name: table_rows(player_shot_zone_analysis.PROCESSOR, []),
        team_defense_zone_analysis.TABLE.full_name: table_rows(team_defense_zone_analysis.PROCESSOR, []),
    }


def made(inputs: dict[str, pl.DataFrame], as_of: date = LATER, *options: str) -> tuple[pl.DataFrame, Any, Judgement]:
    """The date's rows, what was measured, and the gate's judgement."""
    chunk = Chunk(TABLE.full_name, (DAY,), as_of, frozenset(options))
    rows = PROCESSOR.compute(chunk, inputs)
    measured = measure(TABLE, chunk, rows, PROCESSOR.expected_keys(chunk, inputs))[0]
    return rows, measured, judge(measured, Thresholds())


def note(inputs: dict[str, pl.DataFrame], as_of: date = LATER, *options: str) -> dict[str, Any]:
    chunk = Chunk(TABLE.full_name, (DAY,), as_of, frozenset(options))
    assert PROCESSOR.notes is not None
    kept = PROCESSOR.notes(chunk, inputs, pl.DataFrame())
    assert set(kept) == {DAY}
    found = json.loads(kept[DAY])
    assert isinstance(found, dict)
    return found


def test_the_incident_with_the_fallback_is_whole() -> None:
    rows, measured, judgement = made(incident(1))
    assert (measured.present_count, measured.expected_count, judgement.verdict) == (187, 187, Verdict.PASS)
    assert set(rows["context_source"]) == {"PGS"}
    assert set(rows["upcg_player_count"]) == {1}
    assert set(rows["pgs_player_count"]) == {187}
    assert set(rows["fatigue_score"]) == {85}, "a back-to-back costs 15; the one game before was none"


def test_the_incident_without_the_fallback_is_blocked_and_names_the_missing() -> None:
    rows, measured, judgement = made(incident(1), LATER, "no_fallback")
    assert rows["player_lookup"].to_list() == [PLAYED[0][0]]
    assert (measured.present_count, measured.expected_count, judgement.verdict) == (1, 187, Verdict.BLOCK)
    missing = sorted(name for name, _ in PLAYED[1:])
    assert measured.missing == tuple(missing[:20])
    assert "1 of 187 expected (0.5%, below 90%)" in judgement.reason
    assert "and 166 more" in judgement.reason


def test_the_incident_is_written_down() -> None:
    assert note(incident(1)) == {
        "decision": "PGS",
        "upcg_players": 1,
        "pgs_players": 187,
        "in_both": 1,
        "coverage_pct": pytest.approx(100 / 187),
        "reason": "UPCG holds 1 of the 187 players who played (0.5 %, below 90 %)",
    }
    assert note(incident(1), LATER, "no_fallback")["reason"].endswith("and the fallback is switched off")


@pytest.mark.parametrize(("foreseen", "source"), [(0, "PGS"), (168, "PGS"), (169, "UPCG"), (187, "UPCG")])
def test_ninety_percent_of_those_who_played_are_enough(foreseen: int, source: str) -> None:
    """0.9 × 187 = 168.3. Whoever UPCG lacks gets his context from his own games."""
    rows, measured, judgement = made(incident(foreseen))
    assert (measured.present_count, judgement.verdict) == (187, Verdict.PASS)
    own = rows.filter(context_source="PGS")
    assert own.height == (187 if source == "PGS" else 187 - foreseen)
    assert note(incident(foreseen))["decision"] == source
    if 0 < own.height < 187:
        assert own["context_reason"][0].endswith("he is not in it: his own games")


def test_today_counts_those_whom_upcg_expects() -> None:
    """On the day itself nobody has played: summaries of the date, should they be there, do not matter."""
    rows, measured, judgement = made(incident(100), DAY)
    assert (rows.height, measured.expected_count, judgement.verdict) == (100, 100, Verdict.PASS)
    assert set(rows["context_source"]) == {"UPCG"}
    assert rows["context_coverage_pct"].null_count() == 100
    found = note(incident(100), DAY)
    assert (found["decision"], found["pgs_players"], found["coverage_pct"]) == ("UPCG", 0, None)


def test_today_without_contexts_is_blocked_and_names_the_teams() -> None:
    _, measured, judgement = made(incident(0), DAY)
    assert (measured.expected_count, judgement.verdict) == (180, Verdict.BLOCK)
    assert measured.missing[0] == "nobody_seen_t00_01"
    _, measured, judgement = made(incident(1), DAY)
    assert (measured.present_count, measured.expected_count, judgement.verdict) == (1, 171, Verdict.BLOCK)


def test_final_games_without_box_scores_are_blocked() -> None:
    _, measured, judgement = made(incident(0, played=[]))
    assert (measured.expected_count, judgement.verdict) == (180, Verdict.BLOCK)


def test_what_happened_in_the_game_itself_changes_nothing() -> None:
    usual, other = (made(incident(1, **same_day))[0] for same_day in ({}, {"points": 50, "usage_rate": 45.0}))
    assert usual.equals(other)


def test_a_traded_player_is_not_foreseen_in_his_new_teams_game() -> None:
    """UPCG expects the player in his old team's game; he plays in another one."""
    moved = [(PLAYED[0][0], TEAMS[9]), *PLAYED[1:]]
    inputs = incident(187)
    name = upcoming_player_game_context.TABLE.full_name
    inputs = incident(187, played=moved) | {name: inputs[name]}
    rows = made(inputs)[0].filter(player_lookup=PLAYED[0][0])
    assert rows.select("team_abbr", "game_id", "context_source").rows() == [("T09", "game4", "PGS")]


def test_a_player_of_a_game_that_is_not_final_is_not_due() -> None:
    inputs = incident(1)
    fixtures = inputs[schedule.TABLE.full_name].with_columns(
        game_status=pl.when(pl.col("game_id") == "game0").then(pl.lit(1)).otherwise(pl.lit(3)).cast(pl.Int64)
    )
    due = due_players(Chunk("t", (DAY,), LATER), inputs | {schedule.TABLE.full_name: fixtures})
    assert set(due["game_id"]) == {f"game{n}" for n in range(1, 9)}


@pytest.mark.parametrize(("day", "early"), [(date(2022, 11, 21), True), (date(2022, 11, 22), False)])
def test_early_season(day: date, early: bool) -> None:
    """The season began on 18 October: 14 days of bootstrap and 21 early ones end on 21 November."""
    inputs = {name: moved(rows, DAY - day) for name, rows in incident(1).items()}
    first = pl.when(pl.col("game_id") == "first").then(date(2022, 10, 18)).otherwise("game_date")
    fixtures = inputs[schedule.TABLE.full_name].with_columns(game_date=first)
    chunk = Chunk(TABLE.full_name, (day,), LATER)
    rows = PROCESSOR.compute(chunk, inputs | {schedule.TABLE.full_name: fixtures})
    assert set(rows["early_season_flag"]) == {early}


def moved(rows: pl.DataFrame, back: timedelta) -> pl.DataFrame:
    """The same rows so much earlier."""
    return rows.with_columns(pl.col(pl.Date) - back)
