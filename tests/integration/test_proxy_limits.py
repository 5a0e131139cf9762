"""With `limits` the proxy refuses, queues and cancels where BigQuery does."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from backcourt.warehouse.emulator import LocalBigQuery
from tests.integration import google_clients as google

DAY = "DATE '2024-01-01'"


@pytest.fixture
def client(local_bigquery: LocalBigQuery) -> bigquery.Client:
    return google.rest_client(local_bigquery.endpoint)


def states(client: bigquery.Client, prefix: str) -> list[str]:
    return sorted(job.state for job in client.list_jobs(all_users=True) if job.job_id.startswith(prefix))


def start(client: bigquery.Client, sql: str, prefix: str, count: int) -> list[bigquery.QueryJob]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda n: client.query(sql, job_id=f"{prefix}-{n}", job_retry=None), range(count)))


def test_two_dml_statements_run_twenty_queue_the_next_fails(
    local_bigquery: LocalBigQuery, client: bigquery.Client
) -> None:
    table = google.make_table(client, "dml")
    local_bigquery.control.change(limits={}, latency={"query": 3600})
    update = f"UPDATE {table} SET points = 0 WHERE TRUE"
    jobs = start(client, update, "dml", 22)
    assert states(client, "dml") == ["PENDING"] * 20 + ["RUNNING"] * 2

    with pytest.raises(exceptions.BadRequest) as refusal:
        client.query(update, job_id="dml-22", job_retry=None).result()
    text = "Too many DML statements outstanding against table local:games.dml, limit is 20"
    assert text in str(refusal.value)
    assert client.get_job("dml-22").error_result["reason"] == "resourcesExceeded"
    insert = client.query(f"INSERT INTO {table} VALUES ({DAY}, 'BOS', 1)", job_id="dml-insert", job_retry=None)
    assert insert.state == "RUNNING"

    for job in [*jobs, insert]:
        job.cancel()
    assert states(client, "dml") == ["DONE"] * 24
    assert local_bigquery.control.counters()["rejections"] == {"resourcesExceeded": 1}


def test_jobs_queue_for_slots_and_a_full_queue_refuses(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    local_bigquery.control.change(limits={"slots": 3, "queued_jobs": 2}, latency={"query": 3600})
    jobs = start(client, "SELECT 1", "slot", 5)
    assert states(client, "slot") == ["PENDING"] * 2 + ["RUNNING"] * 3
    with pytest.raises(exceptions.Forbidden, match="number of jobs that can be queued") as refusal:
        client.query("SELECT 1", job_id="slot-5", job_retry=None, retry=None)
    assert refusal.value.errors[0]["reason"] == "quotaExceeded"

    jobs[[job.state for job in jobs].index("RUNNING")].cancel()
    assert states(client, "slot") == ["DONE", "PENDING", "RUNNING", "RUNNING", "RUNNING"]
    for job in jobs:
        job.cancel()


def test_queued_jobs_all_get_their_turn(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    table = google.make_table(client, "turns")
    client.query(f"INSERT INTO {table} VALUES ({DAY}, 'BOS', 0)").result()
    local_bigquery.control.change(limits={})
    for job in start(client, f"UPDATE {table} SET points = points + 1 WHERE TRUE", "turn", 20):
        job.result()
    assert google.rows(client, f"SELECT points FROM {table}") == [(20,)]


def test_requests_a_second(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    google.make_table(client, "asked")
    local_bigquery.control.change(limits={"requests_per_second": 1})

    def ask_twenty_times() -> None:
        for _ in range(20):
            client.get_table("games.asked", retry=None)

    with pytest.raises(exceptions.Forbidden) as refusal:
        ask_twenty_times()
    assert refusal.value.errors[0]["reason"] == "rateLimitExceeded"
    assert local_bigquery.control.counters()["rejections"] == {"rateLimitExceeded": 1}
    local_bigquery.control.change(limits={"requests_per_second": 50})
    assert client.get_table("games.asked").table_id == "asked"


def test_transactions_that_change_rows_of_one_table_conflict(
    local_bigquery: LocalBigQuery, client: bigquery.Client
) -> None:
    table, other = google.make_table(client, "contended"), google.make_table(client, "quiet")
    client.query(f"INSERT INTO {table} VALUES ({DAY}, 'BOS', 0)").result()
    local_bigquery.control.change(limits={}, latency={"commit": 3600})
    update = f"BEGIN TRANSACTION; UPDATE {table} SET points = 1 WHERE TRUE; COMMIT TRANSACTION"
    insert = f"BEGIN TRANSACTION; INSERT INTO {table} VALUES ({DAY}, 'NYK', 0); COMMIT TRANSACTION"
    idle = f"BEGIN TRANSACTION; UPDATE {table} SET points = 1 WHERE team = 'none'; COMMIT TRANSACTION"
    elsewhere = f"BEGIN TRANSACTION; DELETE FROM {other} WHERE TRUE; COMMIT TRANSACTION"
    first = client.query(update, job_id="tx-first", job_retry=None)
    beside = [client.query(sql, job_id=f"tx-{n}", job_retry=None) for n, sql in enumerate([insert, idle, elsewhere])]
    with pytest.raises(exceptions.BadRequest, match="Transaction is aborted due to concurrent update against table"):
        client.query(update, job_id="tx-second", job_retry=None).result()
    waiting = client.query(f"DELETE FROM {table} WHERE TRUE", job_id="tx-outside", job_retry=None)
    assert waiting.state == "PENDING"
    assert [job.reload() or job.state for job in (first, *beside)] == ["RUNNING"] * 4

    for job in (first, *beside):
        job.cancel()
    waiting.result()
    assert local_bigquery.control.counters()["conflicts"] == 1
    assert google.rows(client, f"SELECT COUNT(*) FROM {table}") == [(0,)]


def test_wrong_settings_are_refused_and_change_nothing(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    for wrong in ({"limit": {}}, {"latency": {"query": -1}}, {"limits": {"slots": 0}}, {"fault_rate": 2}):
        with pytest.raises(OSError, match="400"):
            local_bigquery.control.change(**wrong)
    assert client.query("SELECT 1", job_id="after-wrong-settings", job_retry=None).result().total_rows == 1
