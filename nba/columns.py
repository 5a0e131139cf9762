"""Short ways to declare a table's columns, and the last step of every processor: rows in the table's shape."""

import polars as pl

from backcourt.pipeline.polars_types import POLARS_TYPES
from backcourt.pipeline.table import Column, FieldType, Table


def text(name: str, description: str, *, required: bool = False) -> Column:
    """A STRING column."""
    return Column(name, FieldType.STRING, description, required)


def integer(name: str, description: str, *, required: bool = False) -> Column:
    """An INT64 column."""
    return Column(name, FieldType.INT64, description, required)


def number(name: str, description: str, *, required: bool = False) -> Column:
    """A FLOAT64 column, stored without rounding."""
    return Column(name, FieldType.FLOAT64, description, required)


def flag(name: str, description: str, *, required: bool = False) -> Column:
    """A BOOL column."""
    return Column(name, FieldType.BOOL, description, required)


def day(name: str, description: str, *, required: bool = False) -> Column:
    """A DATE column."""
    return Column(name, FieldType.DATE, description, required)


def instant(name: str, description: str, *, required: bool = False) -> Column:
    """A TIMESTAMP column."""
    return Column(name, FieldType.TIMESTAMP, description, required)


def counts(*described: tuple[str, str]) -> tuple[Column, ...]:
    """INT64 columns that may be NULL, from (name, description) pairs."""
    return tuple(integer(name, description) for name, description in described)


def in_shape(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Exactly the table's computed columns and types, sorted by partition and key."""
    return rows.select(pl.col(c.name).cast(_kind(c)) for c in table.columns).sort(table.partition_by, *table.key)


def no_rows(table: Table) -> pl.DataFrame:
    """The table without a row."""
    return pl.DataFrame(schema={c.name: _kind(c) for c in table.columns})


def _kind(column: Column) -> pl.DataType:
    """A column's type in a frame."""
    kind = POLARS_TYPES[column.type]
    return pl.List(kind) if column.repeated else kind
