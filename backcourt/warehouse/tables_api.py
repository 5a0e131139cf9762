"""Tables of the REST interface and ours, either way."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from backcourt.pipeline.table import Column, FieldType
from backcourt.warehouse.google_clients import bigquery
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import TableDefinition, TableRef, TableState

_LEGACY_TYPES = {
    "INTEGER": FieldType.INT64,
    "FLOAT": FieldType.FLOAT64,
    "BOOLEAN": FieldType.BOOL,
}
"""The REST interface answers with the names of legacy SQL (Data types, read 2026-11)."""
VERSION_LABEL = "schema_version"
"""The label that tells the version of one of the engine's own tables."""


def schema_fields(columns: Iterable[Column]) -> list[bigquery.SchemaField]:
    """The columns as the client wants them: for creating a table and for a load, which must name every mode."""
    return [bigquery.SchemaField(c.name, c.type.value, mode=_mode(c), description=c.description) for c in columns]


def new_table(definition: TableDefinition, names: Names, now: datetime) -> bigquery.Table:
    """What to send to tables.insert."""
    table = bigquery.Table(names.full(definition.ref), schema=schema_fields(definition.columns))
    table.description = definition.description or None
    if definition.partition_by:
        table.time_partitioning = bigquery.TimePartitioning(field=definition.partition_by)
    if definition.clustering:
        table.clustering_fields = list(definition.clustering)
    if definition.schema_version:
        table.labels = {VERSION_LABEL: str(definition.schema_version)}
    if definition.expires_hours is not None:
        table.expires = now + timedelta(hours=definition.expires_hours)
    return table


def found_table(ref: TableRef, table: bigquery.Table) -> TableState:
    """What tables.get answered."""
    known = [f for f in table.schema if _type(f) is not None]
    definition = TableDefinition(
        ref,
        tuple(_column(f) for f in known),
        description=table.description or "",
        partition_by=_partitioning(table),
        clustering=tuple(table.clustering_fields or ()),
        schema_version=_version(table),
    )
    return TableState(
        definition,
        table.num_rows or 0,
        table.num_bytes or 0,
        has_streaming_buffer=table.streaming_buffer is not None,
        foreign_columns={f.name: f.field_type for f in table.schema if f not in known},
    )


def widened(table: bigquery.Table, definition: TableDefinition) -> bigquery.Table:
    """The table with the declared columns that it lacks, behind its own, and the declared version."""
    there = {f.name for f in table.schema}
    table.schema = [*table.schema, *schema_fields(c for c in definition.columns if c.name not in there)]
    table.labels = {**table.labels, VERSION_LABEL: str(definition.schema_version)}
    return table


def _version(table: bigquery.Table) -> int:
    text = table.labels.get(VERSION_LABEL, "0")
    return int(text) if text.isdecimal() else 0


def _partitioning(table: bigquery.Table) -> str | None:
    """The column of a day partitioning; any other partitioning in words, so that it never equals a declared one."""
    if table.range_partitioning:
        return f"{table.range_partitioning.field} (by range)"
    if not table.time_partitioning:
        return None
    by, unit = table.time_partitioning.field, table.time_partitioning.type_
    return by if by and unit == "DAY" else f"{by or 'the time of ingestion'} (by {unit.lower()})"


def _mode(column: Column) -> str:
    if column.repeated:
        return "REPEATED"
    return "REQUIRED" if column.required else "NULLABLE"


def _type(field: bigquery.SchemaField) -> FieldType | None:
    name = _LEGACY_TYPES.get(field.field_type, field.field_type)
    return FieldType(name) if name in FieldType.__members__ else None


def _column(field: bigquery.SchemaField) -> Column:
    return Column(
        field.name,
        _type(field) or FieldType.STRING,
        field.description or "",
        required=field.mode == "REQUIRED",
        repeated=field.mode == "REPEATED",
    )
