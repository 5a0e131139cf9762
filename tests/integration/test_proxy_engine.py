"""What the local BigQuery does otherwise than bqemulator: whole transactions, read sessions that end, no past."""

import json
import urllib.request
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import psutil
import pytest
from google.api_core import exceptions

from backcourt.clock import SystemClock
from backcourt.warehouse.emulator import LocalBigQuery, local_bigquery
from backcourt.warehouse.endpoint import Endpoint
from backcourt.warehouse.proxy.sessions import MOST_SESSIONS
from tests.integration import google_clients as google

CLOCK = SystemClock()
MINUTES_OF_WORK = (
    "SELECT COUNTIF(SIN(a * b) > 2)"
    " FROM UNNEST(GENERATE_ARRAY(1, 100000)) AS a CROSS JOIN UNNEST(GENERATE_ARRAY(1, 100000)) AS b"
)
COPIES = "SELECT COUNT(*) FROM duckdb_tables() WHERE schema_name = '_bqemulator_snapshots'"


def emulator_of(folder: Path) -> psutil.Process:
    """The process that has the data of this folder."""
    lines = ((p, p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"]))
    return next(p for p, line in lines if str(folder) in line and "backcourt.warehouse.proxy.engine" in line)


def send(endpoint: Endpoint, script: str, job_id: str) -> None:
    """Begin a script and do not wait for it."""
    query = {"query": script, "useLegacySql": False}
    body = {
        "jobReference": {"projectId": endpoint.project, "jobId": job_id},
        "configuration": {"query": query},
    }
    address = f"{endpoint.rest}/bigquery/v2/projects/{endpoint.project}/jobs"
    request = urllib.request.Request(address, json.dumps(body).encode(), {"content-type": "application/json"})
    urllib.request.urlopen(request, timeout=10).close()


def test_an_emulator_killed_in_the_middle_of_a_commit_has_changed_nothing(tmp_path: Path) -> None:
    with LocalBigQuery(tmp_path) as server:
        client = google.rest_client(server.endpoint)
        table = google.make_table(client, "whole")
        google.load(client, table, google.parquet(3), "load").result()
        emulator = emulator_of(tmp_path)
        before = emulator.cpu_times().user
        script = f"DELETE FROM {table} WHERE TRUE; INSERT INTO {table} VALUES (DATE '2024-01-02', 'LAL', 9)"
        send(server.endpoint, f"BEGIN TRANSACTION; {script}; {MINUTES_OF_WORK}; COMMIT TRANSACTION", "torn")
        deadline = CLOCK.monotonic() + 60
        while emulator.cpu_times().user < before + 2:  # it parses in a fraction of that: rows are gone and new ones in
            assert CLOCK.monotonic() < deadline, "the emulator does not work"
            CLOCK.sleep(0.05)
        emulator.kill()

    with local_bigquery(tmp_path) as endpoint:
        client = google.rest_client(endpoint)
        assert google.rows(client, f"SELECT team, points FROM {table} ORDER BY points") == [
            ("BOS", 0),
            ("BOS", 1),
            ("BOS", 2),
        ]
        with pytest.raises(exceptions.NotFound):
            client.get_job("torn")


def test_a_failed_script_leaves_the_next_one_alone(local_bigquery: LocalBigQuery) -> None:
    client = google.rest_client(local_bigquery.endpoint)
    table = google.make_table(client, "tried")
    insert = f"INSERT INTO {table} VALUES (DATE '2024-01-01', 'BOS', 1)"
    with pytest.raises(exceptions.BadRequest, match="stop here"):
        client.query(f"BEGIN TRANSACTION; {insert}; SELECT ERROR('stop here'); COMMIT TRANSACTION").result()
    assert google.rows(client, f"SELECT COUNT(*) FROM {table}") == [(0,)]
    client.query(f"BEGIN TRANSACTION; {insert}; ROLLBACK TRANSACTION; {insert}").result()
    assert google.rows(client, f"SELECT COUNT(*) FROM {table}") == [(1,)]
    client.query(f"BEGIN TRANSACTION; {insert}; {insert}; COMMIT TRANSACTION").result()
    assert google.rows(client, f"SELECT COUNT(*) FROM {table}") == [(3,)]


def test_a_script_with_lists_of_dates_and_a_text_that_looks_like_one(local_bigquery: LocalBigQuery) -> None:
    client = google.rest_client(local_bigquery.endpoint)
    table = google.make_table(client, "listed")
    text = "IN (DATE '2024-01-01', DATE '2024-01-03')"
    days = ", ".join(f"(DATE '2024-01-0{n}', 'BOS', {n})" for n in (1, 2, 3))
    counted = f"FROM {table} WHERE game_date IN (DATE '2024-01-02', DATE '2024-01-03', DATE '2024-01-09')"
    client.query(
        "BEGIN TRANSACTION;"
        f"INSERT INTO {table} (game_date, team, points) VALUES {days};"
        f"DELETE FROM {table} WHERE game_date {text};"
        f"INSERT INTO {table} (game_date, team, points) SELECT DATE '2024-01-04', \"{text}\", COUNT(*) {counted};"
        "COMMIT TRANSACTION"
    ).result()
    found = google.rows(client, f"SELECT game_date, team, points FROM {table} ORDER BY game_date")
    assert found == [(date(2024, 1, 2), "BOS", 2), (date(2024, 1, 4), text, 1)]


def test_dates_in_a_script_that_are_no_list(local_bigquery: LocalBigQuery) -> None:
    client = google.rest_client(local_bigquery.endpoint)
    two = "DATE '2024-01-01', DATE '2024-01-03'"
    of_all = f"GREATEST({two}) AS last, ARRAY_LENGTH(GENERATE_DATE_ARRAY({two})) AS days"
    assert google.rows(client, f"SELECT 1; SELECT {of_all}") == [(date(2024, 1, 3), 3)]


def test_a_script_creates_fills_and_drops_tables(local_bigquery: LocalBigQuery) -> None:
    client = google.rest_client(local_bigquery.endpoint)
    kept, dropped = google.make_table(client, "kept").strip("`"), google.make_table(client, "dropped").strip("`")
    made = kept.replace("kept", "made_in_a_script")
    client.query(
        f"CREATE TABLE `{made}` (n INT64); INSERT INTO `{made}` (n) VALUES (7); DROP TABLE `{dropped}`"
    ).result()
    assert [field.name for field in client.get_table(made).schema] == ["n"]
    assert google.rows(client, f"SELECT n FROM `{made}`") == [(7,)]
    with pytest.raises(exceptions.NotFound):
        client.get_table(dropped)


def test_the_oldest_of_very_many_read_sessions_is_let_go(local_bigquery: LocalBigQuery) -> None:
    client, storage = google.rest_client(local_bigquery.endpoint), google.storage_client(local_bigquery.endpoint)
    table = google.make_table(client, "often_read")
    google.load(client, table, google.parquet(3), "load-often-read").result()
    sessions = [google.open_session(storage, local_bigquery.endpoint, table) for _ in range(MOST_SESSIONS + 1)]
    assert [sum(batch.num_rows for batch in google.read(storage, session)) for session in sessions[1:3]] == [3, 3]
    with pytest.raises(exceptions.NotFound):
        list(google.read(storage, sessions[0]))


@pytest.mark.parametrize("time_travel", [True, False])
def test_a_past_is_kept_unless_it_is_not_wanted(tmp_path: Path, time_travel: bool) -> None:
    with LocalBigQuery(tmp_path, time_travel=time_travel) as server:
        client = google.rest_client(server.endpoint)
        table = google.make_table(client, "changed")
        google.load(client, table, google.parquet(3), "load").result()
        then = datetime.now(UTC).isoformat()
        client.query(f"DELETE FROM {table} WHERE points = 0").result()
        past = f"SELECT COUNT(*) FROM {table} FOR SYSTEM_TIME AS OF TIMESTAMP '{then}'"
        if time_travel:
            assert google.rows(client, past) == [(3,)]
        else:
            with pytest.raises(exceptions.GoogleAPICallError, match=r"what local\.games\.changed was"):
                google.rows(client, past)
        client.query(f"CREATE SNAPSHOT TABLE games.asked_for CLONE {table}").result()
        assert google.rows(client, "SELECT COUNT(*) FROM games.asked_for") == [(2,)]
    with duckdb.connect(str(tmp_path / "data" / "bqemulator.duckdb"), read_only=True) as data:
        copies = data.execute(COPIES).fetchone()
    assert copies == (2 if time_travel else 0,)
