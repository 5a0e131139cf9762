"""What is known of the real season 2023-24 from outside: games, winners, pace, and dates without box scores."""

from datetime import date

import polars as pl
import pytest

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.processor import Processor
from nba.pipeline import PIPELINE
from tests.plain_loop import expected_all
from tests.unit.nba.real_season import AS_OF, FOLDER, needs_real_data, season

pytestmark = [pytest.mark.real_data, needs_real_data]

PGS = "nba_analytics.player_game_summary"
OFFENSE = "nba_analytics.team_offense_game_summary"
DEFENSE = "nba_analytics.team_defense_game_summary"
DATES_WITHOUT_BOX_SCORES = [date(2024, 4, day) for day in (9, 10, 11, 12, 14)]


def calendar() -> Calendar:
    assert PIPELINE.calendar is not None
    return PIPELINE.calendar(season()["nba_raw.schedule"])


def test_games_and_team_rows() -> None:
    assert season()[PGS].height == 25_143
    assert season()[PGS]["game_id"].n_unique() == 1_173
    assert season()[OFFENSE].height == season()[DEFENSE].height == 2_346
    assert season()["nba_raw.shots"].height == 218_701


def test_the_winner_by_points_is_the_files() -> None:
    file = pl.read_parquet(FOLDER / "box_scores_2023_24.parquet").select("game_id", "team", "won").unique()
    teams = season()[OFFENSE].join(file, left_on=["game_id", "team_abbr"], right_on=["game_id", "team"])
    assert teams.height == 2_346
    assert ((teams["margin_of_victory"] > 0) == teams["won"]).all()


def test_the_mean_pace_is_the_leagues() -> None:
    mean = season()[OFFENSE]["pace"].mean()
    assert isinstance(mean, float)
    assert 95 < mean < 105


def test_shots_are_numbered_from_one_in_the_order_of_the_game() -> None:
    shots = season()["nba_raw.shots"].sort("game_id", "shot_number")
    numbers = shots.group_by("game_id").agg(pl.col("shot_number").sort(), n=pl.len())
    assert numbers.select((pl.col("shot_number").list.last() == pl.col("n")).all()).item()
    clock = pl.col("period") * 1000 - pl.col("seconds_left")
    assert shots.select((clock.diff().over("game_id") >= 0).all()).item()


def test_all_but_three_players_have_complete_zones() -> None:
    """The data's description says so: a player's attempts equal his shots in all but 3 rows."""
    assert (~season()[PGS]["has_complete_shot_zones"]).sum() == 3


@pytest.mark.parametrize("name", [PGS, OFFENSE, DEFENSE, "nba_raw.player_box_scores"])
def test_dates_without_box_scores_expect_keys_and_have_no_rows(name: str) -> None:
    expected = expected_all(PIPELINE.processor(name), season(), calendar(), AS_OF)
    on_those = expected.filter(pl.col("game_date").is_in(DATES_WITHOUT_BOX_SCORES))
    assert sorted(on_those["game_date"].unique()) == DATES_WITHOUT_BOX_SCORES
    assert on_those.height == 57 * 2 * (10 if name == PGS else 1)
    assert season()[name].filter(pl.col("game_date").is_in(DATES_WITHOUT_BOX_SCORES)).is_empty()


EMPTY_IN_THE_REAL_FILES = ("nba_raw.player_props", "nba_raw.injury_report")


@pytest.mark.parametrize("name", EMPTY_IN_THE_REAL_FILES)
def test_tables_without_a_file_expect_nothing_and_are_empty(name: str) -> None:
    assert expected_all(PIPELINE.processor(name), season(), calendar(), AS_OF).is_empty()
    assert season()[name].is_empty()


@pytest.mark.parametrize(
    "processor",
    [p for p in PIPELINE.processors if p.name not in EMPTY_IN_THE_REAL_FILES],
    ids=lambda p: p.table.name,
)
def test_other_dates_hold_every_expected_key(processor: Processor) -> None:
    expected = expected_all(processor, season(), calendar(), AS_OF)
    expected = expected.filter(~pl.col(processor.table.partition_by).is_in(DATES_WITHOUT_BOX_SCORES))
    missing = expected.join(season()[processor.name], on=expected.columns, how="anti")
    assert expected.height > 0
    assert missing.rows() == []


def test_precompute_starts_after_fourteen_days() -> None:
    """The season began on 24 October; nobody played on 7 November, so 14 of the 160 dates are skipped."""
    dates = season()["nba_precompute.team_defense_zone_analysis"]["analysis_date"]
    assert dates.min() == date(2023, 11, 8)
    assert dates.n_unique() == 146


def test_nearly_everyone_who_played_was_expected() -> None:
    """DOMAIN: on normal dates of the real season UPCG holds 93 to 100 % of the players who played."""
    key = ["game_date", "player_lookup"]
    foreseen = season()["nba_analytics.upcoming_player_game_context"].select(*key, foreseen=1)
    played = season()[PGS].filter(pl.col("game_date") >= date(2023, 11, 8)).join(foreseen, on=key, how="left")
    coverage = played.group_by("game_date").agg(share=pl.col("foreseen").fill_null(0).mean())["share"]
    assert coverage.len() == 141
    assert coverage.min() == pytest.approx(0.93, abs=0.005)
    assert coverage.max() == 1.0
