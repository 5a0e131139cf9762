"""The second way agrees with the processors on the real season, and sees a figure that is off by a little."""

from datetime import date

import polars as pl
import pytest

from backcourt.pipeline.processor import SpotCheck
from jobs.spot_checking import agree
from nba.spot_checks import BOX_SCORES, SPOT_CHECKS
from tests.unit.nba.real_season import needs_real_data, season

pytestmark = [pytest.mark.real_data, needs_real_data]

DAYS = [date(2023, 11, 8), date(2024, 1, 3), date(2024, 4, 7)]


@pytest.mark.parametrize("check", SPOT_CHECKS, ids=lambda c: c.table.name)
def test_every_row_of_three_dates_agrees(check: SpotCheck) -> None:
    rows = season()[check.table.full_name].filter(pl.col(check.table.partition_by).is_in(DAYS)).to_dicts()
    lines = season()[BOX_SCORES].select(check.inputs[0].columns).to_dicts()
    second = check.recompute(rows, {BOX_SCORES: lines})
    assert len(rows) > 300
    for name in check.columns:
        known = [row[name] for row in rows if row[name] is not None]
        assert len(known) > 300, name
        wrong = [
            (row["player_lookup"], row[name], other[name])
            for row, other in zip(rows, second, strict=True)
            if not agree(row[name], other[name], check.tolerance)
        ]
        assert wrong == [], name


def test_a_figure_that_is_off_or_missing_does_not_agree() -> None:
    assert agree(20.0, 20.0 + 1e-12, 1e-9)
    assert agree(None, None, 1e-9)
    assert not agree(20.0, 20.001, 1e-9)
    assert not agree(None, 0.0, 1e-9)
    assert not agree(0.0, None, 1e-9)
