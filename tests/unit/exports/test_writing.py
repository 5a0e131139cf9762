"""Export files: checked, whole or not at all, left alone when equal, and listed by an index made from them."""

import json
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import fsspec
import pytest

from backcourt.errors import DataError, UsageError
from backcourt.exports.documents import Documents
from backcourt.exports.folder import ExportFolder
from backcourt.exports.readiness import uncommitted
from backcourt.pipeline.calendar import Calendar, Season
from backcourt.pipeline.processor import SAME_DATE, SEASON, Export, Feed, Input, Pipeline, Processor
from backcourt.pipeline.table import Column, FieldType, Table

DAY, NEXT = date(2024, 1, 1), date(2024, 1, 2)
SCHEMA = {
    "$id": "urn:visits:1",
    "type": "object",
    "required": ["day", "visits"],
    "additionalProperties": False,
    "properties": {"day": {"type": "string"}, "visits": {"type": "array", "items": {"type": "number", "minimum": 0}}},
}


def documents() -> Documents:
    return Documents("visits", SCHEMA)


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()


@pytest.fixture(params=["local", "object store"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "a" / "exports") if request.param == "local" else f"memory://{tmp_path.name}/exports"


def on_disk(path: str) -> dict[str, bytes]:
    fs, root = fsspec.url_to_fs(path)
    fs.invalidate_cache()
    return {name.rpartition("/")[2]: fs.cat_file(name) for name in fs.ls(root, detail=False)}


def test_a_document_is_compact_json_with_dates_as_text() -> None:
    value = {"day": DAY, "visits": [1, 2.5]}
    assert documents().encoded(DAY, value) == b'{"day":"2024-01-01","visits":[1,2.5]}\n'
    instant = {"day": datetime(2024, 1, 1, 12, tzinfo=UTC), "visits": []}
    assert b'"2024-01-01T12:00:00+00:00"' in documents().encoded(DAY, instant)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"day": DAY, "visits": [1, -1]}, r"does not fit its schema at \$\.visits\[1\]: -1 is less than"),
        ({"day": DAY}, r"schema at \$: 'visits' is a required property"),
        ({"day": DAY, "visits": [], "extra": 1}, r"schema at \$: .*'extra' was unexpected"),
        ({"day": DAY, "visits": [float("nan")]}, "is no JSON"),
        ({"day": DAY, "visits": {1, 2}}, "is no JSON: set"),
    ],
)
def test_what_does_not_fit_is_refused(value: Any, said: str) -> None:
    with pytest.raises(DataError, match=f"Export visits of 2024-01-01 .*{said}") as error:
        documents().encoded(DAY, value)
    assert error.value.do


def test_a_schema_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="The schema of export visits is none"):
        Documents("visits", {"type": "objekt"})


def test_files_and_index(path: str) -> None:
    folder = ExportFolder(path)
    assert folder.files() == ()
    assert folder.differs(DAY, b"one")
    folder.write(NEXT, b"two")
    folder.write(DAY, b"one")
    assert not folder.differs(DAY, b"one")
    assert folder.differs(DAY, b"uno")
    folder.write_index("visits", "urn:visits:1")
    files = on_disk(path)
    assert json.loads(files["index.json"]) == {
        "export": "visits",
        "schema": "urn:visits:1",
        "dates": [
            {"date": "2024-01-01", "file": "2024-01-01.json", "size": 3, "sha256": digest(b"one")},
            {"date": "2024-01-02", "file": "2024-01-02.json", "size": 3, "sha256": digest(b"two")},
        ],
    }
    assert set(files) == {"2024-01-01.json", "2024-01-02.json", "index.json"}


def test_the_index_is_made_from_what_is_there(path: str) -> None:
    folder = ExportFolder(path)
    folder.write(DAY, b"one")
    folder.write(NEXT, b"two")
    folder.write_index("visits", "")
    fs, root = fsspec.url_to_fs(path)
    fs.rm_file(f"{root}/{NEXT}.json")
    fs.pipe_file(f"{root}/{DAY}.json", b"changed by hand")
    fs.pipe_file(f"{root}/notes.json", b"{}")
    fs.pipe_file(f"{root}/.2024-01-05.json.abc", b"half")
    listed = ExportFolder(path).write_index("visits", "")
    assert [(file.date, file.sha256) for file in listed] == [("2024-01-01", digest(b"changed by hand"))]
    assert [entry["date"] for entry in json.loads(on_disk(path)["index.json"])["dates"]] == ["2024-01-01"]


def test_an_index_that_is_right_is_left_alone(tmp_path: Path) -> None:
    folder = ExportFolder(str(tmp_path))
    folder.write(DAY, b"one")
    folder.write_index("visits", "")
    before = (tmp_path / "index.json").stat()
    folder.write_index("visits", "")
    after = (tmp_path / "index.json").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("broken", ["os.fsync", "pathlib.Path.replace"])
def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    folder = ExportFolder(str(tmp_path))
    folder.write(DAY, b"old")

    def fails(*_: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(broken, fails)
    with pytest.raises(OSError, match="the disk is full"):
        folder.write(DAY, b"new")
    assert on_disk(str(tmp_path)) == {"2024-01-01.json": b"old"}


def test_a_folder_that_cannot_be_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        ExportFolder(str(tmp_path / "file"))
    with pytest.raises(UsageError, match="cannot be opened"):
        ExportFolder("nowhere://x")


def test_gs_is_a_kind_of_storage_that_is_installed() -> None:
    """Opening one would look for credentials on the network; that its code is there is what can be missing."""
    assert "gs" in fsspec.get_filesystem_class("gs").protocol


# --- which dates are ready ----------------------------------------------------------------------------------------


def table(name: str) -> Table:
    day = Column("day", FieldType.DATE, "Date.", required=True)
    return Table("shop", name, "day", ("day",), (day,), "A table.")


def nothing(*_: Any) -> Any:
    raise AssertionError("nobody computes here")


ORDERS, SALES, TRENDS, EXTRA = map(table, ("orders", "sales", "trends", "extra"))
PROCESSORS = (
    Processor(ORDERS, "1", (), nothing, nothing, needs_final_games=False),
    Processor(SALES, "1", (), nothing, nothing),
    Processor(TRENDS, "1", (), nothing, nothing, bootstrap=True),
    Processor(EXTRA, "1", (), nothing, nothing),
)
INPUTS = (
    Input(ORDERS, ("day",), SAME_DATE),
    Input(SALES, ("day",), SAME_DATE),
    Input(TRENDS, ("day",), SAME_DATE),
    Input(EXTRA, ("day",), SAME_DATE, optional=True),
)
EXPORT = Export("pages", INPUTS, {}, nothing)
PIPELINE = Pipeline("shop", PROCESSORS, exports=(EXPORT,))
CALENDAR = Calendar((DAY, NEXT), (Season(2023, NEXT.replace(day=1)),), bootstrap_days=1)  # DAY is a bootstrap day
EVERYTHING = {(name, day) for name in ("shop.orders", "shop.sales", "shop.trends") for day in (DAY, NEXT)}


@pytest.mark.parametrize(
    ("day", "as_of", "absent", "expected"),
    [
        (NEXT, date(2024, 2, 1), set(), ()),
        (NEXT, date(2024, 2, 1), {"shop.sales", "shop.trends"}, ("shop.sales", "shop.trends")),
        (DAY, date(2024, 2, 1), {"shop.trends"}, ()),
        (DAY, date(2024, 2, 1), {"shop.sales", "shop.trends"}, ("shop.sales",)),
        (NEXT, NEXT, {"shop.sales", "shop.trends"}, ()),
        (NEXT, NEXT, {"shop.orders", "shop.sales"}, ("shop.orders",)),
    ],
)
def test_a_date_waits_for_what_is_due_and_needed(
    day: date, as_of: date, absent: set[str], expected: tuple[str, ...]
) -> None:
    ledger = {(name, there) for name, there in EVERYTHING if name not in absent}
    assert uncommitted(PIPELINE, EXPORT, day, CALENDAR, as_of, ledger) == expected


def test_only_inputs_of_the_same_date_are_waited_for() -> None:
    looking_back = Export("pages", (Input(SALES, ("day",), SEASON),), {}, nothing)
    assert uncommitted(PIPELINE, looking_back, NEXT, CALENDAR, date(2024, 2, 1), set()) == ()


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ((Input(table("nobody"), ("day",), SAME_DATE),), "pages reads shop.nobody, which no processor"),
        ((Input(Feed("orders", (), "day"), (), SAME_DATE),), "pages reads source:orders, which no processor"),
        ((INPUTS[0], INPUTS[0]), "pages declares its input shop.orders twice"),
    ],
)
def test_an_export_that_could_not_be_made_is_refused(inputs: tuple[Input, ...], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Pipeline("shop", PROCESSORS, exports=(Export("pages", inputs, {}, nothing),))
