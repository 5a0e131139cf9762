"""Lists of dates that bqemulator does not rewrite, in the emulator's process.

A commit's script names its dates five times, a season's 200 each time; each date is three nodes of a syntax tree that
bqemulator parses three times and copies a dozen times. So one date of the year 1 goes through in a list's place, and
the list is put back into what DuckDB gets.
"""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from bqemulator.scripting import interpreter

_DATE = r"(?:DATE '\d{4}-\d\d-\d\d'|CAST\('\d{4}-\d\d-\d\d' AS DATE\))"
_LIST = re.compile(rf"(?<=\bIN )\(({_DATE}(?:, {_DATE})+)\)")
_STAND_IN = re.compile(r"CAST\('0001-01-(\d\d)' AS DATE\)")
_YEAR_ONE = re.compile(r"0001-01-\d\d")
_MOST = 31


def taken_out(sql: str) -> tuple[str, tuple[str, ...]]:
    """A statement with one date in the place of each list, and the lists; as it is where that could be mistaken."""
    lists: list[str] = []

    def stand_in(found: re.Match[str]) -> str:
        lists.append(found[1])
        return f"(DATE '0001-01-{len(lists):02}')"

    short = _LIST.sub(stand_in, sql)
    return (sql, ()) if _YEAR_ONE.search(sql) or len(lists) > _MOST else (short, tuple(lists))


def put_back(sql: str, lists: tuple[str, ...]) -> str | None:
    """The translated statement with its lists again; None where not every list has its place."""
    seen: set[int] = set()

    def whole(found: re.Match[str]) -> str:
        at = int(found[1])
        seen.add(at)
        return lists[at - 1] if 1 <= at <= len(lists) else found[0]

    full = _STAND_IN.sub(whole, sql)
    return full if seen == set(range(1, len(lists) + 1)) and not _YEAR_ONE.search(full) else None


def install() -> None:
    """Let the statements of scripts be looked at and translated so."""
    module: Any = interpreter
    translate: Callable[..., Awaitable[str]] = module.rewrite_and_translate_statement
    qualify: Callable[[str, str], str] = module.rewrite_table_refs
    gives_rows = module._is_row_producing
    qualified: set[str] = set()

    async def translated(sql: str, *, project_id: str, **context: Any) -> str:
        short, lists = taken_out(sql)
        if lists:
            with suppress(Exception):  # what is wrong with it is told of the whole statement, below
                brief = await translate(short, project_id=project_id, **context)
                full = put_back(qualify(brief, project_id), lists)
                if full is not None:
                    qualified.add(full)
                    return full
        return await translate(sql, project_id=project_id, **context)

    def with_datasets(sql: str, project_id: str) -> str:
        if sql not in qualified:
            return qualify(sql, project_id)
        qualified.remove(sql)
        return sql

    module.rewrite_and_translate_statement = translated
    module.rewrite_table_refs = with_datasets
    module._is_row_producing = lambda sql: gives_rows(taken_out(sql)[0])
