"""A job at the proxy behaves as at BigQuery: asynchronous, cancellable, its id used once; the counters tell of it."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from backcourt.warehouse.emulator import LocalBigQuery
from tests.integration import google_clients as google


@pytest.fixture
def client(local_bigquery: LocalBigQuery) -> bigquery.Client:
    return google.rest_client(local_bigquery.endpoint)


def test_an_insert_is_answered_while_the_job_runs(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    local_bigquery.control.change(latency={"query": 3600})
    job = client.query("SELECT 1", job_id="runs-for-an-hour", job_retry=None)
    assert job.state == "RUNNING"
    assert [j.job_id for j in client.list_jobs(state_filter="running")] == ["runs-for-an-hour"]
    assert local_bigquery.control.counters()["in_flight"]["query"] == 1

    job.cancel()

    assert client.get_job("runs-for-an-hour").error_result["reason"] == "stopped"
    assert list(client.list_jobs(state_filter="running")) == []
    assert local_bigquery.control.counters()["in_flight"]["query"] == 0


def test_results_of_a_running_job_are_not_complete(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    local_bigquery.control.change(latency={"query": 3600})
    job = client.query("SELECT 1", job_id="not-complete", job_retry=None)
    path = f"/projects/{client.project}/queries/not-complete"
    answer = client._connection.api_request("GET", path, query_params={"timeoutMs": 10})
    assert answer["jobComplete"] is False
    job.cancel()


def test_an_id_is_used_once(client: bigquery.Client) -> None:
    client.query("SELECT 1", job_id="once", job_retry=None).result()
    with pytest.raises(exceptions.Conflict) as refusal:
        client.query("SELECT 2", job_id="once", job_retry=None, retry=None)
    assert refusal.value.errors[0]["reason"] == "duplicate"


def test_rows_and_parameters(client: bigquery.Client) -> None:
    parameters = [bigquery.ArrayQueryParameter("xs", "INT64", [3, 1, 2])]
    config = bigquery.QueryJobConfig(query_parameters=parameters, labels={"run": "r1"})
    job = client.query("SELECT x FROM UNNEST(@xs) AS x ORDER BY x", job_config=config)
    assert [row.x for row in job.result()] == [1, 2, 3]
    assert client.get_job(job.job_id).labels == {"run": "r1"}


def test_the_synchronous_call_too(client: bigquery.Client) -> None:
    assert [row.a for row in client.query_and_wait("SELECT 7 AS a")] == [7]
    with pytest.raises(exceptions.BadRequest, match="boo"):
        client.query_and_wait("SELECT ERROR('boo')")


def test_a_failed_job_says_why(client: bigquery.Client) -> None:
    job = client.query("SELECT ERROR('superseded: 2024-01-01')", job_id="fails", job_retry=None)
    with pytest.raises(exceptions.BadRequest, match="superseded: 2024-01-01"):
        job.result()
    assert "superseded: 2024-01-01" in client.get_job("fails").error_result["message"]


def test_a_dry_run_is_no_job(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    client.query("SELECT 1 AS a", job_config=bigquery.QueryJobConfig(dry_run=True))
    assert local_bigquery.control.counters()["jobs"]["query"] == 0


def test_an_unknown_job_is_missing(client: bigquery.Client) -> None:
    with pytest.raises(exceptions.NotFound):
        client.get_job("nobody")
    with pytest.raises(exceptions.NotFound):
        client.cancel_job("nobody")


@pytest.mark.parametrize(("way", "requests"), [("multipart", 1), ("resumable", 2), ("chunks", 4)])
def test_uploads_keep_their_id_and_count_their_rows(
    local_bigquery: LocalBigQuery,
    client: bigquery.Client,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
    requests: int,
) -> None:
    table, rows, multipart = google.make_table(client, f"upload_{way}"), 60_000, way == "multipart"
    google.load(client, table, google.parquet(3), f"load-before-{way}").result()
    file = google.parquet(rows)
    if way == "chunks":
        assert 2 * 2**18 < len(file.getvalue()) < 3 * 2**18
        monkeypatch.setattr("google.cloud.bigquery.client._DEFAULT_CHUNKSIZE", 2**18)
    local_bigquery.control.reset()

    job = google.load(client, table, file, f"load-{way}", multipart=multipart)
    job.result()

    assert job.job_id == f"load-{way}"
    assert client.get_job(f"load-{way}").output_rows == rows
    assert google.rows(client, f"SELECT COUNT(*) FROM {table}") == [(rows + 3,)]
    counters = local_bigquery.control.counters()
    assert counters["jobs"]["load"] == 1
    assert counters["bytes_loaded"] == len(file.getvalue())
    assert counters["requests_by_method"]["jobs.upload"] == requests
    with pytest.raises(exceptions.Conflict):
        google.load(client, table, google.parquet(1), f"load-{way}", multipart=multipart)
    assert google.rows(client, f"SELECT COUNT(*) FROM {table}") == [(rows + 3,)]


def test_an_upload_is_asynchronous(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    table = google.make_table(client, "slow_upload")
    local_bigquery.control.change(latency={"load": 3600})
    job = google.load(client, table, google.parquet(5), "slow-load")
    assert job.state == "RUNNING"
    job.cancel()
    assert client.get_job("slow-load").error_result["reason"] == "stopped"
    assert google.rows(client, f"SELECT COUNT(*) FROM {table}") == [(0,)]


def test_counters_tell_kinds_and_dml_by_table(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    table = google.make_table(client, "counted")
    insert = f"INSERT INTO `{client.project}.{table}` VALUES (DATE '2024-01-01', 'a;b', 1)"
    client.query(insert).result()
    client.query(f"SELECT 1; {insert}").result()
    client.query(f"BEGIN TRANSACTION; {insert}; UPDATE {table} SET points = 2 WHERE TRUE; COMMIT TRANSACTION").result()
    counters = local_bigquery.control.counters()
    assert {kind: n for kind, n in counters["jobs"].items() if n} == {"query": 1, "script": 1, "commit": 1}
    assert counters["dml"] == {table: {"INSERT": 3, "UPDATE": 1}}
    assert counters["requests_by_method"]["tables.insert"] == 1
    assert counters["requests_by_method"]["jobs.insert"] == 3
    assert google.rows(client, f"SELECT team, points FROM {table}") == [("a;b", 2)] * 3


def test_a_failed_commit_leaves_nothing(client: bigquery.Client) -> None:
    table = google.make_table(client, "rolled_back")
    insert = f"INSERT INTO {table} VALUES (DATE '2024-01-01', 'BOS', 1)"
    with pytest.raises(exceptions.BadRequest, match="no"):
        client.query(f"BEGIN TRANSACTION; {insert}; SELECT ERROR('no'); COMMIT TRANSACTION").result()
    assert google.rows(client, f"SELECT COUNT(*) FROM {table}") == [(0,)]


def test_the_stub_answers_jobs_itself(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    local_bigquery.control.change(stub=True)
    assert list(client.query("SELECT * FROM no_such.table").result()) == []
    load = google.load(client, "no_such.table", google.parquet(12), "stub-load")
    assert load.result().output_rows == 12


def test_in_flight_is_the_jobs_that_have_not_ended(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    local_bigquery.control.change(stub=True, latency={"query": 3600})
    with ThreadPoolExecutor(8) as pool:
        jobs = list(pool.map(lambda n: client.query("SELECT 1", job_id=f"flight-{n}", job_retry=None), range(8)))
    assert local_bigquery.control.counters()["in_flight"]["query"] == 8
    for job in jobs:
        job.cancel()
    counters = local_bigquery.control.counters()
    assert (counters["in_flight"]["query"], counters["max_in_flight"]["query"]) == (0, 8)
