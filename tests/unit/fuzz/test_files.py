"""Files of a source, damaged in every way: they are read as they were, or refused by a sentence that names them."""

from datetime import date
from io import BytesIO
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backcourt.errors import BackcourtError
from backcourt.pipeline.processor import Feed
from backcourt.sources.folder import FolderSource
from tests.unit.test_folder_source import FEED

START, END = date(2024, 1, 1), date(2024, 12, 31)
LOOSE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
ROWS = pl.DataFrame(
    {"id": ["a", "b", "c"] * 40, "day": [date(2024, 1, 31)] * 120, "count": range(120), "share": [0.25] * 120}
)


def whole(compression: str) -> bytes:
    content = BytesIO()
    ROWS.write_parquet(content, compression=compression)  # type: ignore[arg-type]
    return content.getvalue()


WHOLE = {name: whole(name) for name in ("uncompressed", "zstd")}
ANY_TYPE = st.sampled_from(
    [
        pa.int8(),
        pa.uint64(),
        pa.float32(),
        pa.string(),
        pa.large_string(),
        pa.binary(),
        pa.bool_(),
        pa.date32(),
        pa.date64(),
        pa.timestamp("ns"),
        pa.timestamp("us", tz="Asia/Tokyo"),
        pa.time64("us"),
        pa.duration("ms"),
        pa.decimal128(20, 4),
        pa.list_(pa.int64()),
        pa.struct([("x", pa.int64())]),
        pa.dictionary(pa.int32(), pa.string()),
        pa.null(),
    ]
)


def read(folder: Path, content: bytes, ending: str = "parquet", feed: Feed = FEED) -> pa.Table | None:
    """The feed's rows, or None where the file was refused by a sentence that names it."""
    (folder / ending).mkdir(exist_ok=True)
    (folder / ending / f"visits.{ending}").write_bytes(content)
    try:
        return FolderSource(str(folder / ending)).read(feed, START, END)
    except BackcourtError as error:
        assert f"visits.{ending}" in error.what
        assert error.do
        assert str(error).isprintable()
        return None


@pytest.mark.parametrize("compression", WHOLE)
@LOOSE
@given(data=st.data())
def test_a_parquet_with_some_bytes_changed_is_no_traceback(
    compression: str, data: st.DataObject, tmp_path: Path
) -> None:
    content = bytearray(WHOLE[compression])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    read(tmp_path, bytes(content))


def test_text_that_is_no_text_is_refused(tmp_path: Path) -> None:
    rows = ROWS.to_arrow()
    broken = pa.array([b"\xff"] * len(rows)).view(pa.string())
    content = BytesIO()
    pq.write_table(rows.set_column(0, "id", broken), content)
    assert read(tmp_path, content.getvalue()) is None


def test_notes_of_a_file_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    content = BytesIO()
    pq.write_table(ROWS.to_arrow().replace_schema_metadata({b"made by": b"\xff"}), content)
    found = read(tmp_path, content.getvalue())
    assert found is not None
    assert found.num_rows == len(ROWS)


@LOOSE
@given(kept=st.integers(0, len(WHOLE["zstd"]) - 1))
def test_a_parquet_that_was_cut_is_refused(kept: int, tmp_path: Path) -> None:
    assert read(tmp_path, WHOLE["zstd"][:kept]) is None


@LOOSE
@given(content=st.binary(max_size=300), ending=st.sampled_from(["parquet", "csv"]))
def test_any_bytes_are_no_traceback(content: bytes, ending: str, tmp_path: Path) -> None:
    found = read(tmp_path, content, ending)
    assert found is None or found.num_rows == 0


@LOOSE
@given(kinds=st.lists(ANY_TYPE, min_size=6, max_size=6), rows=st.integers(0, 3))
def test_columns_of_any_type_are_converted_or_named(kinds: list[pa.DataType], rows: int, tmp_path: Path) -> None:
    names = [column.name for column in FEED.columns]
    table = pa.table({name: pa.nulls(rows, kind) for name, kind in zip(names, kinds, strict=True)})
    content = BytesIO()
    try:
        pq.write_table(table, content)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # Parquet itself has no such type
        return
    found = read(tmp_path, content.getvalue())
    assert (found is None) == (rows > 0)  # the key is empty
