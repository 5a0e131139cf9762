"""How the proxy reads a job's SQL: statements, kinds, targets, rows that would change."""

import pytest

from backcourt.warehouse.proxy.changes import changes_in, without
from backcourt.warehouse.proxy.methods import method_name
from backcourt.warehouse.proxy.statements import JobKind, kind_of, split


@pytest.mark.parametrize(
    "literal",
    [
        "'a;b'",
        r"'it\'s; fine'",
        '"a;b"',
        r'"say \"x;\" twice"',
        "'''a;\nb'; c'''",
        '"""a;"b";"""',
        "`odd;name`",
        r"r'raw\';'",
        "'-- no comment;'",
        "'# none; /* either'",
    ],
)
def test_a_semicolon_inside_quotes_ends_nothing(literal: str) -> None:
    assert [s.text for s in split(f"SELECT {literal}; SELECT 2")] == [f"SELECT {literal}", "SELECT 2"]


@pytest.mark.parametrize("comment", ["-- it's; here\n", "# and; there\n", "/* 'over;\n lines */"])
def test_comments_are_dropped(comment: str) -> None:
    statements = split(f"{comment}UPDATE d.t {comment} SET x = 1 WHERE TRUE;{comment}")
    assert [(s.verb, s.table) for s in statements] == [("UPDATE", "d.t")]


@pytest.mark.parametrize(
    ("sql", "verb", "table"),
    [
        ("INSERT INTO d.t (a) VALUES (1)", "INSERT", "d.t"),
        ("insert d.t values (1)", "INSERT", "d.t"),
        ("UPDATE `my-project.d.t` SET a = 1 WHERE TRUE", "UPDATE", "d.t"),
        ("DELETE FROM `p`.`d`.`t` WHERE TRUE", "DELETE", "d.t"),
        ("DELETE d.t WHERE TRUE", "DELETE", "d.t"),
        ("MERGE INTO my-project.d.t AS t USING s ON FALSE WHEN NOT MATCHED THEN INSERT ROW", "MERGE", "d.t"),
        ("TRUNCATE TABLE d.t", "TRUNCATE", "d.t"),
        ("SELECT * FROM d.t", "SELECT", ""),
        ("CREATE TABLE d.t (a INT64)", "CREATE", ""),
    ],
)
def test_verb_and_target(sql: str, verb: str, table: str) -> None:
    (statement,) = split(sql)
    assert (statement.verb, statement.table) == (verb, table)


def test_kinds() -> None:
    assert kind_of(split("SELECT 1;")) is JobKind.QUERY
    assert kind_of(split("SELECT 1; SELECT 2")) is JobKind.SCRIPT
    assert kind_of(split("BEGIN TRANSACTION; SELECT 1; COMMIT TRANSACTION;")) is JobKind.COMMIT


def test_rows_that_a_merge_would_change_and_what_is_left_without_them() -> None:
    (merge,) = split(
        "MERGE d.t AS t USING d.s AS s ON FALSE WHEN NOT MATCHED BY TARGET THEN INSERT (a) VALUES (s.a) "
        "WHEN NOT MATCHED BY SOURCE AND t.a IN (1, 2) THEN DELETE"
    )
    (change,) = changes_in(merge)
    assert change.count_sql == "SELECT COUNT(*) FROM d.t AS t WHERE t.a IN (1, 2)"
    left = without(merge, frozenset({change.clause}))
    assert "DELETE" not in left
    assert "INSERT" in left


def test_rows_that_an_update_would_change() -> None:
    (update,) = split("UPDATE d.t AS t SET a = s.a FROM d.s AS s WHERE t.k = s.k")
    (change,) = changes_in(update)
    assert change.count_sql == "SELECT COUNT(*) FROM d.t AS t, d.s AS s WHERE t.k = s.k"
    assert without(update, frozenset({0})) == ""
    (insert,) = split("INSERT INTO d.t (a) VALUES (1)")
    assert changes_in(insert) == ()


@pytest.mark.parametrize(
    ("http", "path", "name"),
    [
        ("POST", "/bigquery/v2/projects/p/jobs", "jobs.insert"),
        ("GET", "/bigquery/v2/projects/p/jobs", "jobs.list"),
        ("GET", "/bigquery/v2/projects/p/jobs/j", "jobs.get"),
        ("POST", "/bigquery/v2/projects/p/jobs/j/cancel", "jobs.cancel"),
        ("GET", "/bigquery/v2/projects/p/queries/j", "jobs.getQueryResults"),
        ("POST", "/bigquery/v2/projects/p/queries", "jobs.query"),
        ("GET", "/bigquery/v2/projects/p/datasets/d", "datasets.get"),
        ("POST", "/bigquery/v2/projects/p/datasets/d/tables", "tables.insert"),
        ("GET", "/bigquery/v2/projects/p/datasets/d/tables", "tables.list"),
        ("DELETE", "/bigquery/v2/projects/p/datasets/d/tables/t", "tables.delete"),
        ("PATCH", "/bigquery/v2/projects/p/datasets/d/tables/t", "tables.patch"),
        ("POST", "/bigquery/v2/projects/p/datasets/d/tables/t/insertAll", "tables.insertAll"),
        ("PUT", "/upload/bigquery/v2/projects/p/jobs", "jobs.upload"),
    ],
)
def test_names_of_calls(http: str, path: str, name: str) -> None:
    assert method_name(http, path) == name
