"""The folder source: what it finds, renames and converts, and the sentence it says when something does not fit."""

# ruff: noqa: DTZ001 - files of other programs hold timestamps without a zone

import pickle
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from time import sleep
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from backcourt.errors import DataError, UsageError
from backcourt.pipeline.processor import Feed
from backcourt.pipeline.table import Column, FieldType
from backcourt.sources import folder
from backcourt.sources.folder import FolderSource

FEED = Feed(
    name="visits",
    columns=(
        Column("id", FieldType.STRING, "Id.", required=True),
        Column("day", FieldType.DATE, "Date.", required=True),
        Column("count", FieldType.INT64, "Count."),
        Column("share", FieldType.FLOAT64, "Share."),
        Column("open", FieldType.BOOL, "Open."),
        Column("at", FieldType.TIMESTAMP, "Instant."),
    ),
    partition_by="day",
    files=("visits*",),
    aliases={"n": "count", "visit_day": "day"},
    ignored=("remark",),
)
SCHEMA = pa.schema([c.arrow for c in FEED.columns])
START, END = date(2024, 1, 1), date(2024, 12, 31)


def read(path: Path, feed: Feed = FEED, start: date = START, end: date = END) -> list[dict[str, Any]]:
    table = FolderSource(str(path)).read(feed, start, end)
    assert table.schema == SCHEMA
    return table.to_pylist()


def row(**given: Any) -> dict[str, Any]:
    return {**dict.fromkeys(SCHEMA.names), **given}


def test_csv_is_renamed_and_converted(tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text(
        "id,visit_day,n,share,open,at,remark\n"
        "0012,2024-01-31,7,0.25,True,2024-01-31T12:00:00Z,x\n"
        "0013,2024-02-01,8.0,,0,2024-02-01T13:00:00+01:00,\n"
    )
    assert read(tmp_path) == [
        row(id="0012", day=date(2024, 1, 31), count=7, share=0.25, open=True, at=datetime(2024, 1, 31, 12, tzinfo=UTC)),
        row(id="0013", day=date(2024, 2, 1), count=8, open=False, at=datetime(2024, 2, 1, 12, tzinfo=UTC)),
    ]


def test_parquet_numbers_and_dates_of_other_widths(tmp_path: Path) -> None:
    pl.DataFrame(
        {
            "id": pl.Series(["a", "b"], dtype=pl.Categorical),
            "day": [datetime(2024, 3, 1), datetime(2024, 3, 2)],
            "count": [1.0, float("nan")],
            "share": pl.Series([2, None], dtype=pl.Int8),
            "open": [1, 0],
            "at": [datetime(2024, 3, 1, 6), None],
        }
    ).write_parquet(tmp_path / "visits_2024.parquet")
    at = datetime(2024, 3, 1, 6, tzinfo=UTC)
    assert read(tmp_path) == [
        row(id="a", day=date(2024, 3, 1), count=1, share=2.0, open=True, at=at),
        row(id="b", day=date(2024, 3, 2), open=False),
    ]


def test_any_number_of_files_in_sub_folders_and_only_the_dates_asked_for(tmp_path: Path) -> None:
    for name, day in (("a/visits_1.csv", "2024-01-01"), ("visits/2.csv", "2024-01-02"), ("visits_3.csv", "2024-01-03")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"id,day\n{path.stem},{day}\n")
    (tmp_path / "visits.txt").write_text("not a table")
    (tmp_path / "others.csv").write_text("id,day\nother,2024-01-02\n")
    assert [r["id"] for r in read(tmp_path)] == ["visits_1", "2", "visits_3"]
    assert [r["id"] for r in read(tmp_path, start=date(2024, 1, 2), end=date(2024, 1, 2))] == ["2"]


def test_a_file_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "visits.csv"
    file.write_text("id,day\na,2024-01-01\n")
    source = FolderSource(str(tmp_path))
    first = source.read(FEED, START, END)
    file.unlink()
    assert source.read(FEED, START, END) == first
    with pytest.raises(UsageError):
        pickle.loads(pickle.dumps(source)).read(FEED, START, END)


def ids(source: FolderSource, *months: int) -> list[str]:
    found = source.read(FEED, date(2024, months[0], 1), date(2024, months[-1], 28))
    return [str(value) for value in found.column("id").to_pylist()]


def monthly_files(path: Path) -> list[Path]:
    files = [path / f"visits_{month}.csv" for month in (1, 2, 3)]
    for month, file in enumerate(files, start=1):
        file.write_text(f"id,day\nold{month},2024-0{month}-01\n")
    return files


def test_what_is_kept_of_files_is_bounded(tmp_path: Path) -> None:
    """A worker reads from one source for all of a run: by the tenth season it must not hold ten."""
    january, february, march = monthly_files(tmp_path)
    source = FolderSource(str(tmp_path), kept_bytes=1)
    assert ids(source, 1, 2, 3) == ["old1", "old2", "old3"]
    for file in (january, february, march):
        file.write_text(file.read_text().replace("old", "new"))
    assert ids(source, 3) == ["old3"]  # the file of the last read is kept, whatever its size
    assert ids(source, 1) == ["new1"]
    assert ids(source, 3) == ["new3"]


def test_threads_of_a_worker_read_from_one_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker stages while it computes; each of its threads asks the same source."""
    for day in range(1, 29):
        (tmp_path / f"visits_{day}.csv").write_text(f"id,day\n{day},2024-01-{day:02}\n")
    whole, little = FolderSource(str(tmp_path)), FolderSource(str(tmp_path), kept_bytes=1)
    looks: list[int] = []
    read_csv = folder.READERS[".csv"]
    monkeypatch.setitem(folder.READERS, ".csv", lambda content: (looks.append(1), sleep(0.001), read_csv(content))[2])

    def days(source: FolderSource, first: int, last: int) -> list[int]:
        found = source.read(FEED, date(2024, 1, first), date(2024, 1, last)).column("id").to_pylist()
        return sorted(int(day) for day in found)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda _: days(whole, 1, 28), range(8))) == [list(range(1, 29))] * 8
        assert len(looks) == 28
        asked = [(first, min(first + 5, 28)) for first in range(1, 29)] * 2
        found = list(threads.map(lambda pair: days(little, *pair), asked))
    assert found == [list(range(first, last + 1)) for first, last in asked]


def test_files_of_other_dates_are_left_alone(tmp_path: Path) -> None:
    january, february, march = monthly_files(tmp_path)
    source = FolderSource(str(tmp_path))
    assert ids(source, 1) == ["old1"]
    march.unlink()
    assert ids(source, 2) == ["old2"]
    january.unlink()
    february.unlink()
    assert ids(source, 1, 2) == ["old1", "old2"]


def test_a_file_without_a_date_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text("id,day\n")
    source = FolderSource(str(tmp_path))
    assert ids(source, 1) == []
    assert ids(source, 1) == []


def test_a_folder_may_be_anything_that_fsspec_opens(tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text("id,day\na,2024-01-01\n")
    assert FolderSource(f"file://{tmp_path}").read(FEED, START, END).num_rows == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,day,colour,size\na,2024-01-01,red,1\n", ["unknown columns colour, size"]),
        ("count,colour\n1,red\n", ["unknown columns colour", "no column id, day"]),
        ("id,day,n,count\na,2024-01-01,1,2\n", ["two columns for count"]),
        ("id,day,n\na,2024-01-01,many\n", ["column count", "'many'", "INT64", "1 of 1"]),
        ("id,day,n\na,2024-01-01,1.5\n", ["column count", "'1.5'", "INT64"]),
        ("id,day,open\na,2024-01-01,maybe\n", ["column open", "'maybe'", "BOOL"]),
        ("id,day,at\na,2024-01-01,noon\n", ["column at", "'noon'", "TIMESTAMP"]),
        ("id,day\na,+10000-01-01\n", ["column day", "'+10000-01-01'", "DATE"]),
        ("id,day\na,01/02/2024\n", ["column day", "'01/02/2024'", "DATE"]),
        ("id,day\n,2024-01-01\n", ["column id", "1 of 1 rows are empty"]),
    ],
)
def test_what_does_not_fit_names_file_column_and_value(tmp_path: Path, text: str, said: list[str]) -> None:
    file = tmp_path / "visits.csv"
    file.write_text(text)
    with pytest.raises(DataError) as error:
        read(tmp_path)
    for part in [str(file), *said]:
        assert part in error.value.what
    assert error.value.do


@pytest.mark.parametrize(
    ("column", "values", "value"),
    [
        ("id", [12], "12"),  # an id stored as a number has lost its leading zeros
        ("count", [1.5], "1.5"),
        ("day", [datetime(2024, 1, 1, 12)], "12"),
        ("day", pl.Series([[2**31 - 1]], dtype=pl.List(pl.Int32)).cast(pl.List(pl.Date)), "a List"),
        ("open", [2], "2"),
        ("share", [[1.0]], "a List"),
        ("share", pl.Series([2**62], dtype=pl.Int64).cast(pl.Duration("ms")), "4611686018427387904"),
    ],
)
def test_a_wrong_parquet_type_names_file_column_and_value(
    tmp_path: Path, column: str, values: Sequence[Any] | pl.Series, value: str
) -> None:
    rows = pl.DataFrame({"id": ["a"], "day": [date(2024, 1, 1)]})
    rows.with_columns(pl.Series(column, values)).write_parquet(tmp_path / "visits.parquet")
    with pytest.raises(DataError, match=f"visits.parquet, column {column}: .*{value}"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("column", "number", "kind"),
    [
        ("day", 2932897, pl.Date),  # 1 January 10000
        ("day", -719163, pl.Date),  # the day before 1 January 1
        ("day", 2**31 - 1, pl.Date),
        ("day", 2**63 - 1, pl.Datetime("ms")),
        ("at", 253402300800 * 10**6, pl.Datetime("us", "UTC")),
        ("at", -(2**63), pl.Datetime("us")),
    ],
)
def test_a_date_that_no_calendar_has_is_refused_by_its_number(
    tmp_path: Path, column: str, number: int, kind: pl.DataType
) -> None:
    rows = pl.DataFrame({"id": ["a"], "day": [date(2024, 1, 1)]})
    told = pl.Series(column, [number]).cast(pl.Int32 if kind == pl.Date else pl.Int64).cast(kind)
    rows.with_columns(told).write_parquet(tmp_path / "visits.parquet")
    with pytest.raises(DataError, match=f"visits.parquet, column {column}: .*{number} is no (DATE|TIMESTAMP)"):
        read(tmp_path)


def test_the_calendars_first_and_last_day_are_dates(tmp_path: Path) -> None:
    days = pl.Series("day", [-719162, 2932896], dtype=pl.Int32).cast(pl.Date)
    last = pl.Series("at", [253402300800 * 10**6 - 1] * 2, dtype=pl.Int64).cast(pl.Datetime("us"))
    pl.DataFrame([pl.Series("id", ["a", "b"]), days, last]).write_parquet(tmp_path / "visits.parquet")
    found = read(tmp_path, start=date.min, end=date.max)
    assert [r["day"] for r in found] == [date(1, 1, 1), date(9999, 12, 31)]
    assert found[0]["at"] == datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize(("name", "content"), [("visits.parquet", b"PAR1 not really"), ("visits.csv", b"")])
def test_a_broken_file_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"{name} cannot be read"):
        read(tmp_path)


def test_a_missing_folder_and_missing_files_say_what_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no folder .*nowhere"):
        read(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"no file for visits.*visits\*\.csv or visits\*\.parquet"):
        read(tmp_path)


def test_an_optional_feed_without_files_has_no_rows(tmp_path: Path) -> None:
    optional = Feed("visits", FEED.columns, "day", files=("visits*",), optional=True)
    assert read(tmp_path, optional) == []
