"""Two versions of a partition differ in cells, in rows, or in nothing."""

from datetime import date

import polars as pl

from backcourt.pipeline.differences import Difference, differences
from backcourt.pipeline.table import Column, FieldType, Table

DAY = date(2024, 1, 1)
TABLE = Table(
    "d", "t", "day", ("player",),
    (
        Column("day", FieldType.DATE, "Day.", required=True),
        Column("player", FieldType.STRING, "Who.", required=True),
        Column("mean", FieldType.FLOAT64, "A mean."),
        Column("features", FieldType.FLOAT64, "Numbers.", repeated=True),
    ),
    "A table.",
)  # fmt: skip


def frame(*rows: tuple[object, ...]) -> pl.DataFrame:
    schema = {"day": pl.Date, "player": pl.String, "mean": pl.Float64, "features": pl.List(pl.Float64)}
    return pl.DataFrame([(DAY, *row) for row in rows], schema=schema, orient="row")


def test_equal_rows_in_another_order_do_not_differ() -> None:
    nan = float("nan")
    left, right = frame(("a", 1.0, [1.0]), ("b", nan, [])), frame(("b", nan, []), ("a", 1.0, [1.0]))
    assert differences(TABLE, left, right) == ()


def test_cells_are_named_to_the_last_bit() -> None:
    left = frame(("a", 0.1 + 0.2, [1.0]), ("b", None, [1.0]), ("c", 0.0, []))
    right = frame(("a", 0.3, [1.0]), ("b", 0.0, [1.0, 2.0]), ("c", -0.0, []))
    assert differences(TABLE, left, right) == (
        Difference("2024-01-01/a", "mean", "0.30000000000000004", "0.3"),
        Difference("2024-01-01/b", "mean", "None", "0.0"),
        Difference("2024-01-01/b", "features", "[1.0]", "[1.0, 2.0]"),
        Difference("2024-01-01/c", "mean", "0.0", "-0.0"),
    )


def test_rows_on_one_side_only_are_told_whole() -> None:
    left, right = frame(("a", 1.0, []), ("a", 1.0, []), ("b", 2.0, [])), frame(("a", 1.0, []), ("c", 3.0, [1.0]))
    assert differences(TABLE, left, right) == (
        Difference("2024-01-01/a", "(row)", "(1.0, [])", ""),
        Difference("2024-01-01/b", "(row)", "(2.0, [])", ""),
        Difference("2024-01-01/c", "(row)", "", "(3.0, [1.0])"),
    )
