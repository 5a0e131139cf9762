"""For which dates models are trained, and what becomes of each training; a model never sees its own date or later."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from backcourt.errors import DataError, UsageError
from backcourt.exports.whole_files import WholeFiles
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.processor import EVERYTHING_BEFORE, Input, Inputs, Pipeline, Trained, Training
from backcourt.pipeline.table import Column, FieldType, Table
from jobs import training as module
from jobs.training import find_training, train_models, training_dates

COLUMNS = (Column("day", FieldType.DATE, "d", required=True), Column("n", FieldType.INT64, "n", required=True))
TABLE = Table("d", "t", "day", ("day",), COLUMNS, "A table.")
DAYS = tuple(date(2024, 1, 20) + timedelta(days=n) for n in range(50))
"""From 20 January to 9 March."""


def count_rows(until: date, inputs: Inputs) -> Trained:
    """A model that is the number of rows that it has seen."""
    rows = inputs["d.t"]
    if rows.is_empty():
        raise DataError("no rows.", "Backfill more.")
    last = rows["day"].max()
    name = f"count-{last}"
    return Trained(name, {"name": name}, {"rows": rows.height}, {f"{name}.txt": str(until).encode()})


TRAINING = Training("count", (Input(TABLE, ("day", "n"), EVERYTHING_BEFORE),), count_rows)


@pytest.mark.parametrize(
    ("until", "monthly_from", "dates"),
    [
        ("2024-02-15", None, ["2024-02-15"]),
        ("2024-02-15", "2024-01-25", ["2024-02-01"]),
        ("2024-03-01", "2024-02-01", ["2024-02-01", "2024-03-01"]),
        # nothing before January; after March no new date until the calendar ends in it
        ("2024-12-31", "2023-06-15", ["2024-02-01", "2024-03-01", "2024-04-01"]),
    ],
)
def test_dates_to_train_for(until: str, monthly_from: str | None, dates: list[str]) -> None:
    first = date.fromisoformat(monthly_from) if monthly_from else None
    found = training_dates(Calendar(DAYS), date.fromisoformat(until), first)
    assert [str(day) for day in found] == dates


def test_no_month_begins() -> None:
    with pytest.raises(UsageError, match="No month begins from 2024-02-02 to 2024-02-28"):
        training_dates(Calendar(DAYS), date(2024, 2, 28), date(2024, 2, 2))


def test_each_model_sees_what_came_before_and_a_failure_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = pl.DataFrame({"day": DAYS, "n": range(len(DAYS))})
    asked: list[Any] = []

    def rows_of(*given: Any) -> pl.DataFrame:
        asked.append(given[-1])
        return every

    monkeypatch.setattr(module, "rows_of", rows_of)
    dates = (date(2024, 3, 1), date(2024, 2, 1), date(2024, 1, 1))
    folder = WholeFiles(str(tmp_path / "models"), "--models")

    def run(to: WholeFiles | None) -> Any:
        return train_models(None, TRAINING, Calendar(DAYS), {}, dates, to, lambda: False)  # type: ignore[arg-type]

    none, february, march = run(None)
    assert not folder.exist
    assert asked == [[date(2024, 3, 1)]], "the rows are read once"
    assert (none.model, none.exit_code, "no rows" in none.reason) == (None, 5, True)
    assert (february.model.name, february.model.metrics) == ("count-2024-01-31", {"rows": 12})
    assert (march.model.name, march.model.metrics) == ("count-2024-02-29", {"rows": 41})
    run(folder)
    assert folder.names() == ["count-2024-01-31.txt", "count-2024-02-29.txt"]
    assert folder.content("count-2024-01-31.txt") == b"2024-02-01"


def test_which_training_is_meant() -> None:
    other = Training("other", (), count_rows)
    assert find_training(Pipeline("shop", (), trainings=(other,)), None) is other
    both = Pipeline("shop", (), trainings=(other, Training("more", (), count_rows)))
    assert find_training(both, "other") is other
    for pipeline, name, said in (
        (both, None, "has several trainings"),
        (both, "third", "There is no training third"),
        (Pipeline("shop", ()), None, "Pipeline shop declares no training"),
    ):
        with pytest.raises(UsageError, match=said):
            find_training(pipeline, name)
