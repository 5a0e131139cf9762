"""The gate: what it counts, what it blocks, what --force may publish and what it may not."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from backcourt.pipeline.coverage import Measurement, Thresholds, Verdict, judge, measure
from backcourt.pipeline.processor import Chunk
from backcourt.pipeline.table import Column, FieldType, Table

DAY, OTHER = date(2024, 1, 1), date(2024, 1, 2)
TABLE = Table(
    "d",
    "t",
    "day",
    ("day", "who"),
    (
        Column("day", FieldType.DATE, "The partition.", required=True),
        Column("who", FieldType.STRING, "The entity.", required=True),
        Column("team", FieldType.STRING, "His team.", required=True),
        Column("points", FieldType.INT64, "A number."),
        Column("list", FieldType.INT64, "Numbers.", repeated=True),
    ),
    "A table.",
)
SCHEMA = {"day": pl.Date, "who": pl.String, "team": pl.String, "points": pl.Int64, "list": pl.List(pl.Int64)}
CHUNK = Chunk("d.t", (DAY, OTHER), datetime(2024, 2, 1, tzinfo=UTC).date())


def rows(*who: str | None, day: date | None = DAY, **cells: Any) -> pl.DataFrame:
    given = {"team": "x", "points": 1, "list": [1], **cells}
    return pl.DataFrame([{"day": day, "who": w, **given} for w in who], schema=SCHEMA, orient="row")


def expected(*who: str | None, day: date = DAY) -> pl.DataFrame:
    return pl.DataFrame([{"day": day, "who": w} for w in who], schema={"day": pl.Date, "who": pl.String}, orient="row")


def names(count: int) -> list[str]:
    return [f"p{n:03}" for n in range(count)]


def measured(found: pl.DataFrame, wanted: pl.DataFrame) -> Measurement:
    first, _ = measure(TABLE, CHUNK, found, wanted)
    return first


@pytest.mark.parametrize(
    ("present", "of", "verdict", "forced"),
    [
        (100, 100, Verdict.PASS, Verdict.PASS),
        (95, 100, Verdict.PASS, Verdict.PASS),
        (94, 100, Verdict.WARN, Verdict.WARN),
        (90, 100, Verdict.WARN, Verdict.WARN),
        (89, 100, Verdict.BLOCK, Verdict.FORCED),
        (1, 187, Verdict.BLOCK, Verdict.FORCED),
        (0, 1, Verdict.BLOCK, Verdict.FORCED),
        (0, 0, Verdict.PASS, Verdict.PASS),
    ],
)
def test_thresholds(present: int, of: int, verdict: Verdict, forced: Verdict) -> None:
    found = measured(rows(*names(of)[:present]), expected(*names(of)))
    assert (found.present_count, found.expected_count, found.row_count) == (present, of, present)
    assert judge(found, Thresholds()).verdict is verdict
    assert judge(found, Thresholds(), force=True).verdict is forced
    assert judge(found, Thresholds()).publish == (verdict is not Verdict.BLOCK)


def test_twenty_are_named_and_all_are_counted() -> None:
    found = measured(rows(*names(10)), expected(*names(187)))
    assert found.missing == tuple(names(187)[10:30])
    assert found.missing_count == 177
    reason = judge(found, Thresholds()).reason
    assert reason.startswith("10 of 187 expected (5.3%, below 90%); missing: p010, p011")
    assert reason.endswith("p029 and 157 more")


def test_rows_beyond_the_expected_do_not_make_up_for_missing_ones() -> None:
    found = measured(rows("a", "x", "y"), expected("a", "b"))
    assert (found.present_count, found.expected_count, found.row_count, found.missing) == (1, 2, 3, ("b",))


def test_an_entity_without_a_name_is_named_null() -> None:
    found = measured(rows("a"), expected("a", None))
    assert found.missing == ("NULL",)
    assert judge(found, Thresholds()).reason.endswith("missing: NULL")


def test_an_expected_entity_counts_once() -> None:
    assert measured(rows("a"), expected("a", "a", "b")).expected_count == 2


def test_each_date_is_counted_by_itself() -> None:
    found = measure(
        TABLE,
        CHUNK,
        pl.concat([rows("a"), rows("b", day=OTHER)]),
        pl.concat([expected("a", "b"), expected("b", day=OTHER)]),
    )
    assert [(m.day, m.present_count, m.expected_count) for m in found] == [(DAY, 1, 2), (OTHER, 1, 1)]


def test_a_table_may_expect_a_date_and_no_entity() -> None:
    wanted = pl.DataFrame({"day": [DAY, OTHER]}, schema={"day": pl.Date})
    first, second = measure(TABLE, CHUNK, rows("a"), wanted)
    assert (first.coverage, second.coverage, second.missing) == (1.0, 0.0, ("the date",))


ALWAYS_BLOCKED = {
    "a key twice": (rows("a", "a"), "1 keys occur more than once, 2024-01-01/a for one"),
    "a NULL key": (rows("a", None), "1 rows have NULL in who"),
    "NULL where none may be": (rows("a", team=None), "1 rows have NULL in team"),
    "a NULL list": (rows("a", list=None), "1 rows have NULL in list"),
    "a NULL in a list": (rows("a", list=[1, None]), "1 rows have NULL in list"),
    "another date": (
        pl.concat([rows("a"), rows("b", day=date(2024, 1, 9))]),
        "1 rows lie outside the partition: 2024-01-09",
    ),
    "no date": (pl.concat([rows("a"), rows("b", day=None)]), "1 rows lie outside the partition: None"),
    "a column missing": (rows("a").drop("points"), "schema of d.t: column points is missing"),
    "a column too many": (
        rows("a").with_columns(extra=pl.lit(1, pl.Int64)),
        "schema of d.t: column extra is not declared",
    ),
    "another type": (
        rows("a").with_columns(points=pl.lit(1.0)),
        "schema of d.t: column points is double, declared int64",
    ),
    "another type in a list": (
        rows("a").with_columns(list=pl.lit([1.0], pl.List(pl.Float64))),
        "column list is",
    ),
}


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("case", ALWAYS_BLOCKED)
def test_faults_of_the_rows_are_never_published(case: str, force: bool) -> None:
    found, reason = ALWAYS_BLOCKED[case]
    verdict = judge(measured(found, expected("a")), Thresholds(), force=force)
    assert verdict.verdict is Verdict.BLOCK
    assert reason in verdict.reason


def test_nullable_cells_and_empty_lists_are_no_faults() -> None:
    assert not measured(rows("a", points=None, list=[]), expected("a")).problems


def test_a_fault_of_one_date_leaves_the_other_alone() -> None:
    first, second = measure(TABLE, CHUNK, pl.concat([rows("a", "a"), rows("a", day=OTHER)]), expected("a"))
    assert first.problems
    assert not second.problems


def test_a_frame_without_rows_is_measured_too() -> None:
    found = measured(rows(), expected())
    assert (found.row_count, found.expected_count, found.coverage, found.problems) == (0, 0, 1.0, ())
