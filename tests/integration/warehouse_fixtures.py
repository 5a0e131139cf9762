"""A local BigQuery of its own for a test module, and the client on it: datasets `d` (data) and `o` (state)."""

import socket
from collections.abc import Iterator

import pytest

from backcourt.warehouse.client import BigQueryWarehouse
from backcourt.warehouse.emulator import LocalBigQuery


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server() -> Iterator[LocalBigQuery]:
    with LocalBigQuery(None, project="p") as running:
        yield running


@pytest.fixture(scope="module")
def warehouse(server: LocalBigQuery) -> Iterator[BigQueryWarehouse]:
    client = BigQueryWarehouse(server.endpoint, call_timeout=30)
    client.ensure_datasets(["d", "o"])
    yield client
    client.close()
