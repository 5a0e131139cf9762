"""What a partitioned table looks like: its columns, its key, how it is partitioned. Pure declarations."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import pyarrow as pa

from backcourt.errors import UsageError

MAX_CLUSTERING_COLUMNS = 4
"""BigQuery clusters by at most four columns (Introduction to clustered tables, read 2026-11)."""


class FieldType(StrEnum):
    """BigQuery types that a column may have; JSON text is a STRING."""

    STRING = "STRING"
    INT64 = "INT64"
    FLOAT64 = "FLOAT64"
    BOOL = "BOOL"
    DATE = "DATE"
    TIMESTAMP = "TIMESTAMP"


ARROW_TYPES: dict[FieldType, pa.DataType] = {
    FieldType.STRING: pa.string(),
    FieldType.INT64: pa.int64(),
    FieldType.FLOAT64: pa.float64(),
    FieldType.BOOL: pa.bool_(),
    FieldType.DATE: pa.date32(),
    FieldType.TIMESTAMP: pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True)
class Column:
    """One column: `required` is NOT NULL, `repeated` an ARRAY of the type."""

    name: str
    type: FieldType
    description: str
    required: bool = False
    repeated: bool = False

    @property
    def arrow(self) -> pa.Field:
        """The Arrow field; a repeated column is never NULL in BigQuery, only empty."""
        kind = ARROW_TYPES[self.type]
        if self.repeated:
            return pa.field(self.name, pa.list_(pa.field("element", kind)), nullable=False)
        return pa.field(self.name, kind, nullable=not self.required)


COMMIT_COLUMNS = (
    Column("computed_at", FieldType.TIMESTAMP, "When the commit published the row.", required=True),
    Column("run_id", FieldType.STRING, "The run that published the row.", required=True),
    Column("code_version", FieldType.STRING, "The code that computed the row.", required=True),
)
"""Set by the commit itself, after every column that a processor computes."""


@dataclass(frozen=True)
class Table:
    """A table partitioned by a DATE column.

    `columns` are those a processor computes, in order; the commit adds COMMIT_COLUMNS. `rows_a_date` is a typical
    figure, used only to estimate bytes before rows exist.
    """

    dataset: str
    name: str
    partition_by: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    description: str
    rows_a_date: int = 250

    def __post_init__(self) -> None:
        """Refuse a declaration that contradicts itself.

        Raises:
            UsageError: a key or partition column is not declared, may be NULL, or a name is used twice; or the
                partition column is no DATE.
        """
        names = [c.name for c in self.all_columns]
        required = {c.name for c in self.columns if c.required}
        wrong = sorted({n for n in names if names.count(n) > 1})
        wrong += [n for n in (*self.key, self.partition_by) if n not in required]
        if wrong:
            raise UsageError(
                f"Table {self.full_name} declares {', '.join(wrong)} twice, or as key without NOT NULL.",
                "Correct the table's declaration.",
            )
        if self.column(self.partition_by).type is not FieldType.DATE:
            raise UsageError(
                f"Table {self.full_name} is partitioned by {self.partition_by}, which is no DATE.",
                "Partition it by a DATE column.",
            )

    @cached_property
    def full_name(self) -> str:
        """`dataset.name`, the table's name everywhere in settings, plans and messages."""
        return f"{self.dataset}.{self.name}"

    @property
    def clustering(self) -> tuple[str, ...]:
        """The key without the partition column, as far as BigQuery clusters."""
        rest = tuple(k for k in self.key if k != self.partition_by)
        return rest[:MAX_CLUSTERING_COLUMNS]

    @property
    def unique_by(self) -> tuple[str, ...]:
        """What no two rows may share: the partition column and the key."""
        return tuple(dict.fromkeys((self.partition_by, *self.key)))

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """The table's columns in the warehouse."""
        return (*self.columns, *COMMIT_COLUMNS)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the computed columns, in order."""
        return tuple(c.name for c in self.columns)

    @property
    def arrow_schema(self) -> pa.Schema:
        """The schema of computed rows: what a processor returns and a staging table holds."""
        return pa.schema([c.arrow for c in self.columns])

    def column(self, name: str) -> Column:
        """The declared column of that name (KeyError if there is none)."""
        return {c.name: c for c in self.all_columns}[name]
