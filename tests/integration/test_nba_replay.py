"""The NBA pipeline through its commands: an incident that started it all, models, and the 33/34 accident.

On 2023-02-23 the upcoming contexts held 1 of 187 players; the date was published as complete and found six days later.
The simulated league of seed 118 has a date with 187 players, too.
"""

import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from backcourt.warehouse.emulator import LocalBigQuery
from tests.integration.nba_league import League

START, END, AS_OF = "2023-10-24", "2023-11-12", date(2023, 11, 13)
DAY = "2023-11-10"
"""187 players."""

CONTEXTS = (
    "player_game_summary,team_offense_game_summary,team_defense_game_summary,upcoming_team_game_context,"
    "upcoming_player_game_context,team_defense_zone_analysis,player_shot_zone_analysis"
)


@pytest.fixture(scope="module")
def league(shared_bigquery: LocalBigQuery, tmp_path_factory: pytest.TempPathFactory) -> League:
    """Simulated games, ingested and computed as far as the contexts."""
    folder = tmp_path_factory.mktemp("replay")
    made = League(shared_bigquery, folder, "replay", AS_OF)
    made.done("simulate", "--to", f"{folder}/files", "--start", START, "--end", END, "--seed", "118")
    made.done("ingest", "--source", f"folder:{folder}/files", "--yes")
    made.done("backfill", "--tables", CONTEXTS, "--yes")
    return made


@pytest.fixture(scope="module")
def predicted(league: League) -> League:
    """All tables of all dates; predictions without a model."""
    league.done("backfill", "--yes")
    return league


def test_lines_and_injuries_are_ingested_and_used(league: League) -> None:
    for table, count in (("player_props", 5000), ("injury_report", 500)):
        rows = pl.read_parquet(league.folder / "files" / f"{table}_2023_24.parquet").height
        assert league.sql(f"SELECT COUNT(*) FROM {{nba_raw.{table}}}") == [(rows,)]
        assert rows > count
    ((lines, out),) = league.sql(
        "SELECT COUNTIF(current_points_line IS NOT NULL), COUNTIF(player_status = 'out') "
        "FROM {nba_analytics.upcoming_player_game_context}"
    )
    assert lines > 1500
    assert out > 100


def test_the_incident(league: League) -> None:
    """Blocked and named without the fallback, whole with it; the decision is in the log, the rows and the ledger."""
    ((players, who),) = league.sql(
        f"SELECT COUNT(*), MIN(player_lookup) FROM {{nba_analytics.player_game_summary}} WHERE game_date = '{DAY}'"
    )
    assert players == 187
    league.sql(
        "DELETE FROM {nba_analytics.upcoming_player_game_context} "
        f"WHERE game_date = '{DAY}' AND player_lookup != '{who}'"
    )
    of_date = f"FROM {{nba_precompute.player_composite_factors}} WHERE game_date = '{DAY}'"
    repair = ("backfill", "--tables", "player_composite_factors", "--dates", DAY, "--yes")

    blocked = league.run(*repair, "--no-fallback")
    assert blocked.code == 3, blocked.text
    assert "1 of 187" in blocked.text
    ((missing,),) = league.sql(
        "SELECT missing FROM {nba_orchestration.partition_outcomes} WHERE outcome = 'blocked' "
        f"AND table_name = 'nba_precompute.player_composite_factors' AND partition_date = '{DAY}'"
    )
    others = league.sql(
        f"SELECT player_lookup FROM {{nba_analytics.player_game_summary}} WHERE game_date = '{DAY}' "
        f"AND player_lookup != '{who}'"
    )
    named = sorted(name for (name,) in others)[:20]
    assert json.loads(missing) == named
    assert f"missing: {', '.join(named)} and 166 more" in " ".join(blocked.text.split())
    assert league.sql(f"SELECT COUNT(*) {of_date}") == [(0,)]

    repaired = league.run(*repair, log_format="json")
    assert repaired.code == 0, repaired.text
    columns = "context_source, upcg_player_count, pgs_player_count, context_coverage_pct, context_reason"
    reason = "UPCG holds 1 of the 187 players who played (0.5 %, below 90 %)"
    assert league.sql(f"SELECT COUNT(*), {columns} {of_date} GROUP BY ALL") == [
        (187, "PGS", 1, 187, pytest.approx(100 / 187), reason)
    ]
    said = {
        "decision": "PGS",
        "upcg_players": 1,
        "pgs_players": 187,
        "in_both": 1,
        "coverage_pct": pytest.approx(100 / 187),
        "reason": reason,
    }
    ((notes, present, expected),) = league.sql(
        "SELECT notes, present_count, expected_count FROM {nba_orchestration.ledger} "
        f"WHERE table_name = 'nba_precompute.player_composite_factors' AND partition_date = '{DAY}'"
    )
    assert (json.loads(notes), present, expected) == (said, 187, 187)
    logged = next(json.loads(line) for line in repaired.text.splitlines() if '"partition ended"' in line)
    assert (logged["date"], logged["rows"], json.loads(logged["notes"])) == (DAY, 187, said)


def model_names(league: League, day: str) -> dict[str, int]:
    """Predictions of a date by model."""
    of_date = f"FROM {{nba_predictions.player_prop_predictions}} WHERE game_date = '{day}'"
    return dict(league.sql(f"SELECT model_version, COUNT(*) {of_date} GROUP BY model_version"))


def test_a_trained_model_predicts_and_another_feature_version_stops_it(predicted: League, tmp_path: Path) -> None:
    models = str(tmp_path / "models")
    predict = ("backfill", "--tables", "player_prop_predictions", "--dates", END, "--recompute", "--yes")
    without = predicted.run(*predict, "--models", models)
    assert (without.code, "There is no folder of models" in without.text) == (2, True)

    tried = predicted.done("train", "--models", models, "--until", END, "--dry-run", "--json")
    assert not (tmp_path / "models").exists()
    (trained,) = predicted.done("train", "--models", models, "--until", END, "--json").json
    card = trained["card"]
    assert card | {"sha256": ""} == tried.json[0]["card"] | {"sha256": ""}
    assert (card["name"], card["training_start"], card["training_end"]) == (
        "gradient_boosting-v2_33features-2023-11-11",
        "2023-11-08",
        "2023-11-11",
    )
    ((ready,),) = predicted.sql(
        "SELECT COUNT(*) FROM {nba_predictions.ml_feature_store_v2} AS s JOIN {nba_analytics.player_game_summary} AS p "
        f"USING (game_date, player_lookup) WHERE s.is_quality_ready AND game_date < '{END}'"
    )
    assert card["training_rows"] == ready
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == [
        f"{card['name']}.card.json",
        f"{card['name']}.skops",
    ]

    formulas = model_names(predicted, END)
    assert card["name"] not in formulas
    predicted.done(*predict, "--models", models)
    named = model_names(predicted, END)
    assert named == {**formulas, card["name"]: formulas["moving_average-v1"]}

    file = tmp_path / "models" / f"{card['name']}.card.json"
    other = {**card, "feature_version": "v2_34features", "feature_count": 34}
    file.write_text(json.dumps({**other, "feature_names": [*card["feature_names"], "travel_miles"]}))
    stopped = predicted.run(*predict, models=models)
    assert stopped.code == 3, stopped.text
    both = (
        f"{card['name']} was made for v2_34features (34 features), but the feature store of {END} holds v2_33features"
    )
    assert both in " ".join(stopped.text.split())
    assert model_names(predicted, END) == named, "not a row was written"


def test_the_accident_a_store_of_34_features(predicted: League) -> None:
    """`v2_34features` once reached production under a model of 33: the date is blocked before its first row."""
    day = "2023-11-11"
    before = model_names(predicted, day)
    predicted.sql(
        "UPDATE {nba_predictions.ml_feature_store_v2} SET feature_version = 'v2_34features', feature_count = 34 "
        f"WHERE game_date = '{day}'"
    )
    told = predicted.run("backfill", "--tables", "player_prop_predictions", "--start", DAY, "--recompute", "--yes")
    assert told.code == 3, told.text
    said = " ".join(told.text.split())
    assert (
        f"blocked: nba_predictions.player_prop_predictions {day}: The set of formulas was made for v2_33features"
        in said
    )
    assert f"but the feature store of {day} holds v2_34features (34 features, 33 names and 33 values)" in said
    assert said.count("blocked: ") == 2, "in the log and in the results: that date, and no other"
    assert model_names(predicted, day) == before
