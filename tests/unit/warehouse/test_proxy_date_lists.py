"""Lists of dates come back into the statement that DuckDB gets, each into its place."""

from datetime import date, timedelta

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from backcourt.warehouse.proxy.date_lists import put_back, taken_out

DAYS = [date(2024, 2, 27) + timedelta(days=n) for n in range(4)]


def listed(days: list[date], form: str = "DATE '{}'") -> str:
    return ", ".join(form.format(day) for day in days)


def to_duckdb(sql: str) -> str:
    return sqlglot.transpile(sql, read="bigquery", write="duckdb")[0]


def tree(sql: str) -> sqlglot.Expr:
    return sqlglot.parse_one(sql, read="duckdb")


CONDITIONS = st.builds(
    lambda column, form, days: f"t.{column} IN ({listed(days, form)})",
    st.sampled_from(["a", "`b`"]),
    st.sampled_from(["DATE '{}'", "CAST('{}' AS DATE)"]),
    st.lists(st.dates(min_value=date(1900, 1, 1)), min_size=1, max_size=5),
)


@given(st.lists(CONDITIONS, min_size=1, max_size=6))
def test_a_statement_is_the_same_as_when_it_is_translated_whole(conditions: list[str]) -> None:
    sql = f"DELETE FROM d.t AS t WHERE {' OR '.join(conditions)}"
    short, lists = taken_out(sql)
    assert len(lists) == sum("', " in condition or "), " in condition for condition in conditions)
    if lists:
        full = put_back(to_duckdb(short), lists)
        assert full is not None
        assert tree(full) == tree(to_duckdb(sql))
    else:
        assert short == sql


def test_a_list_that_is_text_is_noticed() -> None:
    sql = f'SELECT "IN ({listed(DAYS)})" AS note FROM d.t WHERE a IN ({listed(DAYS)})'
    short, lists = taken_out(sql)
    assert len(lists) == 2
    assert put_back(to_duckdb(short), lists) is None


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT DATE '0001-01-02' FROM d.t WHERE a IN ({listed(DAYS)})",
        f"SELECT '0001-01-01' AS note FROM d.t WHERE a IN ({listed(DAYS)})",
        " OR ".join([f"SELECT a IN ({listed(DAYS)})"] * 32),
        f"SELECT GREATEST({listed(DAYS)})",
        f"SELECT d FROM UNNEST(GENERATE_DATE_ARRAY({listed(DAYS[:2])})) AS d",
        f"INSERT INTO d.t (a, b) VALUES ({listed(DAYS[:2])})",
    ],
)
def test_what_could_be_mistaken_or_is_no_list_stays(sql: str) -> None:
    assert taken_out(sql) == (sql, ())
