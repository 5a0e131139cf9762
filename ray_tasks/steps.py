"""What a pool worker does: three steps, each a plain function from one frozen request to one frozen result.

    read_block      one month of one input, between two looks at the ledger      → rows
    compute_chunk   expected keys, rows, measurement of consecutive dates        → rows
    stage_rows      gated dates of computed chunks into a staging table          → nothing

The rows travel as Arrow tables beside the result; the driver gets a reference to them and never their content.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from backcourt.clock import Clock
from backcourt.errors import DataError, UsageError
from backcourt.pipeline.chunks import Block
from backcourt.pipeline.coverage import Measurement, empty_arrow, measure, schema_problem
from backcourt.pipeline.processor import Chunk, Feed, Input, Pipeline, Processor
from backcourt.pipeline.table import Table
from backcourt.sources.source import Source
from backcourt.warehouse.definitions import STAGING_HOURS, staging_definition
from backcourt.warehouse.errors import TransientError
from backcourt.warehouse.ledger_reads import commits_of
from backcourt.warehouse.requests import JobRequest, Kind, ReadRequest, TableRef
from backcourt.warehouse.warehouse import Warehouse
from ray_tasks.attempts import Attempts

READS_OF_A_MOVING_BLOCK = 5
"""How often a block is read again because another run committed into it meanwhile."""


@dataclass(frozen=True)
class Bench:
    """What a worker works with. `source` is there in ingest runs only; `state_dataset` holds the ledger."""

    pipeline: Pipeline
    warehouse: Warehouse
    attempts: Attempts
    clock: Clock
    state_dataset: str
    source: Source | None = None


@dataclass(frozen=True)
class ReadStep:
    """Read one block."""

    run_id: str
    block: Block
    feed: Feed | None
    table: Table | None

    @property
    def task_name(self) -> str:
        """What Ray counts it as."""
        return f"read {self.block.key.input}"

    def __str__(self) -> str:
        return f"read {self.block.key}"


@dataclass(frozen=True)
class ComputeStep:
    """Compute one chunk; `inputs` names the input that each attached table of rows belongs to."""

    run_id: str
    chunk: Chunk
    inputs: tuple[str, ...]
    label: str

    @property
    def task_name(self) -> str:
        """What Ray counts it as."""
        return f"compute {self.chunk.table}"

    def __str__(self) -> str:
        return self.label


@dataclass(frozen=True)
class StageStep:
    """Load the rows of `days` into a staging table of their own."""

    run_id: str
    commit_id: str
    table: str
    staging: TableRef
    days: tuple[date, ...]
    expires_hours: float = STAGING_HOURS

    @property
    def task_name(self) -> str:
        """What Ray counts it as."""
        return f"stage {self.table}"

    def __str__(self) -> str:
        return f"stage {self.commit_id}"


Step = ReadStep | ComputeStep | StageStep
"""Each says what it works on as text, and by a `task_name` that all steps of its sort on its table share."""


@dataclass(frozen=True)
class Telemetry:
    """What a step cost. Rows and bytes that it moved, seconds of work, attempts that had to be repeated."""

    rows: int = 0
    bytes: int = 0
    seconds: float = 0.0
    retries: int = 0
    refusals: int = 0


@dataclass(frozen=True)
class BlockRead:
    """A block was read; `commits` are its dates' commits, equal before and after."""

    commits: Mapping[date, str]
    telemetry: Telemetry


@dataclass(frozen=True)
class ChunkComputed:
    """A chunk was computed and measured."""

    measured: tuple[Measurement, ...]
    telemetry: Telemetry
    notes: Mapping[date, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RowsStaged:
    """Rows are in staging."""

    telemetry: Telemetry


StepResult = BlockRead | ChunkComputed | RowsStaged


def perform(bench: Bench, step: Step, tables: Sequence[pa.Table]) -> tuple[StepResult, pa.Table | None]:
    """Do a step; the same code in a Ray worker and in the serial pool."""
    if isinstance(step, ReadStep):
        return read_block(bench, step)
    if isinstance(step, ComputeStep):
        return compute_chunk(bench, step, tables)
    return stage_rows(bench, step, tables), None


def read_block(bench: Bench, step: ReadStep) -> tuple[BlockRead, pa.Table]:
    """Read a block's committed rows.

    The ledger is looked at before and after: if a commit came between, rows and versions would not belong together,
    and the block is read again. Rows of dates that the ledger does not have are left out: nobody gated them.

    Raises:
        TransientError: other runs commit into the block faster than it can be read.
    """
    started = bench.clock.monotonic()
    block = step.block
    if step.feed:
        rows = _source_of(bench, step.feed).read(step.feed, block.days[0], block.days[-1])
        rows = _only_dates(rows.select(list(block.columns)), step.feed.partition_by, block.days)
        return BlockRead({}, Telemetry(rows.num_rows, rows.nbytes, bench.clock.monotonic() - started)), rows
    if step.table is None:
        raise DataError(f"Block {block.key} is neither of a table nor of a feed.", "Report this as a bug.")
    table = step.table
    columns = tuple(dict.fromkeys((*block.columns, table.partition_by)))
    request = ReadRequest(TableRef.of(table.full_name), columns, table.partition_by, block.days[0], block.days[-1])

    def read_between_looks() -> tuple[pa.Table, Mapping[date, str]]:
        before = _commits(bench, table, block)
        for _ in range(READS_OF_A_MOVING_BLOCK):
            rows = bench.warehouse.read(request)
            after = _commits(bench, table, block)
            if after == before:
                return rows, after
            before = after
        raise TransientError(f"Block {block.key} is being committed faster than it can be read.", "It is tried again.")

    rows, commits = bench.attempts.reading(table.full_name, read_between_looks)
    kept = _only_dates(rows, table.partition_by, [d for d in block.days if d in commits]).select(list(block.columns))
    seconds = bench.clock.monotonic() - started
    return BlockRead(commits, Telemetry(kept.num_rows, rows.nbytes, seconds)), kept


def compute_chunk(bench: Bench, step: ComputeStep, tables: Sequence[pa.Table]) -> tuple[ChunkComputed, pa.Table]:
    """Compute a chunk's rows and measure them beside the rows themselves.

    Raises:
        DataError: the processor returned something else than a frame of the declared columns, or failed.
    """
    started = bench.clock.monotonic()
    processor = bench.pipeline.processor(step.chunk.table)
    inputs = input_frames(processor, step.inputs, tables)
    expected = processor.expected_keys(step.chunk, inputs)
    rows = processor.compute(step.chunk, inputs)
    measured = measure(processor.table, step.chunk, rows, expected, processor.plausible)
    notes = processor.notes(step.chunk, inputs, rows) if processor.notes else {}
    seconds = bench.clock.monotonic() - started
    if schema_problem(processor.table, rows):
        arrow = empty_arrow(rows)
    else:
        arrow = rows.select(processor.table.column_names).to_arrow().cast(_nullable(processor.table))
    return ChunkComputed(measured, Telemetry(arrow.num_rows, arrow.nbytes, seconds), notes), arrow


def stage_rows(bench: Bench, step: StageStep, tables: Sequence[pa.Table]) -> RowsStaged:
    """One load job of the given dates into a new staging table, which expires by itself."""
    started = bench.clock.monotonic()
    table = bench.pipeline.processor(step.table).table
    rows = _only_dates(pa.concat_tables(tables), table.partition_by, step.days).cast(table.arrow_schema)
    definition = staging_definition(table, step.staging, step.expires_hours)
    attempts = bench.attempts.counting_anew()
    attempts.call(lambda: bench.warehouse.create(definition))
    if rows.num_rows:
        attempts.run(
            JobRequest(
                job_id=f"{step.commit_id}-load",
                kind=Kind.LOAD,
                run_id=step.run_id,
                table=step.table,
                dates=step.days,
                destination=step.staging,
                rows=rows,
                columns=table.columns,
            )
        )
    return RowsStaged(
        Telemetry(
            rows.num_rows,
            rows.nbytes,
            bench.clock.monotonic() - started,
            attempts.count.retryable,
            attempts.count.quota,
        )
    )


def input_frames(processor: Processor, names: Sequence[str], tables: Sequence[pa.Table]) -> dict[str, pl.DataFrame]:
    """The processor's inputs as Polars frames; an input without blocks is a frame without rows."""
    parts: dict[str, list[pa.Table]] = {each.name: [] for each in processor.inputs}
    for name, table in zip(names, tables, strict=True):
        parts[name].append(table)
    return {each.name: _frame(each, parts[each.name]) for each in processor.inputs}


def _frame(each: Input, tables: list[pa.Table]) -> pl.DataFrame:
    declared = each.table.all_columns if isinstance(each.table, Table) else each.table.columns
    columns = {c.name: c for c in declared}
    schema = pa.schema([columns[name].arrow.with_nullable(True) for name in each.columns])
    joined = pa.concat_tables([t.select(list(each.columns)).cast(schema) for t in tables] or [schema.empty_table()])
    frame = pl.from_arrow(joined)
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 (a table never becomes a series; for the type checker)
    return frame


def _nullable(table: Table) -> pa.Schema:
    """The declared schema before the gate has looked at NULLs."""
    return pa.schema([f.with_nullable(True) for f in table.arrow_schema])


def _only_dates(rows: pa.Table, column: str, days: Sequence[date]) -> pa.Table:
    wanted = pl.Series(days, dtype=pl.Date).to_arrow()  # pyarrow's own array of Python's dates would import pandas
    return rows.filter(pc.is_in(rows.column(column), value_set=wanted))


def _commits(bench: Bench, table: Table, block: Block) -> Mapping[date, str]:
    found = commits_of(bench.warehouse, bench.state_dataset, table.full_name, block.days[0], block.days[-1])
    return {day: commit for day, commit in found.items() if day in set(block.days)}


def _source_of(bench: Bench, feed: Feed) -> Source:
    if bench.source is None:
        raise UsageError(
            f"{feed.full_name} is read by `backcourt ingest` only.", "Run `backcourt ingest --source …` first."
        )
    return bench.source
