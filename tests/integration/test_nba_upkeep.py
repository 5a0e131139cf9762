"""A league a month after its last game: it validates, is spot-checked and verified, and its stale rows are cleaned up.

The tests go on from each other, in the order of the file: a warehouse like this one takes a while to fill.
"""

import json
from datetime import date

import pytest
from google.cloud import bigquery

from backcourt.warehouse.emulator import LocalBigQuery
from nba.pipeline import PIPELINE
from tests.integration.google_clients import rest_client
from tests.integration.nba_league import League

FIRST, LAST, AS_OF = date(2023, 10, 24), date(2023, 11, 8), date(2023, 12, 8)
UPCOMING = ("nba_analytics.upcoming_team_game_context", "nba_analytics.upcoming_player_game_context")
FACTORS = "nba_precompute.player_composite_factors"
CACHE = "nba_precompute.player_daily_cache"
RANGE = (str(FIRST), str(AS_OF))


@pytest.fixture(scope="module")
def league(shared_bigquery: LocalBigQuery, tmp_path_factory: pytest.TempPathFactory) -> League:
    made = League(shared_bigquery, tmp_path_factory.mktemp("upkeep"), "upkeep", AS_OF)
    files = str(made.folder / "files")
    made.done("simulate", "--to", files, "--start", str(FIRST), "--end", str(LAST), "--seed", "7")
    made.done("ingest", "--source", f"folder:{files}", "--yes")
    made.done("backfill", "--yes")
    return made


def count(league: League, table: str, where: str = "TRUE") -> int:
    ((number,),) = league.sql(f"SELECT COUNT(*) FROM {{{table}}} WHERE {where}")
    return int(number)


def hashes(league: League, table: str) -> dict[date, str]:
    rows = league.sql(
        f"SELECT partition_date, content_hash FROM {{nba_orchestration.ledger}} WHERE table_name = '{table}' "
        "QUALIFY ROW_NUMBER() OVER (PARTITION BY partition_date ORDER BY generation DESC) = 1"
    )
    return dict(rows)


def faults(league: League, *words: str) -> set[tuple[str, str, str]]:
    told = league.run("validate", *words, "--json")
    found = told.json["findings"]
    assert told.code == (3 if found else 0)
    return {(f["table"], f["day"], f["fault"]) for f in found}


def test_a_sound_league_gives_no_alarm(league: League) -> None:
    told = league.run("validate", "range", *RANGE, "--content")
    assert (told.code, told.text.startswith("Nothing is wrong with 2023-10-24")) == (0, True), told.text
    summer = league.run("validate", "daily", "2023-08-01")
    assert (summer.code, "no game on 2023-08-01" in summer.text) == (0, True), summer.text
    exports = str(league.folder / "exports")
    assert faults(league, "daily", str(LAST), "--exports", exports) == {("export game_date", str(LAST), "not exported")}
    league.done("export", "--to", exports)
    assert faults(league, "range", *RANGE, "--exports", exports) == set()


def test_a_foreign_hand_is_found_cell_by_cell(league: League) -> None:
    assert league.done("verify", "--sample", "6", "--seed", "3").text.count("same") == 6
    checked = league.done("spot-check", "--sample", "8", "--json").json["checks"]
    assert [(c["rows"], c["mismatches"]) for c in checked] == [(8, []), (8, [])]
    assert league.done("spot-check", "--sample", "8", "--json").json["checks"] == checked

    of_last = f"cache_date = '{LAST}' AND points_avg_last_5 IS NOT NULL"
    ((who, points),) = league.sql(
        f"SELECT player_lookup, points_avg_last_5 FROM {{{CACHE}}} WHERE {of_last} ORDER BY player_lookup LIMIT 1"
    )
    ours = f"cache_date = '{LAST}' AND player_lookup = '{who}'"
    league.sql(f"UPDATE {{{CACHE}}} SET points_avg_last_5 = points_avg_last_5 + 1 WHERE {ours}")

    assert faults(league, "daily", str(LAST), "--tables", "player_daily_cache") == {(CACHE, str(LAST), "other rows")}
    verified = league.run("verify", "--sample", "99", "--tables", "player_daily_cache", "--json")
    assert verified.code == 3
    ((outcome, cells),) = [(p["outcome"], p["cells"]) for p in verified.json["partitions"] if p["outcome"] != "same"]
    wrong = {"key": f"{LAST}/{who}", "column": "points_avg_last_5"}
    assert (outcome, cells) == ("changed", [wrong | {"published": repr(points + 1), "recomputed": repr(points)}])
    spotted = league.run("spot-check", "--sample", "9999", "--json")
    assert spotted.code == 3
    (mismatch,) = spotted.json["checks"][1]["mismatches"]
    assert (mismatch["key"], mismatch["column"]) == (f"{LAST}/{who}", "points_avg_last_5")

    one = ("backfill", "--tables", "player_daily_cache", "--dates", str(LAST), "--yes")
    again = league.done(*one, "--recompute", "--json").json["partitions"]
    assert [o["outcome"] for o in again] == ["unchanged"]  # the ledger's hash is trusted
    league.done(*one, "--rewrite")
    assert league.sql(f"SELECT points_avg_last_5 FROM {{{CACHE}}} WHERE {ours}") == [(points,)]
    league.done("backfill", "--dates", str(LAST), "--yes")  # what was made from it
    assert faults(league, "daily", str(LAST)) == set()


def test_a_dead_start_leaves_nothing_behind(league: League) -> None:
    client = rest_client(league.server.endpoint)
    table = f"{client.project}.nba_orchestration_{league.suffix}.staging__ghost_1_player_game_summary_1"
    client.create_table(bigquery.Table(table, schema=[bigquery.SchemaField("game_id", "STRING")]))
    league.sql(
        "INSERT INTO {nba_orchestration.runs} (event_date, run_id, start_number, event, `at`) VALUES "
        "(CURRENT_DATE(), 'ghost', 1, 'started', TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 7 HOUR))"
    )
    (orphans,) = league.done("cleanup", "--json").json["orphans"]
    assert orphans["start"]["run_id"] == "ghost"
    assert client.get_table(table)
    assert league.run("cleanup", "--apply", stale_days="3660").code == 0
    assert league.done("cleanup", "--json").json["orphans"] == []


def test_stale_rows_go_and_nothing_becomes_stale_or_wrong(league: League) -> None:
    before = {table: count(league, table) for table in UPCOMING}
    assert all(before.values())
    factors = hashes(league, FACTORS)

    shown = league.done("cleanup", "--json").json
    assert {s["table"]: s["rows"] for s in shown["stale"]} == before
    assert {table: count(league, table) for table in UPCOMING} == before

    told = league.done("cleanup", "--apply", "--json").json
    assert {table: count(league, table) for table in UPCOMING} == dict.fromkeys(UPCOMING, 0)
    assert {d["table"]: d["removed"] for d in told["done"]} == before
    for done in told["done"]:
        assert count(league, f"nba_orchestration.{done['backup']}") == before[done["table"]]
    logged = league.sql("SELECT table_name, rows_before, rows_after FROM {nba_orchestration.operations}")
    assert sorted(logged) == sorted((table, rows, 0) for table, rows in before.items())

    exports = str(league.folder / "exports")
    assert faults(league, "range", *RANGE, "--exports", exports) == set()
    kept = {path.name: path.read_bytes() for path in (league.folder / "exports").glob("2*.json")}
    assert league.done("export", "--to", exports).text.startswith("0 dates written")
    assert {path.name: path.read_bytes() for path in (league.folder / "exports").glob("2*.json")} == kept
    assert sum(len(t["to_do"]) for t in league.done("plan", "--json").json["plan"]["tables"]) == 0
    one = ("--tables", "player_composite_factors", "--dates", str(LAST), "--recompute", "--yes")
    blocked = league.run("backfill", *one)
    assert (blocked.code, "were taken away by cleanup" in " ".join(blocked.text.split())) == (3, True), blocked.text
    names = [p.table.name for p in PIPELINE.processors if not p.is_raw]
    league.done("backfill", "--tables", ",".join(names), "--dates", str(LAST), "--recompute", "--yes")
    assert count(league, UPCOMING[1], f"game_date = '{LAST}'") > 0
    assert count(league, UPCOMING[1], f"game_date < '{LAST}'") == 0
    assert hashes(league, FACTORS) == factors

    given = league.done("cleanup", "--restore", told["operation"], "--json").json
    assert {table: count(league, table) for table in UPCOMING} == before
    assert sorted(d["table"] for d in given["done"]) == sorted(UPCOMING)
    league.done("backfill", "--yes")
    assert hashes(league, FACTORS) == factors
    assert faults(league, "range", *RANGE, "--content") == set()


def test_columns_under_each_others_names_are_told_by_the_gate_and_by_validate(league: League) -> None:
    import polars as pl

    files = league.folder / "files"
    for path in files.glob("*box_scores*"):
        frame = pl.read_parquet(path)
        moved = {"stl": "blk", "blk": "tov", "tov": "stl"} if "stl" in frame.columns else {
            "steals": "blocks", "blocks": "turnovers", "turnovers": "steals"
        }  # fmt: skip
        frame.rename(moved).write_parquet(path)
    again = ("ingest", "--source", f"folder:{files}", "--tables", "player_box_scores", "--recompute", "--yes", "--json")
    blocked = league.run(*again, implausible="block")
    assert blocked.code == 3
    results = json.loads(blocked.text[blocked.text.index("{\n") :])
    reasons = [p["reason"] for p in results["partitions"] if p["outcome"] == "blocked"]
    assert reasons
    assert all("plausible" in reason for reason in reasons)
    warned = league.run(*again)
    assert warned.code == 0, warned.text
    table = "nba_raw.player_box_scores"
    found = faults(league, "range", *RANGE, "--tables", "player_box_scores")
    assert {fault for _, _, fault in found} == {"implausible"}
    assert json.dumps(sorted(found)).count(table) == len(found)
