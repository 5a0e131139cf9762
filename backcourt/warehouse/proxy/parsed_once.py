"""Statements that are parsed once and not a dozen times, in the emulator's process.

bqemulator 1.4 rewrites a statement in some fifteen steps, each of which parses the text anew. That was more
than half of what a commit took. Of a statement in a script that changes or reads rows it asks five times whether it
creates or drops something; these questions are left out.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import sqlglot
from bqemulator.scripting import interpreter

_REMEMBERED = 64
_ROWS = re.compile(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|MERGE|WITH)\b", re.IGNORECASE)
ABOUT_TABLES = (
    "assert_drop_schema_allowed",
    "sync_created_schema",
    "sync_created_table",
    "sync_created_view",
    "sync_dropped_object",
)
"""bqemulator's questions whether a statement creates or drops something."""
_TRANSACTION = "BEGIN TRANSACTION;"
"""A commit's script as a whole is parsed too, for nothing: bqemulator asks whether it is one DML statement."""


def install() -> None:
    """Let `sqlglot.parse_one` remember its last answers. Each caller gets a copy that it may change."""
    parse = lru_cache(_REMEMBERED)(sqlglot.parse_one)

    def remembered(sql: str, *arguments: Any, **options: Any) -> Any:
        if sql.startswith(_TRANSACTION):
            raise sqlglot.ParseError("A script is parsed statement by statement, when its time has come.")
        return parse(sql, *arguments, **options).copy()

    sqlglot.parse_one = remembered
    for name in ABOUT_TABLES:
        setattr(interpreter, name, _unless_about_rows(getattr(interpreter, name)))


def _unless_about_rows(ask: Callable[..., None]) -> Callable[..., None]:
    def asked(sql: str, *context: Any) -> None:
        if not _ROWS.match(sql):
            ask(sql, *context)

    return asked
