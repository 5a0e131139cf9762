"""A mean that the world does not have is seen, on a date and over a month; chance on a small date is not."""

from datetime import date, timedelta

import polars as pl
import pytest

from backcourt.errors import UsageError
from backcourt.pipeline.coverage import Measurement, Thresholds, Verdict, judge
from backcourt.pipeline.plausibility import Plausible, implausible_dates, implausible_months

DAY = date(2024, 1, 30)
BLOCKS = Plausible("blocks", 3, 7, 2.5, ("game", "team"))


def lines(*values: tuple[date, str, str, int | None]) -> pl.DataFrame:
    schema = {"day": pl.Date, "game": pl.String, "team": pl.String, "blocks": pl.Int64}
    return pl.DataFrame(list(values), schema=schema, orient="row")


def test_the_range_of_few_values_is_widened_by_four_standard_errors() -> None:
    assert BLOCKS.bounds(4) == (3 - 4 * 2.5 / 2, 7 + 4 * 2.5 / 2)
    assert BLOCKS.bounds(25) == (3 - 2, 7 + 2)
    assert BLOCKS.bounds(100) == (3, 7)


def test_players_are_summed_by_team_and_game_before_the_mean() -> None:
    rows = lines((DAY, "g", "a", 7), (DAY, "g", "a", 8), (DAY, "g", "b", 16), (DAY, "g", "b", None))
    (wrong,) = implausible_dates([BLOCKS], rows, "day")[DAY]
    assert (wrong.mean, wrong.count, wrong.first, wrong.last) == (15.5, 2, DAY, DAY)
    assert str(wrong) == "mean blocks a game and team is 15.50 over 2, plausible -4.07 to 14.07"


def test_a_month_is_judged_as_a_whole_and_by_itself() -> None:
    games = [(DAY + timedelta(days=n // 60), f"g{n}", "a", 8 if n < 120 else 5) for n in range(240)]
    rows = lines(*games)
    assert implausible_dates([BLOCKS], rows, "day") == {}
    ((month, wrong),) = implausible_months([BLOCKS], rows, "day")
    assert (month, wrong.first, wrong.last) == (date(2024, 1, 1), DAY, date(2024, 1, 31))
    assert (wrong.mean, wrong.count) == (8, 120)


def test_nothing_to_average_is_no_finding() -> None:
    assert implausible_dates([BLOCKS], lines((DAY, "g", "a", None)), "day") == {}
    assert implausible_months([BLOCKS], lines(), "day") == ()


@pytest.mark.parametrize(
    ("blocks", "force", "verdict"),
    [
        (False, False, Verdict.WARN),
        (False, True, Verdict.WARN),
        (True, False, Verdict.BLOCK),
        (True, True, Verdict.FORCED),
    ],
)
def test_the_gate_warns_or_blocks_as_set(blocks: bool, force: bool, verdict: Verdict) -> None:
    strange = Measurement(DAY, 10, 10, 10, implausible=("mean blocks is 13",))
    found = judge(strange, Thresholds(implausible_blocks=blocks), force=force)
    assert (found.verdict, found.reason) == (verdict, "mean blocks is 13")


def test_a_shortfall_and_a_strange_mean_are_both_named() -> None:
    found = judge(Measurement(DAY, 8, 10, 8, ("x", "y"), implausible=("mean blocks is 13",)), Thresholds())
    assert found.verdict is Verdict.BLOCK
    assert found.reason == "8 of 10 expected (80.0%, below 90%); missing: x, y; mean blocks is 13"


def test_a_range_that_nothing_fits_is_refused() -> None:
    with pytest.raises(UsageError, match="plausible range of blocks, 7 to 3"):
        Plausible("blocks", 7, 3, 1)
