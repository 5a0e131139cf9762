"""PDC by hand: who has a row, windows of 5 and 10 games, means that leave NULLs out, a traded player's new team."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from backcourt.pipeline.processor import Chunk
from nba.analytics import player_game_summary, team_offense_game_summary, upcoming_player_game_context
from nba.precompute import player_shot_zone_analysis
from nba.precompute.player_daily_cache import PROCESSOR
from nba.raw import schedule
from tests.unit.nba.test_formulas import table_rows
from tests.unit.nba.test_upcoming_context import DAY, TODAY, played, team_game

TOMORROW = DAY + timedelta(days=1)


def cached(
    lines: list[dict[str, Any]],
    teams: list[dict[str, Any]] | None = None,
    contexts: list[dict[str, Any]] | None = None,
    zones: list[dict[str, Any]] | None = None,
    as_of: date = TOMORROW,
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Rows by player, and the expected players that are not placeholders."""
    inputs = {
        module.TABLE.full_name: table_rows(module.PROCESSOR, rows)
        for module, rows in (
            (schedule, [TODAY]),
            (player_game_summary, lines),
            (team_offense_game_summary, teams or []),
            (upcoming_player_game_context, contexts or []),
            (player_shot_zone_analysis, zones or []),
        )
    }
    chunk = Chunk("t", (DAY,), as_of)
    expected = PROCESSOR.expected_keys(chunk, inputs)["player_lookup"].to_list()
    rows = {row["player_lookup"]: row for row in PROCESSOR.compute(chunk, inputs).to_dicts()}
    return rows, [name for name in expected if not name.startswith("nobody_seen")]


def season(games: int, player: str = "a", team: str = "MIA", **more: Any) -> list[dict[str, Any]]:
    """The date's game and `games` before it; n days ago he scored n points."""
    before = [played(3 * n, player, team, points=n, minutes_played=20.0, **more) for n in range(1, games + 1)]
    return [played(0, player, team, points=99, minutes_played=48.0, usage_rate=99.0, ts_pct=2.0), *before]


def test_five_games_are_needed() -> None:
    rows, expected = cached(season(4, "few") + season(5, "enough"))
    assert expected == list(rows) == ["enough"]
    assert (rows["enough"]["games_played_season"], rows["enough"]["early_season_flag"]) == (5, True)
    assert cached(season(10))[0]["a"]["early_season_flag"] is False


def test_windows_end_before_the_date() -> None:
    """Twelve games of 1 to 12 points: means 3, 5.5 and 6.5; the sample deviation of 1 … 10 is √(55/6)."""
    row = cached(season(12))[0]["a"]
    assert [row[f"points_avg_{w}"] for w in ("last_5", "last_10", "season")] == [3.0, 5.5, 6.5]
    assert row["points_std_last_10"] == pytest.approx((55 / 6) ** 0.5, abs=1e-12)
    assert (row["games_in_last_7_days"], row["minutes_in_last_7_days"], row["games_in_last_14_days"]) == (2, 40.0, 4)
    assert (row["avg_minutes_per_game_last_7"], row["back_to_backs_last_14_days"]) == (20.0, 0)


def test_games_without_a_value_are_left_out_of_its_mean() -> None:
    lines = season(5, usage_rate=20.0, ts_pct=0.5)
    lines[1] |= {"usage_rate": None, "ts_pct": None}
    lines[2] |= {"usage_rate": 28.0, "ts_pct": 0.7}
    row = cached(lines)[0]["a"]
    assert [row[c] for c in ("usage_rate_last_5", "usage_rate_last_10", "player_usage_rate_season")] == [22.0] * 3
    assert [row[f"ts_pct_{w}"] for w in ("last_5", "last_10", "season")] == [pytest.approx(0.55, abs=1e-12)] * 3


def test_other_seasons_do_not_count() -> None:
    old = [played(200 + n, points=50, minutes_played=40.0) | {"season_year": 2022} for n in range(9)]
    assert cached(season(5) + old)[0]["a"]["games_played_season"] == 5


def test_the_team_is_the_one_he_plays_for_on_the_date() -> None:
    lines = season(6)
    lines[0] |= {"team_abbr": "BOS"}
    teams = [team_game(n, "BOS", pace=104.0, offensive_rating=118.0) for n in range(1, 11)]
    teams += [team_game(11, "BOS", pace=0.0, offensive_rating=0.0), team_game(1, pace=90.0, offensive_rating=90.0)]
    row = cached(lines, teams)[0]["a"]
    assert (row["team_abbr"], row["team_pace_last_10"], row["team_off_rating_last_10"]) == ("BOS", 104.0, 118.0)


def test_zones_and_age_are_taken_over() -> None:
    zones = [{"analysis_date": DAY, "player_lookup": "a", "primary_scoring_zone": "paint", "paint_rate_last_10": 61.0}]
    contexts = [{**played(0), "player_age": 33}]
    row = cached(season(5), contexts=contexts, zones=zones)[0]["a"]
    assert (row["primary_scoring_zone"], row["paint_rate_last_10"], row["player_age"]) == ("paint", 61.0, 33)
    row = cached(season(5))[0]["a"]
    assert (row["primary_scoring_zone"], row["paint_rate_last_10"], row["player_age"]) == (None, None, None)


def test_today_the_players_are_those_whom_upcg_expects() -> None:
    lines = season(5)[1:] + season(5, "b")[1:]
    rows, expected = cached(lines, contexts=[played(0, "b")], as_of=DAY)
    assert list(rows) == expected == ["b"]
    assert pl.DataFrame([rows["b"]])["points_avg_season"].item() == 3.0
