"""The emulator's process parses a statement once, and nobody can spoil what another is given."""

import pytest
import sqlglot
from bqemulator.scripting import interpreter
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect

from backcourt.warehouse.proxy import parsed_once

INSERT = "INSERT INTO d.t (a) SELECT JSON_VALUE(r, '$.a') FROM UNNEST(JSON_QUERY_ARRAY('[{\"a\":1}]')) AS r"


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that sqlglot has really parsed, in order."""
    texts: list[str] = []
    parse = Dialect.parse

    def noted(dialect: Dialect, sql: str, **options: object) -> object:
        texts.append(sql)
        return parse(dialect, sql, **options)

    monkeypatch.setattr(sqlglot, "parse_one", sqlglot.parse_one)  # put back at the end, as the others
    for name in parsed_once.ABOUT_TABLES:
        monkeypatch.setattr(interpreter, name, getattr(interpreter, name))
    monkeypatch.setattr(Dialect, "parse", noted)
    parsed_once.install()
    return texts


def test_a_text_is_parsed_once_and_every_caller_has_a_tree_of_its_own(parsed: list[str]) -> None:
    first = sqlglot.parse_one(INSERT, read="bigquery")
    first.find(exp.Table).set("this", exp.to_identifier("spoilt"))
    second = sqlglot.parse_one(INSERT, read="bigquery")
    assert second.sql("bigquery") == sqlglot.parse(INSERT, read="bigquery")[0].sql("bigquery")
    assert parsed == [INSERT, INSERT]  # the second is the line above, which asks sqlglot itself


def test_dialects_are_kept_apart(parsed: list[str]) -> None:
    texts = [sqlglot.parse_one("SELECT 1 AS `a`", read=dialect).sql("bigquery") for dialect in ("bigquery", "mysql")]
    assert texts == ["SELECT 1 AS `a`", "SELECT 1 AS `a`"]
    assert len(parsed) == 2


def test_what_cannot_be_parsed_is_refused_each_time(parsed: list[str]) -> None:
    for _ in range(2):
        with pytest.raises(sqlglot.ParseError):
            sqlglot.parse_one("SELECT FROM WHERE", read="bigquery")


def test_a_whole_script_is_not_parsed(parsed: list[str]) -> None:
    with pytest.raises(sqlglot.ParseError):
        sqlglot.parse_one(f"BEGIN TRANSACTION;\n{INSERT};\nCOMMIT TRANSACTION;\n", read="bigquery")
    assert parsed == []
