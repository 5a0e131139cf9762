"""Whatever stands in a flag, a variable or a file of settings: it is used, or answered by one sentence and code 2."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from backcourt.errors import UsageError
from jobs.ground import checked_run_id
from jobs.instants import parse_instant
from jobs.options import parse_date
from jobs.selection import select_dates
from jobs.session import find_tables
from jobs.settings import Settings, load_settings, parse_budget, read_budget
from nba.pipeline import PIPELINE

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LOOSE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
NEAR_MISSES = st.sampled_from(
    [
        "2024-02-30",
        "0000-01-01",
        "9999-12-31",
        "2024-1-1",
        "٢٠٢٤-٠١-٠١",
        "2024-01-01T00:00",
        "30m",
        "9999d",
        "1e9h",
        "",
        ",",
        "query=16",
        "query=-1",
        "query=²",
        "query=1_0",
        "=4",
        "query",
        "'; DROP TABLE x; --",
        "`",
        "a\x00b",
        "�",
        "🏀",
    ]
)
TEXTS = st.one_of(NEAR_MISSES, st.text(max_size=30))
READERS: dict[str, Callable[[str], object]] = {
    "a date": lambda text: parse_date(text, "--start"),
    "dates by name": lambda text: select_dates(None, None, [text], None),
    "a range": lambda text: select_dates(text, "2024-01-31", None, None),
    "an instant behind": lambda text: parse_instant(text, "--as-of", NOW, ahead=False),
    "an instant ahead": lambda text: parse_instant(text, "--until", NOW, ahead=True),
    "a budget": lambda text: parse_budget([text]),
    "a run": checked_run_id,
    "a table": lambda text: find_tables(PIPELINE, [text]),
}


@pytest.mark.parametrize("flag", READERS)
@LOOSE
@given(text=TEXTS)
def test_a_flag_is_read_or_refused_in_two_sentences(flag: str, text: str) -> None:
    try:
        READERS[flag](text)
    except UsageError as error:
        assert error.what, text
        assert error.do, text
        assert "Traceback" not in str(error)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    TEXTS.filter(lambda text: "\ud800" not in text),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.sampled_from(["read", "query", "load", "commit", "other"]), st.integers(-2, 40), max_size=4),
)
FILES = st.dictionaries(
    st.one_of(st.sampled_from(sorted(Settings.model_fields)), st.text(max_size=12)), VALUES, max_size=6
)


def loaded(file: Path) -> Any:
    try:
        return load_settings({}, file)
    except UsageError as error:
        assert error.do
        assert "\n" not in str(error).strip()
        return None


@LOOSE
@given(content=FILES)
@example(content={"\n": None})
def test_a_settings_file_is_used_or_refused_in_one_line(content: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    try:
        file.write_text(yaml.safe_dump(content), encoding="utf-8")
    except UnicodeEncodeError:
        return
    found = loaded(file)
    assert found is None or found.budget.query >= 1


@LOOSE
@given(content=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace"))))
@example(content=b"{")
@example(content=b"budget: *x")
@example(content=b"- a\n- b\n")
@example(content=b"\xff\xfe\x00")
@example(content=b"a: &a [*a]")
@example(content=b"? [[[[[[[[")
@example(content=b"as_of: 2024-02-30")
@example(content=b"budget: {query: 2024-02-30}")
def test_a_settings_file_of_any_bytes_is_no_traceback(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_bytes(content)
    loaded(file)
    try:
        read_budget(file)
    except UsageError as error:
        assert error.do


@LOOSE
@given(content=st.binary(max_size=120))
@example(content=b"2024-01-01\n2024-02-30\n")
@example(content="2024-01-01\u2028x".encode())
def test_a_file_of_dates_of_any_bytes_is_no_traceback(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "dates.txt"
    file.write_bytes(content)
    try:
        assert select_dates(None, None, None, file).named
    except UsageError as error:
        assert error.do
