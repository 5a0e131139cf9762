"""Of doubled rows the newest stays, whatever the order in which they are read."""

from datetime import UTC, date, datetime
from itertools import permutations

import polars as pl

from backcourt.pipeline.duplicates import doubled, kept_of
from backcourt.pipeline.table import Column, FieldType, Table

DAY, NEXT = date(2024, 1, 1), date(2024, 1, 2)
TABLE = Table(
    "d", "t", "day", ("player",),
    (
        Column("day", FieldType.DATE, "Day.", required=True),
        Column("player", FieldType.STRING, "Who.", required=True),
        Column("points", FieldType.INT64, "Points."),
        Column("features", FieldType.FLOAT64, "Numbers.", repeated=True),
    ),
    "A table.",
)  # fmt: skip
EARLY, LATE = datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 2, 2, tzinfo=UTC)


def frame(*rows: tuple[object, ...]) -> pl.DataFrame:
    names = ["day", "player", "points", "features", "computed_at", "run_id", "code_version"]
    kinds = [pl.Date, pl.String, pl.Int64, pl.List(pl.Float64), pl.Datetime("us", "UTC"), pl.String, pl.String]
    return pl.DataFrame(list(rows), schema=dict(zip(names, kinds, strict=True)), orient="row")


OLD = (DAY, "a", 9, [9.0], EARLY, "run-9", "v")
NEW = (DAY, "a", 1, [1.0], LATE, "run-1", "v")
SAME_INSTANT = (DAY, "a", 1, [1.0], LATE, "run-0", "v")
OTHER = (DAY, "b", 3, [], EARLY, "run-1", "v")
TOMORROW = (NEXT, "a", 4, [1.0, 2.0], EARLY, "run-1", "v")


def test_the_newest_row_of_a_date_and_key_stays() -> None:
    for order in permutations([OLD, NEW, SAME_INSTANT, OTHER, TOMORROW]):
        assert kept_of(TABLE, frame(*order)).rows() == [NEW, OTHER, TOMORROW]


def test_a_key_on_two_dates_is_no_double() -> None:
    assert doubled(TABLE, frame(OLD, NEW, OTHER, TOMORROW)).sort("computed_at").rows() == [OLD, NEW]


def test_rows_that_differ_in_values_only_leave_the_same_one_in_any_order() -> None:
    lists = [(*OLD[:3], [1.0, 2.0], *OLD[4:]), (*OLD[:3], [3.0], *OLD[4:]), (*OLD[:2], None, [9.0], *OLD[4:])]
    kept = {str(kept_of(TABLE, frame(*order)).rows()) for order in permutations(lists)}
    assert len(kept) == 1
