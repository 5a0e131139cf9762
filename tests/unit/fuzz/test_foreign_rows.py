"""Rows of the state tables as a foreign hand may write them, within their types: read, left out, or one sentence.

BigQuery keeps a column's type and NOT NULL; the text in a STRING may be anything.
"""

import json
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from backcourt.errors import DataError
from backcourt.pipeline.ledger import LEDGER_COLUMNS
from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.records import latest
from backcourt.pipeline.table import Column, FieldType
from backcourt.pipeline.withdrawn import withdrawn_days
from backcourt.warehouse.breaker_events import breaker_events_in
from backcourt.warehouse.definitions import OUTCOME_COLUMNS, RUN_COLUMNS
from backcourt.warehouse.history_reads import outcomes_in
from backcourt.warehouse.ledger_reads import entries_in
from backcourt.warehouse.operations import OPERATION_COLUMNS, operations_in
from backcourt.warehouse.run_reads import runs_in
from jobs.history_views import decision

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=6,
)
OUR_KEYS = st.sampled_from(["budget", "to_do", "reasons", "planned", "exit_code", "code_version", "withdrawn", "d.t"])
TEXTS = st.one_of(
    st.text(max_size=12),
    JSON.map(json.dumps),
    st.dictionaries(OUR_KEYS, JSON, max_size=3).map(json.dumps),
    st.sampled_from(
        ["started", "ended", "failed", "committed", "[" * 20_000, "{", '{"d.t": {"digest": 1, "dates": Infinity}}']
    ),
)
INSTANTS = st.datetimes(timezones=st.just(UTC))
BY_TYPE = {
    FieldType.STRING: TEXTS,
    FieldType.INT64: st.integers(-(2**63), 2**63 - 1),
    FieldType.FLOAT64: st.floats(),
    FieldType.BOOL: st.booleans(),
    FieldType.DATE: st.dates(),
    FieldType.TIMESTAMP: INSTANTS,
}


def rows_of(columns: tuple[Column, ...]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """A few rows of a table, every value of its column's type."""
    values = {c.name: BY_TYPE[c.type] if c.required else st.none() | BY_TYPE[c.type] for c in columns}
    return st.lists(st.fixed_dictionaries(values), max_size=4)


@given(rows_of(RUN_COLUMNS))
def test_runs_are_read_whatever_their_events_say(rows: list[dict[str, Any]]) -> None:
    runs = runs_in(rows)
    assert {r.run_id for r in runs} == {row["run_id"] for row in rows if row["event"] == "started"}


@given(rows_of(OUTCOME_COLUMNS))
def test_outcomes_are_read_and_unknown_ones_left_out(rows: list[dict[str, Any]]) -> None:
    found = outcomes_in(rows)
    assert len(found) <= len(rows)
    assert all(isinstance(each.coverage, float) and decision(each.notes) is not None for each in found)
    assert set(latest(found)) <= {Partition(row["table_name"], row["partition_date"]) for row in rows}


@given(rows_of(LEDGER_COLUMNS))
def test_every_ledger_row_stays_an_entry(rows: list[dict[str, Any]]) -> None:
    table = pa.Table.from_pylist(rows, pa.schema([c.arrow for c in LEDGER_COLUMNS]))
    entries = entries_in(table, {row["table_name"] for row in rows})
    assert set(entries) == {(row["table_name"], row["partition_date"]) for row in rows}
    withdrawn_days(entries)
    assert all(isinstance(entry.coverage, float) for entry in entries.values())


@given(rows_of(OPERATION_COLUMNS))
@example([{c.name: "[]" for c in OPERATION_COLUMNS}])
@example([{c.name: '["2024-02-30"]' for c in OPERATION_COLUMNS}])
def test_operations_are_read_or_named(rows: list[dict[str, Any]]) -> None:
    try:
        assert all(each.dates for each in operations_in(rows))
    except DataError as error:
        assert "has no dates that can be read" in error.what
        assert error.do


@given(
    st.lists(
        st.fixed_dictionaries({"event": TEXTS, "table_name": TEXTS, "run_id": TEXTS, "at": INSTANTS, "reason": TEXTS})
    )
)
def test_events_of_breakers_that_nobody_knows_are_left_out(rows: list[dict[str, Any]]) -> None:
    assert {each.happened.value for each in breaker_events_in(rows)} <= {"failed", "passed", "reset"}


def test_the_day_of_an_operation_is_read_back() -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    row = {c.name: {"INT64": 1, "TIMESTAMP": at, "DATE": at.date()}.get(c.type.value, "x") for c in OPERATION_COLUMNS}
    (found,) = operations_in([row | {"dates": '["2024-02-29"]'}])
    assert found.dates == (date(2024, 2, 29),)
