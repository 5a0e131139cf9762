"""What a plan will cost before it runs: blocks, loads, commits, bytes, dollars, and the limits that it comes near.

Everything here is an upper bound made from the plan alone; a run usually needs fewer commits, because a commit takes
all that waits. Not counted is what does not grow with the rows: two looks at the ledger around each block, the
announcements of commits (10 MiB billed each), and the run's own record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from pydantic import Field

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.chunks import Block, ChunkKey, all_blocks, chunks_of
from backcourt.pipeline.plan import Frozen, Plan, TablePlan
from backcourt.pipeline.processor import Feed, Pipeline
from backcourt.pipeline.table import Column, FieldType, Table

TIB = 2**40
QUERY_DOLLARS_A_TIB = 6.25
"""On-demand price in the US multi-region (BigQuery pricing, list price, 2026-11)."""
READ_DOLLARS_A_TIB = 1.10
"""Storage Read API price in the US multi-region (BigQuery pricing, list price, 2026-11)."""
SMALLEST_BILL = 10 * 2**20
"""Bytes that a statement bills at least for each table (Pricing, on-demand minimums, 2026-11)."""
STATEMENTS_A_COMMIT = 7
"""Statements of a commit script that bill: head, three checks, staging, MERGE, ledger; and the row in `runs`."""
MOST_PARTITIONS = 200
"""Partitions that one commit takes at most, so that a single script stays small."""
NEAR = 0.5
"""A limit is worth a word from half of it on."""

_WIDTHS = {FieldType.INT64: 8, FieldType.FLOAT64: 8, FieldType.BOOL: 1, FieldType.DATE: 8, FieldType.TIMESTAMP: 8}
_TEXT_WIDTH = 16
"""Typical bytes of a short text: two and its characters (Data size calculation, 2026-11)."""


class LimitUse(Frozen):
    """How much of one documented limit the plan would use on one day, at most."""

    limit: str
    used: int
    allowed: int

    @property
    def share(self) -> float:
        """Used part of the limit."""
        return self.used / self.allowed


class TableEstimate(Frozen):
    """What one table of the plan needs at most."""

    table: str
    chunks: int
    loads: int
    commits: int
    rows: int


class Estimate(Frozen):
    """What a plan needs at most. Bytes are logical bytes; dollars at list price, on demand."""

    blocks: int
    read_bytes: int
    query_bytes: int
    dollars: float
    tables: tuple[TableEstimate, ...]
    limits: tuple[LimitUse, ...] = Field(default=())

    @property
    def loads(self) -> int:
        """Load jobs."""
        return sum(t.loads for t in self.tables)

    @property
    def commits(self) -> int:
        """Commit scripts."""
        return sum(t.commits for t in self.tables)

    @property
    def near_limits(self) -> tuple[LimitUse, ...]:
        """Limits of which the plan uses half or more."""
        return tuple(use for use in self.limits if use.share >= NEAR)


@dataclass(frozen=True)
class Sizes:
    """Average logical bytes of a row, by table, where the warehouse has rows to tell from."""

    bytes_a_row: Mapping[str, float]
    rows_a_date: Mapping[str, float]


def estimate(pipeline: Pipeline, calendar: Calendar, plan: Plan, chunk_days: int, sizes: Sizes) -> Estimate:
    """Upper bounds for a plan."""
    chunks = chunks_of(plan, chunk_days)
    blocks = all_blocks(pipeline, calendar, chunks)
    tables = tuple(
        _table_estimate(pipeline, t, [c for c in chunks if c.table == t.table], sizes) for t in plan.tables if t.to_do
    )
    read = round(sum(_block_bytes(pipeline, block, sizes) for block in blocks.values()))
    written = sum(t.rows * _row_bytes(pipeline.processor(t.table).table, sizes) for t in tables)
    commits = sum(t.commits for t in tables)
    query = round(2 * written) + commits * STATEMENTS_A_COMMIT * SMALLEST_BILL
    dollars = read / TIB * READ_DOLLARS_A_TIB + query / TIB * QUERY_DOLLARS_A_TIB
    return Estimate(
        blocks=len(blocks),
        read_bytes=read,
        query_bytes=query,
        dollars=round(dollars, 4),
        tables=tables,
        limits=_limits(plan, tables, len(calendar.dates)),
    )


def _table_estimate(pipeline: Pipeline, plan: TablePlan, chunks: list[ChunkKey], sizes: Sizes) -> TableEstimate:
    commits = sum(ceil(len(c.days) / MOST_PARTITIONS) for c in chunks)
    rows = round(len(plan.to_do) * _rows_a_date(pipeline.processor(plan.table).table, sizes))
    return TableEstimate(table=plan.table, chunks=len(chunks), loads=commits, commits=commits, rows=rows)


def _limits(plan: Plan, tables: tuple[TableEstimate, ...], dates: int) -> tuple[LimitUse, ...]:
    """Documented limits of a day (Quotas and limits, read 2026-11) against the plan's upper bounds."""
    most = max((len(t.to_do) for t in plan.tables), default=0)
    return (
        LimitUse(limit="load jobs a project and day", used=sum(t.loads for t in tables), allowed=100_000),
        LimitUse(limit="partition modifications a table and day", used=most, allowed=30_000),
        LimitUse(limit="partitions a table", used=dates, allowed=10_000),
        LimitUse(limit="partitions a transaction", used=min(most, MOST_PARTITIONS), allowed=100_000),
    )


def _block_bytes(pipeline: Pipeline, block: Block, sizes: Sizes) -> float:
    source = next(i.table for p in pipeline.processors for i in p.inputs if i.name == block.key.input)
    if isinstance(source, Feed):
        return 0.0
    columns = [c for c in source.all_columns if c.name in block.columns]
    share = _width(columns) / _width(list(source.all_columns))
    return len(block.days) * _rows_a_date(source, sizes) * _row_bytes(source, sizes) * share


def _rows_a_date(table: Table, sizes: Sizes) -> float:
    return sizes.rows_a_date.get(table.full_name, float(table.rows_a_date))


def _row_bytes(table: Table, sizes: Sizes) -> float:
    return sizes.bytes_a_row.get(table.full_name, float(_width(list(table.all_columns))))


def _width(columns: list[Column]) -> int:
    return sum(_WIDTHS.get(c.type, _TEXT_WIDTH) * (10 if c.repeated else 1) for c in columns)
