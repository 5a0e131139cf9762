"""Which rows a statement would really change, and what is left of it where it changes none.

BigQuery lets two transactions conflict by what they did, not by what they say: a MERGE that ends up inserting only
conflicts with nobody (bq:data-manipulation-language, "DML statement conflicts", read 2026-11). To know beforehand,
every UPDATE, DELETE and changing clause of a MERGE is turned into a SELECT COUNT(*).
"""

from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from backcourt.warehouse.proxy.statements import Statement


@dataclass(frozen=True)
class Change:
    """A clause that changes rows (`clause` is its position in a MERGE, else 0) and the SQL that counts them."""

    statement: Statement
    clause: int
    count_sql: str


def changes_in(statement: Statement) -> tuple[Change, ...]:
    """The changing clauses of a statement; none for a SELECT or an INSERT."""
    if not statement.may_change_rows:
        return ()
    parsed = sqlglot.parse_one(statement.text, read="bigquery")
    if isinstance(parsed, exp.Merge):
        whens = enumerate(parsed.args["whens"].expressions)
        return tuple(Change(statement, n, _count_clause(parsed, when)) for n, when in whens if not _inserts(when))
    table = statement.table if statement.verb == "TRUNCATE" else parsed.this.sql("bigquery")
    sources = parsed.args.get("from_") or parsed.args.get("from")
    joined = f", {sources.this.sql('bigquery')}" if sources else ""
    where = parsed.args.get("where")
    condition = where.this.sql("bigquery") if where else "TRUE"
    return (Change(statement, 0, _count(table + joined, condition)),)


def without(statement: Statement, clauses: frozenset[int]) -> str:
    """The statement without these of its changing clauses; empty when nothing is left of it."""
    parsed = sqlglot.parse_one(statement.text, read="bigquery")
    if not isinstance(parsed, exp.Merge):
        return "" if clauses else statement.text
    if not clauses:
        return statement.text
    whens = parsed.args["whens"]
    whens.set("expressions", [when for n, when in enumerate(whens.expressions) if n not in clauses])
    return parsed.sql("bigquery") if whens.expressions else ""


def _inserts(when: exp.Expression) -> bool:
    return isinstance(when.args["then"], exp.Insert)


def _count_clause(merge: exp.Merge, when: exp.Expression) -> str:
    target, source = merge.this.sql("bigquery"), merge.args["using"].sql("bigquery")
    on = merge.args["on"].sql("bigquery")
    condition = when.args.get("condition")
    extra = condition.sql("bigquery") if condition else "TRUE"
    if when.args.get("matched"):
        return _count(f"{target} JOIN {source} ON {on}", extra)
    if on.upper() == "FALSE":
        return _count(target, extra)
    unmatched = f"NOT EXISTS (SELECT 1 FROM {source} WHERE {on})"
    return _count(target, f"({extra}) AND {unmatched}")


def _count(rows: str, condition: str) -> str:
    return f"SELECT COUNT(*) FROM {rows} WHERE {condition}"
