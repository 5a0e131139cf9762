"""Converts one column of a file to a feed's type, without loss: a value that the type cannot hold is an error.

Text is read as people and programs write it (`2024-01-31`, `12`, `12.0` for a whole number, `True`), numbers become
numbers of another width, timestamps at midnight become dates. A number never becomes text: an id that a program has
stored as a number has lost its leading zeros.
"""

from datetime import date

import polars as pl

from backcourt.errors import DataError
from backcourt.pipeline.polars_types import POLARS_TYPES
from backcourt.pipeline.table import Column, FieldType

FIRST_DAY, LAST_DAY = (date.min - date(1970, 1, 1)).days, (date.max - date(1970, 1, 1)).days
"""The years 1 to 9999, in days from 1970 on."""
_TRUTH = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


def converted(values: pl.Series | None, column: Column, length: int, file: str) -> pl.Series:
    """The values in the column's type; all NULL where the file has no such column.

    Raises:
        DataError: a value does not fit the type, or a required one is NULL; names file, column and a value.
    """
    if values is None:
        return pl.Series(column.name, [None] * length, dtype=POLARS_TYPES[column.type])
    values = _plain(values)
    result = _in_calendar(_as_type(_in_calendar(values), column.type))
    lost = values.filter(result.is_null() & values.is_not_null())
    if len(lost):
        sample = _shown(lost.head(1))
        raise DataError(
            f"File {file}, column {column.name}: {sample} is no {column.type} ({len(lost)} of {length} rows).",
            "Correct the values or leave them empty.",
        )
    if column.required and result.null_count():
        raise DataError(
            f"File {file}, column {column.name}: {result.null_count()} of {length} rows are empty.",
            "Fill them in: the column must have a value in every row.",
        )
    return result.alias(column.name)


def _in_calendar(values: pl.Series) -> pl.Series:
    """Dates and instants; NULL where they are outside the years 1 to 9999, which neither Python nor BigQuery has."""
    kind = values.dtype
    if kind == pl.Date:
        a_day = 1
    elif isinstance(kind, pl.Datetime) and kind.time_unit != "ns":  # 64 bits of nanoseconds are in the calendar
        a_day = 86_400_000 if kind.time_unit == "ms" else 86_400_000_000
    else:
        return values
    return values.set(~values.to_physical().is_between(FIRST_DAY * a_day, (LAST_DAY + 1) * a_day - 1), None)


def _shown(value: pl.Series) -> str:
    """A value as a message has it; by its number or its type, where polars would panic in writing it out."""
    kind = value.dtype
    if kind.is_nested():
        return f"a {kind}"
    if isinstance(kind, pl.Time | pl.Duration) or _in_calendar(value).null_count():
        return f"{kind} number {value.to_physical().item()}"
    return repr(value.item())[:80]


def _plain(values: pl.Series) -> pl.Series:
    """Categories as text, and NaN, which is how some programs write an empty cell, as NULL."""
    if isinstance(values.dtype, pl.Categorical | pl.Enum):
        return values.cast(pl.String)
    return values.fill_nan(None) if values.dtype.is_float() else values


def _as_type(values: pl.Series, wanted: FieldType) -> pl.Series:
    """The values in the wanted type, NULL where they do not fit."""
    target, kind = POLARS_TYPES[wanted], values.dtype
    if kind in (target, pl.Null):
        return values.cast(target)
    if kind == pl.String:
        return _from_text(values, wanted)
    if kind.is_numeric():
        return _from_number(values, wanted)
    if isinstance(kind, pl.Datetime):
        return _from_instant(values, wanted)
    return _nothing(values, wanted)


def _nothing(values: pl.Series, wanted: FieldType) -> pl.Series:
    """No value fits."""
    return pl.Series(values.name, [None] * len(values), dtype=POLARS_TYPES[wanted])


def _from_number(values: pl.Series, wanted: FieldType) -> pl.Series:
    """Numbers of another width, whole numbers from floats that are whole, truth from 0 and 1."""
    if wanted is FieldType.INT64 and values.dtype.is_float():
        return values.set(values.floor() != values, None).cast(pl.Int64, strict=False)
    if wanted is FieldType.BOOL:
        return values.set(~((values == 0) | (values == 1)), None).cast(pl.Boolean)
    if wanted in (FieldType.INT64, FieldType.FLOAT64):
        return values.cast(POLARS_TYPES[wanted], strict=False)
    return _nothing(values, wanted)


def _from_instant(values: pl.Series, wanted: FieldType) -> pl.Series:
    """Timestamps in UTC (without a zone they are taken as UTC), dates from timestamps at midnight."""
    if wanted is FieldType.TIMESTAMP:
        naive = values.dtype == pl.Datetime(values.dtype.time_unit, None)  # type: ignore[attr-defined]
        zoned = values.dt.replace_time_zone("UTC") if naive else values.dt.convert_time_zone("UTC")
        return zoned.cast(POLARS_TYPES[wanted])
    if wanted is FieldType.DATE:
        return values.set(values.dt.truncate("1d") != values, None).dt.date()
    return _nothing(values, wanted)


def _from_text(values: pl.Series, wanted: FieldType) -> pl.Series:
    """Text read as the wanted type."""
    trimmed = values.str.strip_chars()
    if wanted is FieldType.INT64:
        whole = _from_number(trimmed.cast(pl.Float64, strict=False), wanted)
        return pl.select(pl.coalesce(trimmed.cast(pl.Int64, strict=False), whole)).to_series()
    if wanted is FieldType.BOOL:
        return trimmed.str.to_lowercase().replace_strict(_TRUTH, default=None, return_dtype=pl.Boolean)
    if wanted is FieldType.DATE:
        return trimmed.str.to_date("%Y-%m-%d", strict=False)
    if wanted is FieldType.TIMESTAMP:
        return trimmed.str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
    return trimmed.cast(POLARS_TYPES[wanted], strict=False)
