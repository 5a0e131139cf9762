"""Fixtures that all integration tests share."""

from collections.abc import Iterator

import pytest

from backcourt.warehouse.emulator import LocalBigQuery


@pytest.fixture(scope="session")
def shared_bigquery() -> Iterator[LocalBigQuery]:
    """One local BigQuery in memory for the whole session: starting one takes three seconds."""
    with LocalBigQuery(None) as server:
        yield server


@pytest.fixture
def local_bigquery(shared_bigquery: LocalBigQuery) -> Iterator[LocalBigQuery]:
    """The shared server with its counts at zero; whatever a test changes of its behaviour is off again afterwards."""
    shared_bigquery.control.reset()
    yield shared_bigquery
    shared_bigquery.control.change(limits=None, latency={}, stub=False, race=None, faults=[], fault_rate=0.0, seed=0)
