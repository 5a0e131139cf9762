"""The record of a run's partitions: every one, once, in order, however many are put together at once."""

from datetime import UTC, date, datetime, timedelta

import pytest

from backcourt.pipeline.outcomes import Category, Outcome, Partition, PartitionOutcome
from backcourt.warehouse.history import ROWS_AT_ONCE, append_outcomes
from backcourt.warehouse.requests import JobRequest

FIRST = date(2021, 10, 19)


def recorded(count: int) -> JobRequest:
    """The load of so many outcomes, every third of them blocked; from an iterator, as a run gives them."""
    passed, blocked = (Outcome.COMMITTED, Category.NONE), (Outcome.BLOCKED, Category.COVERAGE)
    outcomes = (
        PartitionOutcome(Partition("d.t", FIRST + timedelta(n)), *(blocked if n % 3 == 1 else passed), row_count=n)
        for n in range(count)
    )
    return append_outcomes(outcomes, "r", 2, datetime(2026, 1, 4, 5, 6, tzinfo=UTC), "state", "job")


@pytest.mark.parametrize("count", [1, ROWS_AT_ONCE, 2 * ROWS_AT_ONCE + 3])
def test_every_outcome_is_in_the_load_once(count: int) -> None:
    request = recorded(count)
    assert request.rows is not None
    days = tuple(FIRST + timedelta(n) for n in range(count))
    assert tuple(request.rows["partition_date"].to_pylist()) == days == request.dates
    assert request.rows["row_count"].to_pylist() == list(range(count))
    assert request.rows["outcome"].to_pylist().count("blocked") == (count + 1) // 3
    assert set(request.rows["start_number"].to_pylist()) == {2}


def test_nothing_to_record_is_an_empty_load() -> None:
    request = recorded(0)
    assert request.rows is not None
    assert (len(request.rows), request.dates) == (0, ())
