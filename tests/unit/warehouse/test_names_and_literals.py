"""Nothing that is put into SQL can end what it stands in."""

import re
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backcourt.errors import UsageError
from backcourt.pipeline.table import FieldType
from backcourt.warehouse.literals import literal
from backcourt.warehouse.names import Names, column, job_id, label
from backcourt.warehouse.requests import TableRef

NAMES = Names("my-project", {"raw": "my_raw"})
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "'": "'", "\\": "\\"}


def read_back(text: str) -> str:
    """What BigQuery reads in a single-quoted literal, by its lexical rules (a second way, not the code's)."""
    assert text[0] == text[-1] == "'"
    inner = text[1:-1]
    assert re.fullmatch(r"(?:[^'\\\n\r]|\\[nrt'\\])*", inner), inner
    return re.sub(r"\\(.)", lambda found: ESCAPES[found.group(1)], inner)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))))
def test_a_string_is_one_literal_and_reads_back(text: str) -> None:
    assert read_back(literal(text)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("it's", r"'it\'s'"),
        ('say "no"', "'say \"no\"'"),
        ("a\\b\n;--", r"'a\\b\n;--'"),
        ("🏀", "'🏀'"),
        ("", "''"),
        (date(2024, 2, 29), "DATE '2024-02-29'"),
        (date(33, 1, 1), "DATE '0033-01-01'"),
        (-5, "-5"),
        (2**63 - 1, "9223372036854775807"),
        (None, "CAST(NULL AS STRING)"),
    ],
)
def test_literals(value: date | int | str | None, text: str) -> None:
    assert literal(value) == text


def test_a_null_of_another_type() -> None:
    assert literal(None, FieldType.DATE) == "CAST(NULL AS DATE)"


@pytest.mark.parametrize(
    "value", ["a\0b", "\ud800", 1.5, True, 2**63, -(2**63) - 1, b"x", datetime(2024, 1, 1, tzinfo=UTC), ["a"], {}]
)
def test_everything_else_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        literal(value)  # type: ignore[arg-type]


def test_a_table_is_quoted_with_its_real_dataset() -> None:
    assert NAMES.quoted(TableRef("raw", "games")) == "`my-project.my_raw.games`"
    assert NAMES.quoted(TableRef("other", "a-b_1")) == "`my-project.other.a-b_1`"
    assert NAMES.path(TableRef("raw", "games")) == "projects/my-project/datasets/my_raw/tables/games"
    assert column("game_date") == "`game_date`"
    assert Names("example.com:my-project").full(TableRef("d", "t")) == "example.com:my-project.d.t"


@pytest.mark.parametrize("bad", ["", "a`b", "a b", "a;b", "a.b", "é", "a'b", "a\n", "*"])
def test_anything_but_a_name_is_refused(bad: str) -> None:
    for call in (
        lambda: NAMES.quoted(TableRef("raw", bad)),
        lambda: NAMES.quoted(TableRef(bad, "t")),
        lambda: column(bad),
        lambda: job_id(bad),
        lambda: Names("p", {"raw": bad}),
    ):
        with pytest.raises(UsageError):
            call()


@pytest.mark.parametrize("bad", ["", "my project", "p`", "p/q"])
def test_a_project_may_have_a_domain_and_nothing_else(bad: str) -> None:
    with pytest.raises(UsageError, match="project"):
        Names(bad)


@pytest.mark.parametrize(
    ("value", "normal"),
    [("Nba_Raw.schedule", "nba_raw-schedule"), ("run 7/é", "run-7--"), ("x" * 80, "x" * 63), ("", "")],
)
def test_labels_are_normalised(value: str, normal: str) -> None:
    assert label(value) == normal


def test_a_job_id_has_at_most_1024_characters() -> None:
    assert job_id("a" * 1024)
    with pytest.raises(UsageError, match="longer"):
        job_id("a" * 1025)
