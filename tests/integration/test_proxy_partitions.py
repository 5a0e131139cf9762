"""A query whose result replaces one partition, by the decorator `table$20240131`, as BigQuery has it."""

from datetime import date

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from backcourt.warehouse.emulator import LocalBigQuery
from tests.integration import google_clients as google

FIRST, SECOND = date(2024, 1, 31), date(2024, 2, 1)


@pytest.fixture
def client(local_bigquery: LocalBigQuery) -> bigquery.Client:
    return google.rest_client(local_bigquery.endpoint)


def replace(client: bigquery.Client, table: str, sql: str) -> None:
    target = bigquery.TableReference.from_string(f"{client.project}.{table}$20240131")
    config = bigquery.QueryJobConfig(destination=target, write_disposition="WRITE_TRUNCATE")
    client.query(sql, job_config=config).result()


def partitioned(client: bigquery.Client, name: str) -> str:
    table = google.make_table(client, name)
    client.delete_table(f"{client.project}.{table}")
    client.query(f"CREATE TABLE {table} (game_date DATE, team STRING, points INT64) PARTITION BY game_date").result()
    client.query(f"INSERT INTO {table} VALUES ('{FIRST}', 'BOS', 1), ('{FIRST}', 'LAL', 2), ('{SECOND}', 'BOS', 3)")
    return table


def test_only_the_partition_is_replaced_and_columns_go_by_name(client: bigquery.Client) -> None:
    table = partitioned(client, "decorated")
    replace(client, table, f"SELECT 9 AS points, 'NYK' AS team, DATE '{FIRST}' AS game_date")
    assert google.rows(client, f"SELECT game_date, team, points FROM {table} ORDER BY game_date") == [
        (FIRST, "NYK", 9),
        (SECOND, "BOS", 3),
    ]


def test_a_query_that_fails_leaves_the_partition_as_it_was(client: bigquery.Client) -> None:
    table = partitioned(client, "decorated_failing")
    with pytest.raises(exceptions.BadRequest, match="no rows today"):
        replace(client, table, f"SELECT DATE '{FIRST}' AS game_date, 'X' AS team, ERROR('no rows today') AS points")
    assert google.rows(client, f"SELECT COUNT(*) FROM {table}") == [(3,)]


def test_a_table_without_partitions_has_none_to_replace(client: bigquery.Client) -> None:
    table = google.make_table(client, "undecorated")
    with pytest.raises(exceptions.BadRequest, match="no partition column"):
        replace(client, table, f"SELECT DATE '{FIRST}' AS game_date, 'X' AS team, 1 AS points")
