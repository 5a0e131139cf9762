"""Storage reads go through the proxy unchanged and are counted."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from backcourt.warehouse.emulator import LocalBigQuery
from tests.integration import google_clients as google

ROWS = 20_000


@pytest.fixture
def client(local_bigquery: LocalBigQuery) -> bigquery.Client:
    client = google.rest_client(local_bigquery.endpoint)
    if not any(table.table_id == "read_me" for table in client.list_tables("games")):
        table = google.make_table(client, "read_me")
        google.load(client, table, google.parquet(ROWS), "load-read-me").result()
    local_bigquery.control.reset()
    return client


@pytest.fixture(scope="module", autouse=True)
def _dataset(shared_bigquery: LocalBigQuery) -> None:
    google.rest_client(shared_bigquery.endpoint).create_dataset("games", exists_ok=True)


def test_rows_arrive_whole_and_are_counted(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    storage = google.storage_client(local_bigquery.endpoint)
    session = google.open_session(storage, local_bigquery.endpoint, "games.read_me")
    batches = list(google.read(storage, session))
    points = sorted(value for batch in batches for value in batch.column("points").to_pylist())
    assert points == list(range(ROWS))
    counters = local_bigquery.control.counters()
    assert counters["jobs"]["read"] == 1
    assert counters["bytes_read"] > ROWS * 8
    assert (counters["in_flight"]["read"], counters["max_in_flight"]["read"]) == (0, 1)


def test_a_read_of_more_bytes_than_a_message_of_bqemulator_arrives(
    local_bigquery: LocalBigQuery, client: bigquery.Client
) -> None:
    wide = "SELECT n, REPEAT('x', 250) AS text FROM UNNEST(GENERATE_ARRAY(1, 60000)) AS n"
    client.query(f"CREATE OR REPLACE TABLE games.wide AS {wide}").result(timeout=60)
    storage = google.storage_client(local_bigquery.endpoint)
    session = google.open_session(storage, local_bigquery.endpoint, "games.wide")
    batches = list(google.read(storage, session))
    assert sum(batch.num_rows for batch in batches) == 60_000
    assert sum(batch.nbytes for batch in batches) > 14_000_000


def test_errors_pass_through(local_bigquery: LocalBigQuery) -> None:
    storage = google.storage_client(local_bigquery.endpoint)
    with pytest.raises(exceptions.NotFound):
        google.open_session(storage, local_bigquery.endpoint, "games.no_such_table")


def test_reads_in_flight_are_counted_by_session(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    storage = google.storage_client(local_bigquery.endpoint)
    local_bigquery.control.change(latency={"read": 0.5})
    together = threading.Barrier(3)

    def one(_: int) -> int:
        together.wait(30)
        session = google.open_session(storage, local_bigquery.endpoint, "games.read_me", streams=2)
        return sum(batch.num_rows for batch in google.read(storage, session))

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(one, range(3))) == [ROWS] * 3
    counters = local_bigquery.control.counters()
    assert counters["jobs"]["read"] == 3
    assert counters["requests_by_method"]["storage.readRows"] >= 3
    assert counters["max_in_flight"]["read"] == 3
    assert counters["in_flight"]["read"] == 0


def test_a_read_sees_all_of_a_commit_or_nothing(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    table = google.make_table(client, "moving")
    storage = google.storage_client(local_bigquery.endpoint)
    client.query(f"INSERT INTO {table} VALUES (DATE '2024-01-01', 'BOS', 0), (DATE '2024-01-01', 'NYK', 0)").result()
    insert = f"INSERT INTO {table} VALUES (DATE '2024-01-01', 'BOS', 0), (DATE '2024-01-01', 'NYK', 0)"
    pause = "SELECT 1; " * 30
    replace = f"BEGIN TRANSACTION; DELETE FROM {table} WHERE TRUE; {pause} {insert}; COMMIT TRANSACTION"
    over = threading.Event()

    def write() -> None:
        for _ in range(10):
            client.query(replace).result()
        over.set()

    seen = set()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not over.is_set() and not writing.done():
            session = google.open_session(storage, local_bigquery.endpoint, table)
            seen.add(sum(batch.num_rows for batch in google.read(storage, session)))
        writing.result()
    assert seen == {2}


def test_a_read_can_fail_on_demand(local_bigquery: LocalBigQuery, client: bigquery.Client) -> None:
    storage = google.storage_client(local_bigquery.endpoint)
    overload = {"mode": "error", "method": "read", "reason": "rateLimitExceeded"}
    local_bigquery.control.change(faults=[{"mode": "before", "method": "read"}, overload])
    for expected in (exceptions.ServiceUnavailable, exceptions.ResourceExhausted):
        with pytest.raises(expected):
            storage.create_read_session(
                parent="projects/local",
                read_session={"table": "projects/local/datasets/games/tables/read_me", "data_format": "ARROW"},
                retry=None,
            )
    session = google.open_session(storage, local_bigquery.endpoint, "games.read_me")
    assert sum(batch.num_rows for batch in google.read(storage, session)) == ROWS
