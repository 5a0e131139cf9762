"""The gate: what a computed partition must be before it may be published.

`measure` runs beside the rows in a worker and returns counts; `judge` runs in the driver on those counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

import polars as pl
import pyarrow as pa

from backcourt.pipeline.content_hash import content_hashes
from backcourt.pipeline.plausibility import Plausible, implausible_dates
from backcourt.pipeline.processor import Chunk
from backcourt.pipeline.table import Column, Table

NAMES_SHOWN = 20
"""How many missing entities a report names; the count is always whole."""


@dataclass(frozen=True)
class Thresholds:
    """Coverage below `block` blocks a partition, below `warn` warns. Shares, 0 to 1.

    `implausible_blocks`: a mean outside its declared range blocks too, instead of warning.
    """

    block: float = 0.90
    warn: float = 0.95
    implausible_blocks: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was counted in one partition.

    `missing` names up to NAMES_SHOWN expected entities that have no row. `problems` are faults of the rows
    themselves (keys, schema, dates), which no force publishes. `implausible` are means that the world does not have.
    """

    day: date
    row_count: int = 0
    expected_count: int = 0
    present_count: int = 0
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    content_hash: str = ""
    implausible: tuple[str, ...] = ()

    @property
    def coverage(self) -> float:
        """Share of the expected entities that are present; 1 where nothing is expected."""
        return self.present_count / self.expected_count if self.expected_count else 1.0

    @property
    def missing_count(self) -> int:
        """How many expected entities have no row."""
        return self.expected_count - self.present_count


class Verdict(StrEnum):
    """What the gate says of a partition. FORCED: below the threshold, published because of --force."""

    PASS = "pass"  # noqa: S105 (no password)
    WARN = "warn"
    BLOCK = "block"
    FORCED = "forced"


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict and its reason in one sentence ("" for a plain pass)."""

    verdict: Verdict
    reason: str = ""

    @property
    def publish(self) -> bool:
        """Whether the rows go on to the committer."""
        return self.verdict is not Verdict.BLOCK


def judge(measured: Measurement, thresholds: Thresholds, *, force: bool = False) -> Judgement:
    """The gate's decision on one partition. Force overrides coverage and plausibility, never a fault of the rows."""
    if measured.problems:
        return Judgement(Verdict.BLOCK, "; ".join(measured.problems))
    reasons = list(measured.implausible)
    if measured.coverage < thresholds.warn:
        reasons.insert(0, _shortfall(measured, thresholds))
    if not reasons:
        return Judgement(Verdict.PASS)
    verdict = Verdict.WARN
    if measured.coverage < thresholds.block or (measured.implausible and thresholds.implausible_blocks):
        verdict = Verdict.FORCED if force else Verdict.BLOCK
    return Judgement(verdict, "; ".join(reasons))


def _shortfall(measured: Measurement, thresholds: Thresholds) -> str:
    limit = thresholds.block if measured.coverage < thresholds.block else thresholds.warn
    names = ", ".join(measured.missing)
    more = measured.missing_count - len(measured.missing)
    return (
        f"{measured.present_count} of {measured.expected_count} expected "
        f"({measured.coverage:.1%}, below {limit:.0%}); missing: {names}{f' and {more} more' if more else ''}"
    )


def measure(
    table: Table,
    chunk: Chunk,
    rows: pl.DataFrame,
    expected: pl.DataFrame,
    plausible: Sequence[Plausible] = (),
) -> tuple[Measurement, ...]:
    """Count what the gate needs for every date of a chunk.

    Args:
        table: the declared table.
        chunk: the dates that were asked for.
        rows: what the processor computed; not trusted to fit the declaration.
        expected: the partition column and the columns that name an entity, one row an entity.
        plausible: between which means columns must lie.
    """
    misfit = schema_problem(table, rows)
    if misfit:
        return tuple(Measurement(day, problems=(misfit,)) for day in chunk.dates)
    counted = _coverage(table, chunk.dates, rows, expected)
    hashes = content_hashes(table, rows, chunk.dates)
    problems = _row_problems(table, chunk.dates, rows)
    strange = implausible_dates(plausible, rows, table.partition_by)
    return tuple(
        replace(
            m,
            problems=problems.get(m.day, ()),
            content_hash=hashes[m.day],
            implausible=tuple(map(str, strange.get(m.day, ()))),
        )
        for m in counted
    )


def schema_problem(table: Table, rows: pl.DataFrame) -> str:
    """How the frame's columns differ from the declared ones, in one sentence; "" when they do not."""
    found = {f.name: f.type for f in empty_arrow(rows).schema}
    declared = {f.name: f.type for f in table.arrow_schema}
    parts = [f"column {name} is missing" for name in declared if name not in found]
    parts += [f"column {name} is not declared" for name in found if name not in declared]
    parts += [
        f"column {name} is {found[name]}, declared {kind}"
        for name, kind in declared.items()
        if name in found and not _same_type(found[name], kind)
    ]
    return f"schema of {table.full_name}: {', '.join(parts)}" if parts else ""


def empty_arrow(rows: pl.DataFrame) -> pa.Table:
    """The frame's Arrow schema without copying its rows."""
    return rows.clear().to_arrow()


def _same_type(found: pa.DataType, declared: pa.DataType) -> bool:
    """Equal but for Polars' large strings and lists and for the unit of a timestamp's Arrow spelling."""
    if pa.types.is_list(declared):
        is_list = pa.types.is_list(found) or pa.types.is_large_list(found)
        return is_list and _same_type(found.value_type, declared.value_type)
    if pa.types.is_string(declared):
        return bool(pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found))
    return bool(found == declared)


def _coverage(
    table: Table, days: Sequence[date], rows: pl.DataFrame, expected: pl.DataFrame
) -> tuple[Measurement, ...]:
    names = [c for c in expected.columns if c != table.partition_by]
    wanted = expected.unique().sort(table.partition_by, *names)
    missing = wanted.join(rows.select(expected.columns).unique(), on=expected.columns, how="anti", nulls_equal=True)
    texts = [pl.col(c).cast(pl.String).fill_null("NULL") for c in names]
    label = pl.concat_str(texts, separator="/") if texts else pl.lit("the date")
    row_counts = _count_by_day(rows, table.partition_by)
    expected_counts = _count_by_day(wanted, table.partition_by)
    missing_counts = _count_by_day(missing, table.partition_by)
    shown = missing.sort(table.partition_by, *names).select(table.partition_by, label.alias("entity"))
    entities: dict[date, list[str]] = {}
    for day, entity in shown.iter_rows():
        entities.setdefault(day, []).append(entity)
    return tuple(
        Measurement(
            day,
            row_count=row_counts.get(day, 0),
            expected_count=expected_counts.get(day, 0),
            present_count=expected_counts.get(day, 0) - missing_counts.get(day, 0),
            missing=tuple(entities.get(day, [])[:NAMES_SHOWN]),
        )
        for day in days
    )


def _is_null(column: Column) -> pl.Expr:
    """Rows without a value; BigQuery has neither NULL arrays nor NULLs in an array (Data types, read 2026-11)."""
    value = pl.col(column.name)
    return value.is_null() | value.list.contains(pl.lit(None)) if column.repeated else value.is_null()


def _count_by_day(rows: pl.DataFrame, partition_by: str) -> dict[date, int]:
    return dict(rows.group_by(partition_by).len().iter_rows())


def _row_problems(table: Table, days: Sequence[date], rows: pl.DataFrame) -> dict[date, tuple[str, ...]]:
    """Faults of the rows by day: NULLs where none may be, keys that occur twice, rows of other dates."""
    problems: dict[date, list[str]] = {day: [] for day in days}
    stray = rows.filter(~pl.col(table.partition_by).is_in(list(days)) | pl.col(table.partition_by).is_null())
    for column in (c for c in table.columns if (c.required or c.repeated) and c.name != table.partition_by):
        for day, count in _count_by_day(rows.filter(_is_null(column)), table.partition_by).items():
            problems.setdefault(day, []).append(f"{count} rows have NULL in {column.name}")
    doubled = rows.group_by(table.unique_by).len().filter(pl.col("len") > 1).sort(table.unique_by)
    for (day,), group in doubled.group_by([table.partition_by], maintain_order=True):
        example = "/".join(str(group.row(0, named=True)[k]) for k in table.key)
        problems.setdefault(day, []).append(f"{group.height} keys occur more than once, {example} for one")
    if stray.height:
        dates = sorted({str(d) for d in stray.get_column(table.partition_by).to_list()})
        for day in days:
            problems[day].append(f"{stray.height} rows lie outside the partition: {', '.join(dates[:5])}")
    return {day: tuple(found) for day, found in problems.items() if found}
