"""The MERGE that replaces rows without a key, run as a DELETE and an INSERT.

bqemulator 1.4 joins every row of the target with every row of the source to run `MERGE … ON FALSE`, so a commit's time
would grow with the table's size times the batch's. BigQuery runs such a MERGE without a join
(bq:using-dml-with-partitioned-tables, "Using a constant false predicate", read 2026-11). No row matches, so the rows
that the target had before are what its DELETE clause chooses from, and every source row is inserted: first the one,
then the other is the same, inside one transaction.
"""

import sqlglot
from sqlglot import exp

from backcourt.warehouse.proxy.statements import Statement


def in_parts(statement: Statement) -> tuple[str, ...]:
    """The statements to run in this one's place: itself, or a DELETE and an INSERT where they leave the same rows."""
    if statement.verb != "MERGE":
        return (statement.text,)
    merge = sqlglot.parse_one(statement.text, read="bigquery")
    if not isinstance(merge, exp.Merge) or not isinstance(merge.this, exp.Table) or not _is_replacement(merge):
        return (statement.text,)
    insert, delete = merge.args["whens"].expressions
    target, new = merge.this, insert.args["then"]
    table = exp.Table(this=target.this, db=target.args.get("db"), catalog=target.args.get("catalog"))
    columns = exp.Schema(this=table, expressions=new.this.expressions)
    rows = exp.select(*new.expression.expressions).from_(merge.args["using"])
    parts = exp.delete(target, where=delete.args["condition"]), exp.Insert(this=columns, expression=rows)
    return tuple(part.sql("bigquery") for part in parts)


def _is_replacement(merge: exp.Merge) -> bool:
    """Whether it is ON FALSE, inserts every row of another table, and deletes by a condition on the target alone."""
    whens = merge.args["whens"].expressions
    if merge.args["on"].sql("bigquery").upper() != "FALSE" or len(whens) != 2:
        return False
    insert, delete = whens
    then = insert.args["then"]
    return (
        not insert.args.get("source")
        and isinstance(then, exp.Insert)
        and isinstance(then.this, exp.Tuple)
        and isinstance(then.expression, exp.Tuple)
        and not insert.args.get("condition")
        and delete.args.get("source") is True
        and delete.args["then"].sql("bigquery").upper() == "DELETE"
        and delete.args.get("condition") is not None
        and not delete.args["condition"].find(exp.Subquery, exp.Select)
        and not any(_is_same(table, merge.this) for table in merge.args["using"].find_all(exp.Table))
    )


def _is_same(one: exp.Table, other: exp.Table) -> bool:
    return (one.name, one.db) == (other.name, other.db)
