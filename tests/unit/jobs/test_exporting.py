"""What becomes of each date of an export when builders fail, and which export is meant."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from backcourt.errors import UsageError
from backcourt.exports.documents import Documents
from backcourt.exports.folder import ExportFolder
from backcourt.pipeline.processor import Chunk, Export, Inputs, Pipeline
from jobs.exporting import _export_chunk, find_export

DAYS = (date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3))
CHUNK = Chunk("pages", DAYS, date(2024, 2, 1))
SCHEMA = {"type": "object", "properties": {"visits": {"type": "integer"}}}
Build = Callable[[Chunk, Inputs], Mapping[date, Any]]


def exported(folder: Path, build: Build, *, dry_run: bool = False) -> list[tuple[str, str]]:
    export = Export("pages", (), SCHEMA, build)
    to = ExportFolder(str(folder))
    found = _export_chunk(export, CHUNK, {}, Documents("pages", SCHEMA), to, dry_run=dry_run)
    assert tuple(each.day for each in found) == DAYS
    return [(each.outcome, each.reason) for each in found]


def visits(chunk: Chunk, _: Inputs) -> dict[date, Any]:
    return {day: {"visits": day.day} for day in chunk.dates}


def test_written_then_unchanged(tmp_path: Path) -> None:
    assert exported(tmp_path, visits, dry_run=True) == [("written", "")] * 3
    assert list(tmp_path.iterdir()) == []
    assert exported(tmp_path, visits) == [("written", "")] * 3
    assert exported(tmp_path, visits) == [("unchanged", "")] * 3
    assert (tmp_path / "2024-01-02.json").read_text() == '{"visits":2}\n'


def test_a_date_that_fails_keeps_its_old_file_and_the_others_go_on(tmp_path: Path) -> None:
    exported(tmp_path, visits)

    def worse(chunk: Chunk, inputs: Inputs) -> dict[date, Any]:
        found = {day: {"visits": 10} for day in visits(chunk, inputs)}
        found[DAYS[0]] = {"visits": "many"}  # type: ignore[dict-item]
        del found[DAYS[1]]
        return found

    broken, absent, fine = exported(tmp_path, worse)
    assert broken[0] == "failed"
    assert "'many' is not of type 'integer'" in broken[1]
    assert absent[0] == "failed"
    assert "made no document of 2024-01-02" in absent[1]
    assert fine == ("written", "")
    texts = [(tmp_path / f"{day}.json").read_text() for day in DAYS]
    assert texts == ['{"visits":1}\n', '{"visits":2}\n', '{"visits":10}\n']


def test_a_builder_that_raises_fails_its_dates(tmp_path: Path) -> None:
    def raises(*_: Any) -> Any:
        return 1 / 0

    assert exported(tmp_path, raises) == [("failed", "ZeroDivisionError: division by zero")] * 3
    assert list(tmp_path.iterdir()) == []


def test_which_export_is_meant() -> None:
    one, two = (Export(name, (), SCHEMA, visits) for name in ("pages", "feeds"))
    assert find_export(Pipeline("shop", (), exports=(one,)), None) is one
    both = Pipeline("shop", (), exports=(one, two))
    assert find_export(both, "feeds") is two
    with pytest.raises(UsageError, match="has several exports") as error:
        find_export(both, None)
    assert "pages, feeds" in error.value.do
    with pytest.raises(UsageError, match="There is no export sheets"):
        find_export(both, "sheets")
    with pytest.raises(UsageError, match="Pipeline shop declares no export"):
        find_export(Pipeline("shop", ()), None)
