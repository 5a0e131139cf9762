"""848 of 918: four seasons and the start of a fifth have 918 dates, of which 70 are bootstrap; every count says so.

The figures are the mission's (918 game dates from 2021-10-19 to 2026-01-03, the first 14 days of five seasons).
"""

import re
from datetime import date

import pytest

from backcourt.sources.simulator import tables
from backcourt.sources.simulator.playing import SeasonPlay
from backcourt.warehouse.emulator import LocalBigQuery
from nba.pipeline import PIPELINE
from tests.integration.nba_league import League

LAST, AS_OF = date(2026, 1, 3), date(2026, 1, 4)
RESULTS = [p.name for p in PIPELINE.processors if not p.is_raw]
WITH_BOOTSTRAP = {
    "nba_precompute.team_defense_zone_analysis",
    "nba_precompute.player_shot_zone_analysis",
    "nba_precompute.player_composite_factors",
    "nba_precompute.player_daily_cache",
    "nba_predictions.ml_feature_store_v2",
    "nba_predictions.player_prop_predictions",
    "nba_predictions.prediction_accuracy",
    "nba_predictions.accuracy_summary",
}
COUNTS = {name: (848, 70) if name in WITH_BOOTSTRAP else (918, 0) for name in RESULTS}
"""Table to dates to do and bootstrap dates."""


@pytest.fixture(scope="module")
def league(shared_bigquery: LocalBigQuery, tmp_path_factory: pytest.TempPathFactory) -> League:
    """A league whose schedule is in the warehouse, and nothing else."""
    folder = tmp_path_factory.mktemp("counts")
    for year in range(2021, 2026):
        play = SeasonPlay(7, year)
        games = tables.within(play.schedule, date.min, LAST)
        games += [p.game for p in play.played(date.min, LAST) if p.game.season_type != "regular"]
        tables.schedule(play.season, games, {}).write_parquet(folder / f"schedule_{year}.parquet")
    made = League(shared_bigquery, folder, "counts", AS_OF)
    made.done("ingest", "--source", f"folder:{folder}", "--tables", "schedule", "--yes")
    return made


def test_the_plan_says_918_and_848_and_70(league: League) -> None:
    told = league.done("plan")
    lines = {line.split()[0]: line.split() for line in told.text.splitlines() if line.startswith("nba_")}
    assert {name: (int(line[2]), int(line[-2])) for name, line in lines.items()} == COUNTS
    total = 918 * 5 + 848 * 8
    assert f"{total} partitions:" in told.text


def test_the_plan_as_json_says_so(league: League) -> None:
    plan = league.done("plan", "--json").json["plan"]
    assert {t["table"]: (len(t["to_do"]), t["bootstrap"]) for t in plan["tables"]} == COUNTS
    assert len(plan["request"]["days"]) == 918
    assert {t["done"] + t["not_due"] for t in plan["tables"]} == {0}


def test_status_says_so(league: League) -> None:
    found = league.done("status", "--json").json["tables"]
    assert {t["table"]: (t["missing"], t["bootstrap"]) for t in found if t["table"] in COUNTS} == COUNTS
    schedule = next(t for t in found if t["table"] == "nba_raw.schedule")
    assert (schedule["done"], schedule["missing"], schedule["bootstrap"]) == (918, 0, 0)
    row = next(
        line for line in league.done("status").text.splitlines() if line.startswith("nba_precompute.player_daily")
    )
    assert re.findall(r"\d+", row)[:6] == ["0", "848", "0", "0", "0", "70"]
