"""The context of an upcoming game, by hand: rest, edges of the 7- and 14-day windows, streaks, road trips, trades."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from backcourt.pipeline.processor import Chunk, Processor
from nba.analytics import (
    player_game_summary,
    team_defense_game_summary,
    team_offense_game_summary,
    upcoming_player_game_context,
    upcoming_team_game_context,
)
from nba.precompute import player_shot_zone_analysis
from nba.precompute.player_shot_zone_analysis import primary_zone
from nba.raw import injury_report, player_props, schedule
from tests.unit.nba.test_formulas import table_rows

DAY = date(2024, 1, 31)
CHUNK = Chunk("t", (DAY,), DAY)


def ago(days: int) -> dict[str, Any]:
    """When a game of so many days ago was, and its id."""
    return {"game_id": f"g{days:03}", "game_date": DAY - timedelta(days=days), "season_year": 2023}


def fixture(days: int, home: str, away: str, **more: Any) -> dict[str, Any]:
    return {**ago(days), "home_team_tricode": home, "away_team_tricode": away, **more}


def team_game(days: int, team: str = "MIA", **more: Any) -> dict[str, Any]:
    other = "BOS" if team == "MIA" else "MIA"
    return {**ago(days), "team_abbr": team, "opponent_team_abbr": other, "defending_team_abbr": team, **more}


def played(days: int, player: str = "a", team: str = "MIA", **more: Any) -> dict[str, Any]:
    return {**ago(days), "player_lookup": player, "player_full_name": player.upper(), "team_abbr": team, **more}


def contexts(
    fixtures: list[dict[str, Any]],
    teams: list[dict[str, Any]] | None = None,
    players: list[dict[str, Any]] | None = None,
    props: list[dict[str, Any]] | None = None,
    injuries: list[dict[str, Any]] | None = None,
) -> dict[str, pl.DataFrame]:
    """Inputs of the upcoming tables and of the shot zones, and the team context made of them."""
    inputs = {
        schedule.TABLE.full_name: table_rows(schedule.PROCESSOR, fixtures),
        team_offense_game_summary.TABLE.full_name: table_rows(team_offense_game_summary.PROCESSOR, teams or []),
        team_defense_game_summary.TABLE.full_name: table_rows(team_defense_game_summary.PROCESSOR, teams or []),
        player_game_summary.TABLE.full_name: table_rows(player_game_summary.PROCESSOR, players or []),
        player_props.TABLE.full_name: table_rows(player_props.PROCESSOR, props or []),
        injury_report.TABLE.full_name: table_rows(injury_report.PROCESSOR, injuries or []),
    }
    made = upcoming_team_game_context.PROCESSOR.compute(CHUNK, inputs)
    return inputs | {upcoming_team_game_context.TABLE.full_name: made}


def only(processor: Processor, inputs: dict[str, pl.DataFrame], **key: str) -> dict[str, Any]:
    return processor.compute(CHUNK, inputs).filter(**key).row(0, named=True)


def team(inputs: dict[str, pl.DataFrame], name: str = "MIA") -> dict[str, Any]:
    return only(upcoming_team_game_context.PROCESSOR, inputs, team_abbr=name)


def player(inputs: dict[str, pl.DataFrame], name: str = "a") -> dict[str, Any]:
    return only(upcoming_player_game_context.PROCESSOR, inputs, player_lookup=name)


TODAY = fixture(0, "MIA", "BOS")


def test_the_first_game_of_a_season_has_no_rest_and_nothing_before_it() -> None:
    row = team(contexts([TODAY, fixture(200, "MIA", "BOS", season_year=2022)]))
    assert (row["team_days_rest"], row["is_back_to_back"], row["game_number_in_season"]) == (None, False, 1)
    assert (row["games_in_last_14_days"], row["team_win_pct"], row["team_pace_last_10"]) == (0, None, None)
    assert row["league_pace_last_30_days"] == 99.0


@pytest.mark.parametrize(("days", "rest", "in_7", "in_14"), [(1, 0, 1, 1), (6, 5, 1, 1), (7, 6, 0, 1), (13, 12, 0, 1), (14, 13, 0, 0)])  # fmt: skip  # noqa: E501
def test_rest_and_the_edges_of_the_windows(days: int, rest: int, in_7: int, in_14: int) -> None:
    inputs = contexts([fixture(days, "BOS", "MIA"), TODAY], players=[played(days, minutes_played=30.0)])
    row = team(inputs)
    assert (row["team_days_rest"], row["is_back_to_back"], row["opponent_days_rest"]) == (rest, rest == 0, rest)
    assert (row["games_in_last_7_days"], row["games_in_last_14_days"]) == (in_7, in_14)
    row = player(inputs)
    assert (row["days_rest"], row["back_to_back"]) == (rest, rest == 0)
    assert (row["games_in_last_7_days"], row["minutes_in_last_7_days"]) == (in_7, 30.0 * in_7)
    assert (row["games_in_last_14_days"], row["minutes_in_last_14_days"]) == (in_14, 30.0 * in_14)
    assert row["avg_minutes_per_game_last_7"] == (30.0 if in_7 else None)


def test_a_postponed_game_is_no_game() -> None:
    fixtures = [TODAY, fixture(1, "MIA", "BOS", game_status_text="PPD"), fixture(4, "MIA", "BOS")]
    assert team(contexts(fixtures))["team_days_rest"] == 3
    inputs = contexts([TODAY | {"game_status_text": "PPD"}])
    assert inputs[upcoming_team_game_context.TABLE.full_name].is_empty()
    assert upcoming_team_game_context.PROCESSOR.expected_keys(CHUNK, inputs).is_empty()


def test_a_road_trip_counts_this_game_and_ends_at_home() -> None:
    fixtures = [fixture(8, "MIA", "BOS"), fixture(6, "CHI", "BOS"), fixture(4, "DEN", "BOS"), TODAY]
    inputs = contexts(fixtures)
    assert team(inputs, "BOS")["consecutive_road_games"] == 4
    assert team(contexts([fixture(5, "BOS", "CHI"), *fixtures[1:]]), "BOS")["consecutive_road_games"] == 2
    assert team(inputs)["consecutive_road_games"] == 0


@pytest.mark.parametrize(
    ("results", "wins", "losses", "share"),
    [
        ([True, True, True], 3, 0, 1.0),
        ([True, False, True, True], 2, 0, 0.75),
        ([True, False, False], 0, 2, 1 / 3),
        ([True, None, True], 1, 0, 1.0),
    ],
)
def test_streaks_enter_the_game(results: list[bool | None], wins: int, losses: int, share: float) -> None:
    games = [team_game(len(results) - n, win_flag=won, margin_of_victory=n) for n, won in enumerate(results)]
    row = team(contexts([TODAY], games))
    assert (row["team_win_streak_entering"], row["team_loss_streak_entering"]) == (wins, losses)
    assert row["team_win_pct"] == pytest.approx(share, abs=1e-15)
    assert row["last_game_margin"] == len(results) - 1


def test_form_is_the_mean_of_ten_games_and_pace_is_against_the_leagues() -> None:
    """MIA: ten games at 102, an eleventh at 0; BOS: nine at 96. League: (10·102 + 0 + 9·96) / 20 = 94.2."""
    games = [team_game(n, pace=102.0, offensive_rating=110.0, defensive_rating=112.0) for n in range(1, 11)]
    games += [team_game(11, pace=0.0, offensive_rating=0.0, defensive_rating=0.0)]
    games += [team_game(n, "BOS", pace=96.0, offensive_rating=100.0, defensive_rating=90.0) for n in range(1, 10)]
    row = team(contexts([TODAY], games))
    assert (row["team_pace_last_10"], row["team_off_rating_last_10"], row["team_def_rating_last_10"]) == (102, 110, 112)
    assert (row["opponent_pace_last_10"], row["opponent_def_rating_last_10"]) == (96.0, 90.0)
    assert row["league_pace_last_30_days"] == pytest.approx(94.2, abs=1e-12)
    assert row["pace_differential"] == pytest.approx(1.8, abs=1e-12)
    assert team(contexts([TODAY], games[1:]))["league_pace_last_30_days"] == 99.0, "nineteen games are too few"


def test_a_players_averages_and_back_to_backs() -> None:
    """Games 13, 12, 6, 5 and 2 days ago: two on the day after another; a sixth 14 days ago makes it three."""
    games = [played(n, points=n, usage_rate=float(n), minutes_played=20.0) for n in (14, 13, 12, 6, 5, 2)]
    row = player(contexts([TODAY], players=games))
    assert (row["back_to_backs_last_14_days"], row["days_rest_before_last_game"]) == (3, 2)
    assert row["points_avg_last_5"] == pytest.approx((13 + 12 + 6 + 5 + 2) / 5, abs=1e-12)
    assert row["avg_usage_rate_last_7_games"] == row["projected_usage_rate"] == pytest.approx(52 / 6, abs=1e-12)
    assert player(contexts([TODAY], players=games[1:]))["back_to_backs_last_14_days"] == 2


def test_a_traded_player_counts_for_his_new_team_from_his_first_game_there() -> None:
    traded = [played(5, team="CHI"), played(3, team="BOS")]
    assert player(contexts([TODAY], players=traded))["team_abbr"] == "BOS"
    left = contexts([TODAY], players=[played(5), played(3, team="CHI")])
    assert upcoming_player_game_context.PROCESSOR.compute(CHUNK, left).is_empty()
    assert upcoming_player_game_context.PROCESSOR.expected_keys(CHUNK, left).is_empty()


def test_who_was_not_seen_in_the_teams_last_ten_games_is_not_expected() -> None:
    regular = [played(n, "b") for n in range(1, 11)]
    assert player(contexts([TODAY], players=[*regular, played(10)]))["days_rest"] == 9
    rows = upcoming_player_game_context.PROCESSOR.compute(CHUNK, contexts([TODAY], players=[*regular, played(11)]))
    assert rows["player_lookup"].to_list() == ["b"]


@pytest.mark.parametrize(
    ("paint", "mid_range", "three", "zone"),
    [
        (40.0, 20.0, 40.0, "paint"),
        (39.9, 20.1, 40.0, "perimeter"),
        (30.0, 35.0, 35.0, "mid_range"),
        (39.0, 34.0, 27.0, "balanced"),
        (None, None, None, None),
    ],
)
def test_primary_zone(paint: float | None, mid_range: float | None, three: float | None, zone: str | None) -> None:
    assert pl.select(primary_zone(*(pl.lit(v, pl.Float64) for v in (paint, mid_range, three)))).item() == zone


ZONES = {
    "paint_attempts": 2,
    "paint_makes": 1,
    "mid_range_attempts": 1,
    "mid_range_makes": 0,
    "three_attempts_pbp": 1,
    "three_makes_pbp": 1,
}


def test_shares_are_pooled_over_ten_games_and_games_without_shots_are_left_out() -> None:
    games = [played(n, **ZONES) for n in range(1, 9)] + [played(9), played(10), played(11, **ZONES)]
    inputs = contexts([TODAY, fixture(90, "MIA", "BOS")], players=games)
    row = only(player_shot_zone_analysis.PROCESSOR, inputs, player_lookup="a")
    assert [row[f"{zone}_rate_last_10"] for zone in ("paint", "mid_range", "three_pt")] == [50.0, 25.0, 25.0]
    assert (row["total_shots_last_10"], row["games_in_sample_10"], row["games_in_sample_20"]) == (32, 10, 11)
    assert [row[f"{zone}_pct_last_10"] for zone in ("paint", "mid_range", "three_pt")] == [0.5, 0.0, 1.0]
    assert (row["paint_attempts_per_game"], row["primary_scoring_zone"]) == (2.0, "paint")
    assert (row["insufficient_data_reason"], row["early_season_flag"]) == (None, False)


def test_without_known_shots_the_reason_is_given() -> None:
    inputs = contexts([TODAY, fixture(90, "MIA", "BOS")], players=[played(n) for n in range(1, 11)])
    row = only(player_shot_zone_analysis.PROCESSOR, inputs, player_lookup="a")
    assert (row["paint_rate_last_10"], row["total_shots_last_10"], row["primary_scoring_zone"]) == (None, None, None)
    assert row["insufficient_data_reason"] == "no shots known in the last 10 games"


@pytest.mark.parametrize(
    ("season_began", "own", "team_games", "expected"),
    [
        (90, 10, 12, True),
        (90, 9, 9, False),
        (34, 9, 9, True),  # day 35 of the season: the team has played nine
        (34, 8, 9, False),
        (34, 10, 12, True),
        (35, 9, 9, False),  # day 36: ten are needed
    ],
)
def test_how_many_games_are_needed(season_began: int, own: int, team_games: int, expected: bool) -> None:
    players = [played(n) for n in range(1, own + 1)] + [played(n, "b") for n in range(1, team_games + 1)]
    inputs = contexts([TODAY, fixture(season_began, "MIA", "BOS")], players=players)
    keys = player_shot_zone_analysis.PROCESSOR.expected_keys(CHUNK, inputs)
    assert ("a" in keys["player_lookup"].to_list()) is expected
    if expected:
        assert only(player_shot_zone_analysis.PROCESSOR, inputs, player_lookup="a")["early_season_flag"] is (
            season_began < 35
        )


@pytest.mark.parametrize(
    "processor",
    [upcoming_player_game_context.PROCESSOR, player_shot_zone_analysis.PROCESSOR],
    ids=lambda p: p.table.name,
)
def test_a_team_of_which_nobody_was_seen_is_missing_unless_it_is_its_first_game(processor: Processor) -> None:
    """MIA has played before and has no box score; BOS plays its first game, so nobody can have been seen."""
    inputs = contexts([fixture(3, "MIA", "CHI"), TODAY])
    keys = processor.expected_keys(CHUNK, inputs)
    assert keys["player_lookup"].to_list() == [f"nobody_seen_mia_{n:02}" for n in range(1, 11)]
    assert processor.compute(CHUNK, inputs).is_empty()
    assert processor.expected_keys(CHUNK, contexts([TODAY])).is_empty()
