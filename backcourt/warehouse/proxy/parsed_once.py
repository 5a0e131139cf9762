"""Statements that are parsed once and not a dozen times, in the emulator's process.

bqemulator 1.4 rewrites a statement in some fifteen steps, each of which parses the text anew. That was more
than half of what a commit took.
"""

from functools import lru_cache
from typing import Any

import sqlglot

_REMEMBERED = 64
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
