"""A pipeline without a schedule: every day of the range that is asked for exists."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from backcourt.errors import UsageError
from jobs.selection import DateSelection, select_dates
from tests.integration import shop
from tests.integration.runs_here import Here, counted
from tests.integration.shop_fixtures import fair_weather, server, stock  # noqa: F401
from tests.integration.shop_runs import Shop

DAYS = shop.DAYS[10:20]


def test_the_days_that_are_named_are_ingested_and_computed(stock: Shop, tmp_path: Path) -> None:  # noqa: F811
    bare = replace(shop.PIPELINE, schedule=None, schedule_columns=(), calendar=None)
    store = Shop(stock.server, tmp_path, stock.installed, pipeline=bare)
    assert counted(Here(store).run("ingest", orders=store.orders, days=DAYS)) == {"committed": 10}
    assert counted(Here(store).run("backfill", days=DAYS)) == {"committed": 30}
    assert Here(store).plan("again", days=DAYS).plan.total == 0


def test_a_range_is_every_day_of_it_and_a_year_before() -> None:
    days = select_dates("2024-03-01", None, None, None).every_day(date(2024, 3, 10))
    assert (days[0], days[-1]) == (date(2023, 3, 1), date(2024, 3, 10))
    assert len(set(days)) == 366 + 10
    assert all(b - a == timedelta(days=1) for a, b in pairwise(days))


def test_without_a_first_day_the_user_is_asked_for_it() -> None:
    with pytest.raises(UsageError, match="Give --start"):
        DateSelection().every_day(date(2024, 3, 10))
