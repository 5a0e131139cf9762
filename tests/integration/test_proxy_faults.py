"""What the proxy lets go wrong, and that work done before a lost answer was really done."""

import pytest
import requests
from google.api_core import exceptions
from google.cloud import bigquery

from backcourt.warehouse.emulator import LocalBigQuery
from backcourt.warehouse.proxy.faults import Faults
from backcourt.warehouse.proxy.settings import Settings
from tests.integration import google_clients as google

LOST = (requests.exceptions.ConnectionError, exceptions.ServiceUnavailable)


@pytest.fixture
def client(local_bigquery: LocalBigQuery) -> bigquery.Client:
    return google.rest_client(local_bigquery.endpoint)


@pytest.mark.parametrize("mode", ["before", "reset_before"])
def test_nothing_was_done_before(local_bigquery: LocalBigQuery, client: bigquery.Client, mode: str) -> None:
    local_bigquery.control.change(faults=[{"mode": mode, "method": "insert", "job_id_contains": "lost"}])
    with pytest.raises(LOST):
        client.query("SELECT 1", job_id=f"lost-{mode}", job_retry=None, retry=None)
    with pytest.raises(exceptions.NotFound):
        client.get_job(f"lost-{mode}")
    client.query("SELECT 1", job_id=f"lost-{mode}", job_retry=None).result()
    assert local_bigquery.control.counters()["faults"] == {mode: 1}


@pytest.mark.parametrize("mode", ["after", "reset_after"])
def test_the_work_was_done_after(local_bigquery: LocalBigQuery, client: bigquery.Client, mode: str) -> None:
    table = google.make_table(client, f"done_{mode}")
    insert = f"INSERT INTO {table} VALUES (DATE '2024-01-01', 'BOS', 1)"
    local_bigquery.control.change(faults=[{"mode": mode, "method": "insert", "kind": "query"}])
    with pytest.raises(LOST):
        client.query(insert, job_id=f"done-{mode}", job_retry=None, retry=None)
    with pytest.raises(exceptions.Conflict):
        client.query(insert, job_id=f"done-{mode}", job_retry=None, retry=None)
    client.get_job(f"done-{mode}").result()
    assert google.rows(client, f"SELECT COUNT(*) FROM {table}") == [(1,)]


def test_a_lost_answer_to_an_upload(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    table = google.make_table(client, "lost_upload")
    local_bigquery.control.change(faults=[{"mode": "after", "method": "upload", "times": 1}])
    with pytest.raises(exceptions.Conflict):
        google.load(client, table, google.parquet(4), "lost-upload", multipart=True)
    assert client.get_job("lost-upload").result().output_rows == 4
    local_bigquery.control.change(faults=[{"mode": "after", "method": "upload", "times": 1}])
    resumed = google.load(client, table, google.parquet(4), "lost-resumable")
    assert resumed.result().output_rows == 4
    assert google.rows(client, f"SELECT COUNT(*) FROM {table}") == [(8,)]


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("rateLimitExceeded", exceptions.Forbidden),
        ("quotaExceeded", exceptions.Forbidden),
        ("internalError", exceptions.InternalServerError),
        ("duplicate", exceptions.Conflict),
    ],
)
def test_an_insert_is_refused_for_a_reason(
    local_bigquery: LocalBigQuery, client: bigquery.Client, reason: str, error: type[Exception]
) -> None:
    local_bigquery.control.change(faults=[{"mode": "error", "method": "insert", "reason": reason}])
    with pytest.raises(error):
        client.query("SELECT 1", job_id=f"refused-{reason}", job_retry=None, retry=None)
    assert local_bigquery.control.counters()["jobs"]["query"] == 0


def test_a_job_ends_with_a_reason(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    table = google.make_table(client, "job_error")
    insert = f"INSERT INTO {table} VALUES (DATE '2024-01-01', 'BOS', 1)"
    local_bigquery.control.change(faults=[{"mode": "job_error", "reason": "jobBackendError"}])
    client.query(insert, job_id="ends-badly", job_retry=None)
    with pytest.raises(exceptions.GoogleAPICallError):
        client.get_job("ends-badly").result(retry=None)
    assert client.get_job("ends-badly").error_result["reason"] == "jobBackendError"
    assert google.rows(client, f"SELECT COUNT(*) FROM {table}") == [(0,)]


def test_a_job_is_missing_for_a_moment_after_its_conflict(
    local_bigquery: LocalBigQuery, client: bigquery.Client
) -> None:
    client.query("SELECT 1", job_id="missing-then-there", job_retry=None).result()
    local_bigquery.control.change(faults=[{"mode": "error", "method": "get", "reason": "notFound", "times": 2}])
    for _ in range(2):
        with pytest.raises(exceptions.NotFound):
            client.get_job("missing-then-there")
    assert client.get_job("missing-then-there").state == "DONE"


def test_a_delayed_answer_is_an_answer(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    local_bigquery.control.change(faults=[{"mode": "delay", "method": "insert", "seconds": 0.1}])
    assert client.query("SELECT 1", job_id="late", job_retry=None).result().total_rows == 1
    assert local_bigquery.control.counters()["faults"] == {"delay": 1}


def test_chance_is_repeatable_and_near_its_rate() -> None:
    def drawn(seed: int) -> list[str]:
        faults = Faults(Settings(fault_rate=0.05, seed=seed))
        draws = [faults.draw("insert") for _ in range(10_000)]
        return [fault.mode if fault else "" for fault in draws]

    assert drawn(1) == drawn(1) != drawn(2)
    wrong = [mode for mode in drawn(1) if mode]
    assert 400 <= len(wrong) <= 600
    assert set(wrong) == {"before", "after", "reset_before", "reset_after"}


def test_chance_keeps_to_the_modes_that_were_chosen() -> None:
    faults = Faults(Settings(fault_rate=1.0, fault_modes=("after", "reset_after")))
    drawn = {fault.mode for fault in (faults.draw("insert") for _ in range(100)) if fault}
    assert drawn == {"after", "reset_after"}
