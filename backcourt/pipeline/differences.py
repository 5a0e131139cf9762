"""How two versions of a partition differ, cell by cell. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from backcourt.pipeline.table import Table

WHOLE_ROW = "(row)"
"""Stands for a column where a row is on one side only."""


@dataclass(frozen=True)
class Difference:
    """One cell, or one row, that differs. Values are as Python writes them; "" is a row that is not there."""

    key: str
    column: str
    published: str
    recomputed: str


def differences(table: Table, published: pl.DataFrame, recomputed: pl.DataFrame) -> tuple[Difference, ...]:
    """Every cell of the computed columns that differs, by key and in the order of columns.

    Of rows that share a key the first is compared, and the others are told as rows that are too many.
    """
    left, right = _by_key(table, published), _by_key(table, recomputed)
    found: list[Difference] = []
    for key in sorted(left.keys() | right.keys()):
        found += _of_key(table, key, left.get(key, []), right.get(key, []))
    return tuple(found)


def _by_key(table: Table, rows: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows.select(table.column_names).iter_rows(named=True):
        found.setdefault("/".join(str(row[name]) for name in table.unique_by), []).append(row)
    return found


def _of_key(table: Table, key: str, left: list[dict[str, Any]], right: list[dict[str, Any]]) -> Iterator[Difference]:
    if left and right:
        for name in table.column_names:
            if _bits(left[0], name) != _bits(right[0], name):
                yield Difference(key, name, repr(left[0][name]), repr(right[0][name]))
    for row in left[1 if right else 0 :]:
        yield Difference(key, WHOLE_ROW, repr(_values(table, row)), "")
    for row in right[1 if left else 0 :]:
        yield Difference(key, WHOLE_ROW, "", repr(_values(table, row)))


def _bits(row: Mapping[str, Any], name: str) -> str:
    """The value so that equal texts are equal bits: 0.0 is not -0.0, and nan is nan."""
    return repr(row[name])


def _values(table: Table, row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in table.column_names if name not in table.unique_by)
