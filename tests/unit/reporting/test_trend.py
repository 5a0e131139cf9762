"""A series in one line: no dip is lost, and the arrow goes where the series goes."""

import pytest

from backcourt.reporting.trend import SPARK_LENGTH, arrow, sparkline


def test_a_series_that_is_whole_is_a_row_of_full_bars() -> None:
    assert (sparkline([]), sparkline([1.0] * 4)) == ("", "████")


def test_the_lowest_value_is_the_lowest_bar_and_one_is_the_highest() -> None:
    assert sparkline([0.5, 1.0, 0.75]) == "▁█▅"


@pytest.mark.parametrize("at", [0, 333, 999])
def test_one_bad_date_of_a_thousand_is_seen(at: int) -> None:
    values = [1.0] * 1000
    values[at] = 0.2
    shown = sparkline(values)
    assert (len(shown), shown.count("▁"), shown.index("▁")) == (SPARK_LENGTH, 1, at * SPARK_LENGTH // 1000)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([0.9, 0.9], ""),
        ([1.0, 1.0, 0.8], "↓"),
        ([0.8, 0.8, 1.0], "↑"),
        ([1.0, 0.999, 1.0], "→"),
    ],
)
def test_the_arrow(values: list[float], shown: str) -> None:
    assert arrow(values) == shown
