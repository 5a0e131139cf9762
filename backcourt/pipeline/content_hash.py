"""The content hash of a partition: equal hashes mean equal rows, bit for bit, whatever made them.

It covers the key-sorted rows in the declared column order, without the columns that the commit sets. A format change
must change PREFIX, because hashes are kept in the ledger for years. Bit for bit means that 0.0 and -0.0 differ, and
that a NULL list, which the gate blocks, is not an empty one.
"""

from collections.abc import Callable
from datetime import date
from hashlib import sha256

import numpy as np
import polars as pl

from backcourt.pipeline.table import Column, FieldType, Table

PREFIX = "h1:"

_NUMPY_TYPES = {
    FieldType.INT64: np.int64,
    FieldType.FLOAT64: np.float64,
    FieldType.BOOL: np.uint8,
    FieldType.DATE: np.int32,
    FieldType.TIMESTAMP: np.int64,
}


def content_hashes(table: Table, rows: pl.DataFrame, days: tuple[date, ...]) -> dict[date, str]:
    """Hash of each day's rows; a day without rows has the hash of an empty partition.

    Args:
        table: the declared table; `rows` has exactly its computed columns.
        rows: rows of any dates in any order.
        days: the partitions wanted.
    """
    ordered = rows.sort(table.partition_by, *table.key, nulls_last=False)
    slices = _slices(ordered, table.partition_by)
    encoders = [_encoder(ordered.get_column(column.name), column) for column in table.columns]
    header = "\n".join(f"{c.name} {c.type} {c.repeated}" for c in table.columns).encode()
    hashes = {}
    for day in days:
        start, length = slices.get(day, (0, 0))
        digest = sha256(header + b"\0" + length.to_bytes(8, "little"))
        for encode in encoders if length else ():
            digest.update(encode(start, start + length))
        hashes[day] = PREFIX + digest.hexdigest()[:32]
    return hashes


def _slices(ordered: pl.DataFrame, partition_by: str) -> dict[date, tuple[int, int]]:
    """First row and number of rows of each date in a frame ordered by date."""
    counts = ordered.group_by(partition_by, maintain_order=True).len()
    slices, at = {}, 0
    for day, length in counts.iter_rows():
        slices[day] = (at, length)
        at += length
    return slices


def _encoder(values: pl.Series, column: Column) -> Callable[[int, int], bytes]:
    """What turns rows start:end of one column into bytes that no other values share."""
    if column.repeated:
        lengths = values.list.len().cast(pl.Int64).fill_null(-1).to_numpy()
        offsets = np.concatenate([[0], np.cumsum(np.maximum(lengths, 0))])
        elements = values.filter(pl.Series(lengths > 0)).explode()  # explode makes a NULL of an empty list
        flat = _flat_encoder(elements, column)
        return lambda start, end: lengths[start:end].tobytes() + flat(int(offsets[start]), int(offsets[end]))
    return _flat_encoder(values, column)


def _flat_encoder(values: pl.Series, column: Column) -> Callable[[int, int], bytes]:
    nulls = values.is_null().to_numpy()
    if column.type is FieldType.STRING:
        texts = values.fill_null("").to_list()
        lengths = values.fill_null("").str.len_bytes().to_numpy().astype(np.int64)
        return lambda start, end: (
            nulls[start:end].tobytes() + lengths[start:end].tobytes() + "".join(texts[start:end]).encode()
        )
    numbers = values.to_physical().cast(pl.Float64 if column.type is FieldType.FLOAT64 else pl.Int64)
    array = numbers.fill_null(0).to_numpy().astype(_NUMPY_TYPES[column.type])
    return lambda start, end: nulls[start:end].tobytes() + array[start:end].tobytes()
