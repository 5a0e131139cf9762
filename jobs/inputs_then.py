"""An input's rows as they were at an instant.

Which dates were committed then, the ledger tells; the rows come by time travel. They are believed where they have the
hash that the ledger had then. Where time travel does not reach, rows that are published now or kept in a backup serve
if they have it. Rows by time travel with another hash are used and told: a foreign hand had been there before.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

from backcourt.errors import DataError, UsageError
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.content_hash import content_hashes
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.processor import Input
from backcourt.pipeline.table import Table
from backcourt.warehouse.requests import TableRef
from jobs.past_rows import backups_of, copied, rows_in
from ray_tasks.prepare import Ground


@dataclass(frozen=True)
class InputThen:
    """An input's rows in its columns. `foreign` are dates whose rows were not those that had been committed."""

    name: str
    dates: int
    places: tuple[str, ...]
    foreign: tuple[date, ...]
    rows: pl.DataFrame = field(repr=False, compare=False)


def input_then(
    ground: Ground,
    calendar: Calendar,
    ledger: Mapping[tuple[str, date], LedgerEntry],
    each: Input,
    day: date,
    instant: datetime,
) -> InputThen:
    """The rows of the input's window of `day`, as they were at the instant; `ledger` is the ledger of that time.

    Raises:
        UsageError: the input is a source's feed, whose past nobody keeps.
        DataError: the rows of a date are kept nowhere.
    """
    table = each.table
    if not isinstance(table, Table):
        raise UsageError(f"{each.name} is a feed, whose past is not kept.", "Replay a table made from it.")
    wanted = {
        d: entry.content_hash
        for d in each.window.dates(day, calendar)
        if (entry := ledger.get((each.name, d))) and not entry.withdrawn
    }
    parts = [_empty(table)]
    places: list[str] = []
    doubtful: dict[date, pl.DataFrame] = {}
    missing = dict(wanted)
    for told, is_past, rows in _places(ground, table, tuple(wanted), instant):
        hashes = content_hashes(table, rows, tuple(missing))
        found = [d for d, content in missing.items() if hashes[d] == content]
        if is_past:
            doubtful = {d: _on(table, rows, [d]) for d in missing if d not in found}
        if found:
            parts.append(_on(table, rows, found))
            places.append(f"{len(found)} from {told}")
            missing = {d: content for d, content in missing.items() if d not in found}
        if not missing:
            break
    if unknown := sorted(set(missing) - set(doubtful)):
        raise DataError(
            f"The rows that {each.name} had on {unknown[0]} are kept nowhere, and so of {len(unknown)} dates.",
            "BigQuery keeps the past of a table for seven days; replay from a later instant.",
        )
    parts += [doubtful[d] for d in missing]
    columns = list(each.columns)
    return InputThen(each.name, len(wanted), tuple(places), tuple(sorted(missing)), pl.concat(parts).select(columns))


def _places(
    ground: Ground, table: Table, days: tuple[date, ...], instant: datetime
) -> Iterator[tuple[str, bool, pl.DataFrame]]:
    """Where the rows of these dates may be, likeliest first: in words, whether it is the very past, and the rows."""
    if not days:
        return
    published, span = TableRef.of(table.full_name), (min(days), max(days))
    with copied(ground, table, published, span, instant, table.name) as copy:
        if copy is not None:
            yield "time travel", True, rows_in(ground, table, copy, span)
    yield "the rows published now, which are the same", False, rows_in(ground, table, published, span)
    for backup in backups_of(ground, table):
        yield f"backup {backup}", False, rows_in(ground, table, backup, span)


def _on(table: Table, rows: pl.DataFrame, days: list[date]) -> pl.DataFrame:
    return rows.filter(pl.col(table.partition_by).is_in(days))


def _empty(table: Table) -> pl.DataFrame:
    frame = pl.from_arrow(table.arrow_schema.empty_table())
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 (a table never becomes a series; for the type checker)
    return frame
