"""The Polars type of each type that a column may have: processors and sources speak Polars, tables are declared."""

import polars as pl

from backcourt.pipeline.table import FieldType

POLARS_TYPES: dict[FieldType, pl.DataType] = {
    FieldType.STRING: pl.String(),
    FieldType.INT64: pl.Int64(),
    FieldType.FLOAT64: pl.Float64(),
    FieldType.BOOL: pl.Boolean(),
    FieldType.DATE: pl.Date(),
    FieldType.TIMESTAMP: pl.Datetime("us", "UTC"),
}
