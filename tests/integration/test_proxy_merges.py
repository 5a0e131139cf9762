"""A MERGE that replaces dates leaves the same rows whether the emulator runs it whole or the proxy takes it apart."""

from datetime import date

import pytest
from google.api_core import exceptions
from google.cloud import bigquery

from backcourt.warehouse.emulator import LocalBigQuery
from tests.integration import google_clients as google

FIRST, SECOND, THIRD = (date(2024, 1, day) for day in (1, 2, 3))


@pytest.fixture
def client(local_bigquery: LocalBigQuery) -> bigquery.Client:
    return google.rest_client(local_bigquery.endpoint)


def published_and_staged(client: bigquery.Client, name: str) -> tuple[str, str]:
    published, staged = google.make_table(client, name), google.make_table(client, f"{name}_staged")
    for table in (published, staged):
        client.delete_table(f"{client.project}.{table}")
        client.query(f"CREATE TABLE {table} (day DATE, `who; what` STRING, xs ARRAY<FLOAT64>, made TIMESTAMP)").result()
    old = f"(DATE '{FIRST}', 'old', [1.0], NULL), (DATE '{FIRST}', 'older', [], NULL)"
    old += f", (DATE '{SECOND}', 'kept', [2.0], NULL)"
    new = f"(DATE '{FIRST}', 'it\\'s \"new\"', [0.1, 0.2], NULL), (DATE '{THIRD}', NULL, [], NULL)"
    client.query(f"INSERT INTO {published} (day, `who; what`, xs, made) VALUES {old}").result()
    client.query(f"INSERT INTO {staged} (day, `who; what`, xs, made) VALUES {new}").result()
    return published, staged


def merge(published: str, staged: str) -> str:
    replaced = f"DATE '{FIRST}', DATE '{THIRD}'"
    return (
        f"MERGE {published} AS t\nUSING (SELECT * FROM {staged} WHERE `day` IN ({replaced})) AS s ON FALSE\n"
        "WHEN NOT MATCHED BY TARGET THEN INSERT (`day`, `who; what`, `xs`, `made`)\n"
        "  VALUES (s.`day`, s.`who; what`, s.`xs`, TIMESTAMP '2024-02-01 00:00:00+00')\n"
        f"WHEN NOT MATCHED BY SOURCE AND t.`day` IN ({replaced}) THEN DELETE"
    )


def rows(client: bigquery.Client, table: str) -> list[tuple[object, ...]]:
    return google.rows(client, f"SELECT day, `who; what`, xs, made IS NULL FROM {table} ORDER BY day, `who; what`")


def test_whole_and_in_parts_are_the_same_rows(client: bigquery.Client) -> None:
    whole, staged = published_and_staged(client, "merged_whole")
    client.query(merge(whole, staged)).result()  # a statement by itself is no commit: the emulator gets it as it is
    parts, staged = published_and_staged(client, "merged_in_parts")
    client.query(f"BEGIN TRANSACTION; {merge(parts, staged)}; COMMIT TRANSACTION;").result()
    wanted = [(FIRST, 'it\'s "new"', [0.1, 0.2], False), (SECOND, "kept", [2.0], True), (THIRD, None, [], False)]
    assert rows(client, parts) == wanted
    assert rows(client, whole) == wanted


def test_a_check_that_fails_afterwards_takes_both_parts_back(client: bigquery.Client) -> None:
    table, staged = published_and_staged(client, "merged_in_vain")
    before = rows(client, table)
    with pytest.raises(exceptions.BadRequest, match="too late"):
        client.query(
            f"BEGIN TRANSACTION; {merge(table, staged)}; SELECT ERROR('too late'); COMMIT TRANSACTION;"
        ).result()
    assert rows(client, table) == before
