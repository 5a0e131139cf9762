"""Looking back over a pipeline that has no schedule."""

from datetime import date
from types import SimpleNamespace

from backcourt.pipeline.processor import Pipeline
from jobs.known_days import known_days
from jobs.selection import DateSelection
from tests.unit.pipeline.worlds import processor

SESSION = SimpleNamespace(pipeline=Pipeline("p", (processor("a"),)), as_of=date(2024, 3, 1))


def test_without_a_schedule_every_day_of_the_range_is_looked_at() -> None:
    dates = DateSelection(date(2024, 2, 27), date(2024, 2, 29))
    found = known_days(SESSION, None, dates)  # type: ignore[arg-type]
    assert dates.of(found) == ((date(2024, 2, 27), date(2024, 2, 28), date(2024, 2, 29)), ())


def test_without_a_range_it_is_the_year_before_today() -> None:
    found = known_days(SESSION, None, DateSelection())  # type: ignore[arg-type]
    assert date(2023, 3, 2) in found
    assert found.dates[-1] == date(2024, 3, 1)
