"""Tables as declared: built from the vocabulary, compared with what exists, created where missing."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain

from backcourt.errors import PreflightError
from backcourt.pipeline.ledger import LEDGER_COLUMNS
from backcourt.pipeline.table import Column, FieldType, Table
from backcourt.warehouse.errors import NotFound
from backcourt.warehouse.names import Names
from backcourt.warehouse.names import column as quoted
from backcourt.warehouse.operations import OPERATION_COLUMNS
from backcourt.warehouse.requests import JobRequest, Kind, TableDefinition, TableRef, TableState
from backcourt.warehouse.state import State
from backcourt.warehouse.warehouse import Warehouse

STAGING_HOURS = 24.0
"""How long a staging table lives unless set otherwise: a script ends after 24 hours (Quotas, read 2026-11)."""

STATE_VERSION = 2
"""Goes up whenever one of the engine's own tables gets another column. Columns are only ever added, and NULLABLE, so
that tables are upgraded in place and an older image goes on beside a newer one."""

RUN_COLUMNS = (
    Column("event_date", FieldType.DATE, "The event's date, UTC.", required=True),
    Column("run_id", FieldType.STRING, "The run.", required=True),
    Column("start_number", FieldType.INT64, "Which start of the run, from 1.", required=True),
    Column("event", FieldType.STRING, "started, commit_sent, resolved, ended, …", required=True),
    Column("at", FieldType.TIMESTAMP, "When the event was recorded.", required=True),
    Column("table_name", FieldType.STRING, "The table that the event is about, dataset.name."),
    Column("job_id", FieldType.STRING, "The job that the event is about, without its attempt's number."),
    Column("nonce", FieldType.STRING, "Tells equal events apart."),
    Column("details", FieldType.STRING, "JSON: what else is to be said."),
)

OUTCOME_COLUMNS = (
    Column("run_date", FieldType.DATE, "The date of recording, UTC.", required=True),
    Column("run_id", FieldType.STRING, "The run.", required=True),
    Column("start_number", FieldType.INT64, "Which start of the run, from 1.", required=True),
    Column("table_name", FieldType.STRING, "The partition's table, dataset.name.", required=True),
    Column("partition_date", FieldType.DATE, "The partition's date.", required=True),
    Column("outcome", FieldType.STRING, "committed, renewed, blocked, failed, …", required=True),
    Column("category", FieldType.STRING, "Why it was not published, or published in spite of something."),
    Column("retry_can_help", FieldType.BOOL, "Whether the same command may succeed without a change.", required=True),
    Column("reason", FieldType.STRING, "What happened, in words."),
    Column("missing", FieldType.STRING, "JSON: names of the expected entities that are missing."),
    Column("row_count", FieldType.INT64, "Rows computed.", required=True),
    Column("expected_count", FieldType.INT64, "Entities that the partition should hold.", required=True),
    Column("present_count", FieldType.INT64, "Expected entities that it holds.", required=True),
    Column("coverage", FieldType.FLOAT64, "present_count / expected_count; 1 where nothing is expected."),
    Column("attempts", FieldType.INT64, "How often it was computed.", required=True),
    Column("seconds", FieldType.FLOAT64, "Seconds of computing, shared evenly by its chunk.", required=True),
    Column("commit_id", FieldType.STRING, "The commit that published it, if any."),
    Column("notes", FieldType.STRING, "JSON: what the processor had to say of the date."),
    Column("recorded_at", FieldType.TIMESTAMP, "When this row was made.", required=True),
    Column("warned", FieldType.BOOL, "Published between the two thresholds."),
    Column("holes", FieldType.STRING, "JSON: inputs' dates that were not committed inside the windows."),
)

BREAKER_COLUMNS = (
    Column("event_date", FieldType.DATE, "The event's date, UTC.", required=True),
    Column("table_name", FieldType.STRING, "The table, dataset.name.", required=True),
    Column("event", FieldType.STRING, "failed, passed or reset.", required=True),
    Column("at", FieldType.TIMESTAMP, "When it happened.", required=True),
    Column("run_id", FieldType.STRING, "The run, or the command that reset the breaker.", required=True),
    Column("reason", FieldType.STRING, "Why the table failed."),
)

HOLD_COLUMNS = (
    Column("event_date", FieldType.DATE, "The event's date, UTC.", required=True),
    Column("table_name", FieldType.STRING, "The table, dataset.name.", required=True),
    Column("event", FieldType.STRING, "held or released.", required=True),
    Column("at", FieldType.TIMESTAMP, "The transaction's instant.", required=True),
    Column("held_until", FieldType.TIMESTAMP, "When the hold ends by itself.", required=True),
    Column("reason", FieldType.STRING, "Why, in the operator's words."),
    Column("operation_id", FieldType.STRING, "The command that said so.", required=True),
)

Behind = tuple[tuple[TableDefinition, tuple[Column, ...]], ...]
"""The engine's own tables of an older version, with the columns that they lack."""

HEAD_COLUMNS = (
    Column("generation", FieldType.INT64, "Counts the commits of the table.", required=True),
    Column("commit_id", FieldType.STRING, "The last commit."),
)


def definition_of(table: Table) -> TableDefinition:
    """A pipeline's table in the warehouse, with the commit's own columns."""
    return TableDefinition(
        TableRef(table.dataset, table.name), table.all_columns, table.description, table.partition_by, table.clustering
    )


def staging_definition(table: Table, ref: TableRef, hours: float = STAGING_HOURS) -> TableDefinition:
    """A staging table for `table`: the computed columns only, gone after so many hours whatever happens."""
    description = f"Rows on their way to {table.full_name}."
    return TableDefinition(ref, table.columns, description, expires_hours=hours)


def state_tables(dataset: str, tables: Iterable[Table] = ()) -> tuple[TableDefinition, ...]:
    """The engine's own tables in the state dataset, and a head for each of `tables`."""
    state = State(dataset)
    unversioned = (
        TableDefinition(
            state.ledger,
            LEDGER_COLUMNS,
            "Which partitions are committed, by what. Append-only; the highest generation of a partition counts.",
            "partition_date",
            ("table_name",),
        ),
        TableDefinition(state.runs, RUN_COLUMNS, "What happened in runs. Append-only.", "event_date", ("run_id",)),
        TableDefinition(
            state.outcomes,
            OUTCOME_COLUMNS,
            "What became of each partition in each run. Append-only.",
            "run_date",
            ("table_name",),
        ),
        TableDefinition(
            state.breaker_events,
            BREAKER_COLUMNS,
            "What happened to tables, as their circuit breakers see it. Append-only.",
            "event_date",
            ("table_name",),
        ),
        TableDefinition(
            state.operations,
            OPERATION_COLUMNS,
            "What operators changed by hand, written in the transaction that changed it. Append-only.",
            "operation_date",
            ("table_name",),
        ),
        TableDefinition(
            state.holds,
            HOLD_COLUMNS,
            "Tables that operators keep runs off. Append-only; the newest event of a table counts.",
            "event_date",
            ("table_name",),
        ),
        *(
            TableDefinition(state.head(table), HEAD_COLUMNS, f"The commit counter of {table.full_name}; one row.")
            for table in tables
        ),
    )
    return tuple(replace(definition, schema_version=STATE_VERSION) for definition in unversioned)


def add_column_request(
    definition: TableDefinition, added: Column, names: Names, run_id: str, job_id: str
) -> JobRequest:
    """The job that adds one NULLABLE column to a table; a table that has it already is no error."""
    sql = f"ALTER TABLE {names.quoted(definition.ref)} ADD COLUMN IF NOT EXISTS {quoted(added.name)} {_kind(added)}"
    return JobRequest(job_id, Kind.QUERY, run_id, str(definition.ref), sql=sql)


def differences(declared: TableDefinition, found: TableState) -> tuple[str, ...]:
    """In words, what keeps a table that exists from being the declared one.

    Further nullable columns behind the declared ones are allowed, of any type: loads and commits name their columns.
    Descriptions and expiry are not compared. Columns that an upgrade adds are no difference.
    """
    return tuple(chain(_column_differences(declared, found), _layout_differences(declared, found.definition)))


def ensure(
    warehouse: Warehouse,
    definitions: Iterable[TableDefinition],
    *,
    create_datasets: Callable[[Iterable[str]], None] | None = None,
    upgrade: Callable[[TableDefinition, tuple[Column, ...]], None] | None = None,
) -> tuple[str, ...]:
    """Create the tables that are missing; change none but the engine's own of an older version.

    Args:
        warehouse: where.
        definitions: the tables.
        create_datasets: creates missing datasets first (`BigQueryWarehouse.ensure_datasets`); meant for the local
            BigQuery, since a project's datasets, with their location and rights, are their owner's to create.
        upgrade: adds columns to one of the engine's own tables; without it an older one is refused.

    Returns:
        Names of the tables created.

    Raises:
        PreflightError: a dataset is missing, or tables exist that differ; every difference is named, nothing created.
    """
    wanted = tuple(definitions)
    if create_datasets:
        create_datasets(sorted({d.ref.dataset for d in wanted}))
    missing, wrong, behind = _look(warehouse, wanted)
    if behind and upgrade is None:
        wrong = (*wrong, *(f"table {d.ref} is of an older version" for d, _ in behind))
    if wrong:
        raise PreflightError(
            f"The warehouse is not as declared: {'; '.join(wrong)}.",
            "Create missing datasets, rename or migrate tables that differ, then run `backcourt preflight`.",
        )
    for definition in missing:
        warehouse.create(definition)
    if upgrade:
        for definition, columns in behind:
            upgrade(definition, columns)
    return tuple(str(d.ref) for d in missing)


def inspect(
    warehouse: Warehouse, definitions: Iterable[TableDefinition]
) -> tuple[tuple[TableDefinition, ...], tuple[str, ...]]:
    """The definitions whose tables are missing, and in words what is wrong with the others."""
    missing, wrong, _ = _look(warehouse, definitions)
    return missing, wrong


def _look(
    warehouse: Warehouse, definitions: Iterable[TableDefinition]
) -> tuple[tuple[TableDefinition, ...], tuple[str, ...], Behind]:
    missing: list[TableDefinition] = []
    wrong: list[str] = []
    behind: list[tuple[TableDefinition, tuple[Column, ...]]] = []
    lost: set[str] = set()
    for definition in definitions:
        if definition.ref.dataset in lost:
            continue
        try:
            found = warehouse.describe(definition.ref)
        except NotFound:
            lost.add(definition.ref.dataset)
            wrong.append(f"dataset {definition.ref.dataset} does not exist")
            continue
        if found is None:
            missing.append(definition)
        else:
            wrong += [f"table {definition.ref}: {text}" for text in differences(definition, found)]
            if found.definition.schema_version < definition.schema_version:
                behind.append((definition, _added(definition, found)))
    return tuple(missing), tuple(wrong), tuple(behind)


def _added(declared: TableDefinition, found: TableState) -> tuple[Column, ...]:
    """The columns that an upgrade adds: NULLABLE ones that a versioned table lacks."""
    there = {c.name for c in found.definition.columns} | set(found.foreign_columns)
    return tuple(c for c in declared.columns if declared.schema_version and not c.required and c.name not in there)


def _column_differences(declared: TableDefinition, found: TableState) -> Iterable[str]:
    there = {column.name: column for column in found.definition.columns}
    added = _added(declared, found)
    for column in declared.columns:
        if column.name in found.foreign_columns:
            yield f"column {column.name} is {found.foreign_columns[column.name]}, declared {_kind(column)}"
        elif column in added:
            continue
        elif column.name not in there:
            yield f"column {column.name} ({_kind(column)}) is missing"
        elif _kind(column) != _kind(there[column.name]):
            yield f"column {column.name} is {_kind(there[column.name])}, declared {_kind(column)}"
    names = {column.name for column in declared.columns}
    for column in found.definition.columns:
        if column.required and column.name not in names:
            yield f"column {column.name} is NOT NULL but not declared, so that no row can be inserted"


def _layout_differences(declared: TableDefinition, found: TableDefinition) -> Iterable[str]:
    if declared.partition_by != found.partition_by:
        yield f"it is partitioned by {found.partition_by or 'nothing'}, declared {declared.partition_by or 'nothing'}"
    if declared.clustering != found.clustering:
        there, wanted = (", ".join(d.clustering) or "nothing" for d in (found, declared))
        yield f"it is clustered by {there}, declared {wanted}"


def _kind(column: Column) -> str:
    if column.repeated:
        return f"ARRAY<{column.type}>"
    return f"{column.type} NOT NULL" if column.required else str(column.type)
