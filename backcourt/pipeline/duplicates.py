"""Rows that share a date and a key: which of them stays. Pure.

The newest stays: the last that a commit published, by `computed_at`. Between rows of one instant the greater run id,
code version and values decide, so that the answer never depends on the order in which rows are read.
"""

import polars as pl

from backcourt.pipeline.table import COMMIT_COLUMNS, Table


def doubled(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows that share their date and key with another one; `rows` have all columns of the table."""
    return rows.filter(pl.len().over(table.unique_by) > 1)


def kept_of(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Of every date and key the newest row, by date and key."""
    order = [c.name for c in COMMIT_COLUMNS]
    texts = {
        f"_{c.name}": pl.col(c.name).cast(pl.List(pl.String)).list.join(",", ignore_nulls=True)
        for c in table.columns
        if c.repeated
    }
    values = [c.name for c in table.columns if not c.repeated and c.name not in table.unique_by]
    ordered = rows.with_columns(**texts).sort([*order, *values, *texts], descending=True, nulls_last=True)
    return ordered.unique(table.unique_by, keep="first", maintain_order=True).drop(texts.keys()).sort(table.unique_by)
