"""TDZA by hand: pooled percentages, the league's figure and its stand-in, ties, teams without games."""

from datetime import date, timedelta
from typing import Any

import pytest

from backcourt.pipeline.processor import Chunk
from nba.analytics import team_defense_game_summary
from nba.precompute.team_defense_zone_analysis import PROCESSOR, TABLE
from nba.raw import schedule
from tests.unit.nba.test_formulas import table_rows

DAY = date(2024, 1, 31)
CHUNK = Chunk(TABLE.full_name, (DAY,), DAY)


def defense(team: str, days_ago: int, **more: Any) -> dict[str, Any]:
    """One game: the paint gave up 6 of 10, mid-range 2 of 5, the line 4 of 10."""
    return {
        "game_id": f"{days_ago:03}",
        "game_date": DAY - timedelta(days=days_ago),
        "defending_team_abbr": team,
        "season_year": 2023,
        "points_allowed": 100,
        "opp_paint_attempts": 10,
        "opp_paint_makes": 6,
        "opp_mid_range_attempts": 5,
        "opp_mid_range_makes": 2,
        "opp_three_pt_attempts": 10,
        "opp_three_pt_makes": 4,
        "points_in_paint_allowed": 12,
        **more,
    }


def analysed(games: list[dict[str, Any]], teams: int = 12) -> dict[str, dict[str, Any]]:
    """Rows by team for a league of teams T01, T02 …"""
    names = [f"T{n:02}" for n in range(1, teams + 1)]
    fixtures = [
        {"game_id": home, "game_date": DAY, "season_year": 2023, "home_team_tricode": home, "away_team_tricode": away}
        for home, away in zip(names[::2], names[1::2], strict=True)
    ]
    inputs = {
        schedule.TABLE.full_name: table_rows(schedule.PROCESSOR, fixtures),
        team_defense_game_summary.TABLE.full_name: table_rows(team_defense_game_summary.PROCESSOR, games),
    }
    assert PROCESSOR.expected_keys(CHUNK, inputs)["team_abbr"].to_list() == names
    return {row["team_abbr"]: row for row in PROCESSOR.compute(CHUNK, inputs).to_dicts()}


def test_percentages_are_pooled_and_counts_are_means() -> None:
    games = [
        defense("T01", 1, opp_paint_attempts=30, opp_paint_makes=10, points_in_paint_allowed=20),
        defense("T01", 2),
    ]
    row = analysed(games)["T01"]
    assert row["paint_pct_allowed_last_15"] == 16 / 40
    assert (row["paint_attempts_allowed_per_game"], row["paint_points_allowed_per_game"]) == (20.0, 16.0)
    assert (row["games_in_sample"], row["early_season_flag"], row["opponent_points_per_game"]) == (2, True, 100.0)


def test_with_nine_teams_the_usual_figures_stand_in() -> None:
    row = analysed([defense(f"T{n:02}", 3) for n in range(1, 10)])["T01"]
    league = [row[f"league_avg_{zone}_pct"] for zone in ("paint", "mid_range", "three_pt")]
    assert league == [0.580, 0.410, 0.355]
    assert row["paint_defense_vs_league_avg"] == pytest.approx(2.0, abs=1e-12)
    assert row["mid_range_defense_vs_league_avg"] == pytest.approx(-1.0, abs=1e-12)
    assert row["three_pt_defense_vs_league_avg"] == pytest.approx(4.5, abs=1e-12)
    assert (row["strongest_zone"], row["weakest_zone"]) == ("mid_range", "perimeter")


def test_with_ten_teams_the_league_is_pooled_over_thirty_days() -> None:
    games = [defense(f"T{n:02}", 30) for n in range(1, 11)]
    games += [defense("T01", 31, opp_paint_makes=0), defense("T01", 2, opp_paint_attempts=100, opp_paint_makes=10)]
    row = analysed(games)["T01"]
    assert row["league_avg_paint_pct"] == 70 / 200
    assert row["paint_defense_vs_league_avg"] == pytest.approx(100 * (16 / 120 - 0.35), abs=1e-12)


def test_ties_go_to_the_paint_then_mid_range() -> None:
    row = analysed([defense(f"T{n:02}", 3) for n in range(1, 11)])["T01"]
    assert row["paint_defense_vs_league_avg"] == row["three_pt_defense_vs_league_avg"] == 0.0
    assert (row["strongest_zone"], row["weakest_zone"]) == ("paint", "paint")


def test_only_the_last_fifteen_games_count() -> None:
    games = [defense("T01", n) for n in range(1, 16)] + [defense("T01", 16, opp_paint_makes=0)]
    row = analysed(games)["T01"]
    assert (row["games_in_sample"], row["early_season_flag"]) == (15, False)
    assert row["paint_pct_allowed_last_15"] == 90 / 150


def test_games_without_shots_leave_zones_out_and_threes_in() -> None:
    no_shots: dict[str, Any] = dict.fromkeys(
        ["opp_paint_attempts", "opp_paint_makes", "opp_mid_range_attempts", "opp_mid_range_makes"]
    )
    rows = analysed([defense("T01", 1, **no_shots), defense("T02", 1, **no_shots), defense("T02", 2)])
    assert rows["T01"]["paint_pct_allowed_last_15"] is None
    assert rows["T01"]["paint_defense_vs_league_avg"] is None
    assert (rows["T01"]["strongest_zone"], rows["T01"]["weakest_zone"]) == ("perimeter", "perimeter")
    assert (rows["T02"]["paint_pct_allowed_last_15"], rows["T02"]["games_in_sample"]) == (0.6, 2)


def test_a_team_without_games_has_no_row_and_is_missing() -> None:
    assert set(analysed([defense("T03", 1)])) == {"T03"}


def test_other_seasons_do_not_count() -> None:
    assert analysed([defense("T01", 100, season_year=2022), defense("T01", 1)])["T01"]["games_in_sample"] == 1
