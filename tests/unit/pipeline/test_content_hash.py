"""Content hashes against canonical text: two partitions have one hash exactly when they hold the same rows."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from hashlib import sha256
from random import Random
from struct import pack
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcourt.pipeline.content_hash import content_hashes
from backcourt.pipeline.table import Column, FieldType, Table

DAY, OTHER, EMPTY = date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)
TABLE = Table(
    "d",
    "t",
    "day",
    ("day", "who"),
    (
        Column("day", FieldType.DATE, "The partition.", required=True),
        Column("who", FieldType.STRING, "The entity.", required=True),
        Column("text", FieldType.STRING, "Text."),
        Column("more", FieldType.STRING, "More text."),
        Column("whole", FieldType.INT64, "A number."),
        Column("real", FieldType.FLOAT64, "A number."),
        Column("flag", FieldType.BOOL, "A flag."),
        Column("on", FieldType.DATE, "A date."),
        Column("at", FieldType.TIMESTAMP, "An instant."),
        Column("list", FieldType.FLOAT64, "Numbers.", repeated=True),
        Column("names", FieldType.STRING, "Texts.", repeated=True),
    ),
    "A table with a column of each type.",
)
SCHEMA = {
    "day": pl.Date,
    "who": pl.String,
    "text": pl.String,
    "more": pl.String,
    "whole": pl.Int64,
    "real": pl.Float64,
    "flag": pl.Boolean,
    "on": pl.Date,
    "at": pl.Datetime("us", "UTC"),
    "list": pl.List(pl.Float64),
    "names": pl.List(pl.String),
}
ROW: dict[str, Any] = {
    "day": DAY,
    "who": "a",
    "text": "ab",
    "more": "c",
    "whole": 0,
    "real": 0.0,
    "flag": False,
    "on": DAY,
    "at": datetime(2024, 1, 1, tzinfo=UTC),
    "list": [1.0, 2.0],
    "names": ["ab", "c"],
}
TEXTS = st.sampled_from(["", "a", "ab", "b", "\0", "é", "NULL"]) | st.none()
REALS = st.sampled_from([0.0, -0.0, 1.5, float("inf"), -1e300]) | st.none()
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "day": st.sampled_from([DAY, OTHER]),
            "who": st.sampled_from("abcd"),
            "text": TEXTS,
            "more": TEXTS,
            "whole": st.sampled_from([0, 1, -(2**63), 2**63 - 1, 2**53 + 1]) | st.none(),
            "real": REALS,
            "flag": st.booleans() | st.none(),
            "on": st.sampled_from([DAY, date(1970, 1, 1)]) | st.none(),
            "at": st.sampled_from([ROW["at"], datetime(1970, 1, 1, tzinfo=UTC)]) | st.none(),
            "list": st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.0]), max_size=3) | st.none(),
            "names": st.lists(st.sampled_from(["", "a", "ab", "c"]), max_size=3) | st.none(),
        }
    ),
    max_size=4,
    unique_by=lambda row: (row["day"], row["who"]),
)


def frame(rows: list[Mapping[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame([dict(r) for r in rows], schema=SCHEMA, orient="row")


def hash_of(row: Mapping[str, Any]) -> str:
    return content_hashes(TABLE, frame([row]), (DAY,))[DAY]


def canonical(rows: list[dict[str, Any]], day: date) -> str:
    """The rows of a day as text, in the order of their key."""
    return "\n".join(repr(r) for r in sorted((r for r in rows if r["day"] == day), key=lambda r: r["who"]))


@settings(max_examples=150, deadline=None)
@given(one=ROWS, other=ROWS)
def test_equal_hashes_mean_equal_rows(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    days = (DAY, OTHER)
    ones, others = content_hashes(TABLE, frame(one), days), content_hashes(TABLE, frame(other), days)
    texts = [(ones[d], canonical(one, d)) for d in days] + [(others[d], canonical(other, d)) for d in days]
    for digest, text in texts:
        for other_digest, other_text in texts:
            assert (digest == other_digest) == (text == other_text)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, seed=st.integers(0, 99))
def test_neither_order_nor_chunks_of_the_frame_matter(rows: list[dict[str, Any]], seed: int) -> None:
    shuffled = Random(seed).sample(rows, len(rows))
    pieces = [frame([row]) for row in shuffled] or [frame([])]
    chunked = pl.concat(pieces, rechunk=False)
    assert content_hashes(TABLE, chunked, (DAY, OTHER)) == content_hashes(TABLE, frame(rows), (DAY, OTHER))


def test_other_dates_in_the_frame_do_not_matter() -> None:
    rows = [ROW, {**ROW, "day": OTHER, "names": []}]
    assert content_hashes(TABLE, frame(rows), (DAY,))[DAY] == hash_of(ROW)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("who", "b"),
        ("text", "a"),
        ("text", ""),
        ("text", None),
        ("whole", 1),
        ("whole", None),
        ("real", None),
        ("real", 5e-324),
        ("real", float("nan")),
        ("flag", True),
        ("flag", None),
        ("on", OTHER),
        ("on", None),
        ("at", datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC)),
        ("at", None),
        ("list", [2.0, 1.0]),
        ("list", []),
        ("list", None),
        ("list", [1.0, 2.0, 0.0]),
        ("names", ["a", "bc"]),
        ("names", ["abc", ""]),
        ("names", []),
    ],
)
def test_every_cell_counts(column: str, value: Any) -> None:
    assert hash_of({**ROW, column: value}) != hash_of(ROW)


def test_text_does_not_flow_from_one_cell_into_the_next() -> None:
    assert hash_of({**ROW, "text": "a", "more": "bc"}) != hash_of({**ROW, "text": "ab", "more": "c"})
    assert hash_of({**ROW, "text": "", "more": "abc"}) != hash_of({**ROW, "text": None, "more": "abc"})


def test_lists_do_not_flow_from_one_row_into_the_next() -> None:
    def two(first: list[float], second: list[float]) -> str:
        rows = [{**ROW, "list": first}, {**ROW, "who": "b", "list": second}]
        return content_hashes(TABLE, frame(rows), (DAY,))[DAY]

    assert len({two([1.0], [2.0, 3.0]), two([1.0, 2.0], [3.0]), two([], [1.0, 2.0, 3.0])}) == 3


def test_zero_and_minus_zero_are_different_bits() -> None:
    assert hash_of({**ROW, "real": -0.0}) != hash_of(ROW)


def test_a_day_without_rows_has_a_hash_of_its_own() -> None:
    found = content_hashes(TABLE, frame([ROW]), (DAY, OTHER, EMPTY))
    assert found[OTHER] == found[EMPTY] != found[DAY]
    assert found[EMPTY] == content_hashes(TABLE, frame([]), (EMPTY,))[EMPTY]


def test_a_table_of_other_columns_has_other_hashes() -> None:
    def renamed(name: str) -> Table:
        columns = (*TABLE.columns[:4], Column(name, FieldType.INT64, "A number."))
        return Table("d", "t", "day", TABLE.key, columns, "A table.")

    def digest(name: str) -> str:
        rows = frame([ROW]).select("day", "who", "text", "more", "whole").rename({"whole": name})
        return content_hashes(renamed(name), rows, (DAY,))[DAY]

    assert digest("whole") != digest("total")


def test_the_format_is_kept_since_ledgers_hold_it_for_years() -> None:
    table = Table("d", "t", "day", ("day", "who"), TABLE.columns[:2], "A table.")
    rows = frame([ROW]).select("day", "who")
    header = b"day DATE False\nwho STRING False"
    days_since_1970 = 19723
    text = (
        header
        + b"\0"
        + pack("<q", 1)  # rows
        + pack("<?i", False, days_since_1970)
        + pack("<?q", False, 1)
        + b"a"
    )
    assert content_hashes(table, rows, (DAY,))[DAY] == "h1:" + sha256(text).hexdigest()[:32]
