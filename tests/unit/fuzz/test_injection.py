"""SQL that is tried through every name, label and text: it stays a value, or is refused before anything is sent.

What a script is made of is told by another program's tokenizer (sqlglot), not by the code that writes it.
"""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import sqlglot
from hypothesis import example, given
from hypothesis import strategies as st

from backcourt.errors import UsageError
from backcourt.pipeline.table import Column, FieldType, Table
from backcourt.warehouse.commit import CommitBatch, commit_script
from backcourt.warehouse.holds import HoldEvent, hold_request
from backcourt.warehouse.jobs_api import _labels
from backcourt.warehouse.names import Names, column, job_id
from backcourt.warehouse.operations import Operation, operation_insert
from backcourt.warehouse.requests import JobRequest, Kind, ReadRequest, TableRef
from backcourt.warehouse.storage_reads import row_restriction
from tests.unit.warehouse.test_commit import BATCH, NAMES, TABLE

ATTACKS = st.sampled_from(
    [
        "'; DROP TABLE x; --",
        "\\'; DROP TABLE x; --",
        "a` WHERE TRUE; --",
        "*/ ; DELETE FROM t; /*",
        "x' OR '1'='1",
        "'''",
        '"""',
        "\\",
        "\\\\'",
        "\n;\n",
        "\u2028;",
        "＇; DROP",
        "@@project_id",
        "@run",
        "r'",
        "b'\\x27",
        "#",
        "--",
        "`",
    ]
)
TEXTS = st.one_of(
    ATTACKS,
    st.lists(ATTACKS, max_size=3).map("".join),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20),
)
AT = datetime(2024, 1, 3, 4, 30, tzinfo=UTC)


def shape(sql: str) -> list[str]:
    """The script's tokens, what stands in strings left out."""
    tokens = sqlglot.tokenize(sql, dialect="bigquery")
    return [
        str(t.token_type) if t.token_type.name in ("STRING", "IDENTIFIER") else f"{t.token_type} {t.text}"
        for t in tokens
    ]


def batch(text: str) -> CommitBatch:
    """The batch with this text in every place that takes one."""
    entries = tuple(
        replace(e, notes=text, content_hash=text, processor_version=text, commit_id="c") for e in BATCH.entries
    )
    expected = dict.fromkeys(BATCH.expected, text)
    return replace(BATCH, code_version=text, run_id=text, entries=entries, expected=expected)


@given(TEXTS)
@example("")
def test_a_commit_has_the_same_statements_whatever_its_texts_say(text: str) -> None:
    assert shape(commit_script(batch(text or "x"), NAMES, "state")) == shape(
        commit_script(batch("plain"), NAMES, "state")
    )


@given(TEXTS)
def test_a_hold_and_an_operation_too(text: str) -> None:
    def scripts(word: str) -> list[str]:
        hold = hold_request(HoldEvent(TABLE, AT, word), NAMES, "state", word).sql
        operation = Operation(word, word, word, word, (date(2024, 1, 1),), 1, 0, word, word)
        return shape(f"{hold};{operation_insert(operation, NAMES, 'state')}")

    assert scripts(text or "x") == scripts("plain")


@given(TEXTS)
def test_the_condition_of_a_read_too(text: str) -> None:
    def condition(word: str) -> list[str]:
        days = (date(2024, 1, 1), date(2024, 1, 2))
        return shape(row_restriction(ReadRequest(TableRef("d", "t"), ("day",), "day", *days, equals=(("team", word),))))

    assert condition(text) == condition("plain")


@given(TEXTS)
def test_labels_hold_nothing_but_what_bigquery_takes(text: str) -> None:
    for value in _labels(JobRequest("j", Kind.QUERY, text, text, sql="SELECT 1")).values():
        assert len(value) <= 63
        assert set(value) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")


FORBIDDEN = set("`'\"\\;\n\r\t ()#*/@")


@given(TEXTS)
@pytest.mark.parametrize("place", ["project", "dataset", "table", "column", "partition", "job"])
def test_a_name_that_could_end_its_quotes_is_refused(place: str, text: str) -> None:
    def declared(name: str) -> str:
        key = Column(name, FieldType.DATE, "", required=True)
        table = Table("d", "t", name, (name,), (key,), "")
        entries = tuple(replace(e, table="d.t") for e in BATCH.entries)
        return commit_script(replace(BATCH, table=table, entries=entries), NAMES, "state")

    writers = {
        "project": lambda name: Names(name).quoted(TableRef("d", "t")),
        "dataset": lambda name: Names("p", {"d": name}).quoted(TableRef("d", "t")),
        "table": lambda name: Names("p").quoted(TableRef("d", name)),
        "column": column,
        "partition": declared,
        "job": job_id,
    }
    try:
        written = writers[place](text)
    except UsageError as error:
        assert error.do
        return
    assert not FORBIDDEN & set(text)
    assert shape(written) == shape(writers[place]("plain")) or place == "job"
