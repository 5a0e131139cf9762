"""A load's end is seen soon after it, with few looks."""

from collections.abc import Iterator

import pytest

from backcourt.warehouse.polling import LoadTimes, pauses


def looks_until(looks: Iterator[float], seconds: float) -> tuple[int, float]:
    """How many looks until a job that takes so long is seen to have ended, and how late that is."""
    waited, count = 0.0, 0
    while waited < seconds:
        waited += next(looks)
        count += 1
    return count, waited - seconds


@pytest.mark.parametrize("seconds", [0.5, 1.0, 4.0, 15.0, 120.0, 3600.0])
def test_a_job_of_which_nothing_is_known(seconds: float) -> None:
    _, late = looks_until(pauses(), seconds)
    assert late <= max(0.05, min(seconds / 20, 1.0))


def test_a_load_like_the_ones_before_is_looked_at_a_few_times() -> None:
    times = LoadTimes()
    for _ in range(3):
        times.took(10.0)
    count, late = looks_until(times.pauses(), 10.0)
    assert count <= 4
    assert late <= 0.5


def test_one_quick_load_brings_early_looks_back_for_a_while() -> None:
    times = LoadTimes()
    times.took(60.0)
    times.took(0.3)
    assert next(times.pauses()) == 0.3
    for _ in range(8):
        times.took(60.0)
    assert next(times.pauses()) == 60.0


def test_quick_loads_are_looked_at_as_if_nothing_were_known() -> None:
    times = LoadTimes()
    times.took(0.01)
    assert next(times.pauses()) == 0.02
