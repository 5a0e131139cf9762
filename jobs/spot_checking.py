"""Comparing a random sample of published rows with what a second way makes of the rows behind them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isclose
from random import Random
from typing import Any

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.processor import SAME_DATE, Input, Row, SpotCheck
from backcourt.pipeline.withdrawn import withdrawn_days
from backcourt.warehouse.ledger_reads import Entries
from jobs.committed_rows import rows_of
from ray_tasks.prepare import Ground

DATES_A_CHECK = 5
"""Dates that a check's sample is taken from: each date's inputs may reach back over a season."""


@dataclass(frozen=True)
class Mismatch:
    """One figure that the second way does not agree with."""

    check: str
    table: str
    day: date
    key: str
    column: str
    published: Any
    recomputed: Any


@dataclass(frozen=True)
class Checked:
    """One check: how many rows and figures were compared, and which do not agree."""

    check: str
    table: str
    dates: tuple[date, ...]
    rows: int
    figures: int
    mismatches: tuple[Mismatch, ...]


def spot_check(
    ground: Ground, calendar: Calendar, ledger: Entries, check: SpotCheck, sample: int, seed: int
) -> Checked:
    """Compare a sample of so many rows, the same ones for the same seed and rows."""
    random = Random(f"{seed} {check.name}")  # noqa: S311 (a sample, no secret)
    table = check.table
    gone = withdrawn_days(ledger)
    days = sorted(
        day
        for name, day in ledger
        if name == table.full_name
        and not ledger[name, day].withdrawn
        and not any(_between(each, day, calendar, gone) for each in check.inputs)
    )
    chosen = tuple(sorted(random.sample(days, min(DATES_A_CHECK, sample, len(days)))))
    if not chosen:
        return Checked(check.name, table.full_name, (), 0, 0, ())
    whole = Input(table, table.column_names, SAME_DATE)
    published = rows_of(ground, calendar, ledger, whole, chosen).sort(table.unique_by).to_dicts()
    rows = random.sample(published, min(sample, len(published)))
    inputs = {each.name: rows_of(ground, calendar, ledger, each, chosen).to_dicts() for each in check.inputs}
    found = tuple(_mismatches(check, rows, check.recompute(rows, inputs)))
    return Checked(check.name, table.full_name, chosen, len(rows), len(rows) * len(check.columns), found)


def agree(published: Any, recomputed: Any, tolerance: float) -> bool:
    """Whether two figures are the same: both NULL, or as near as the relative tolerance asks."""
    if published is None or recomputed is None:
        return published is recomputed
    return isclose(published, recomputed, rel_tol=tolerance, abs_tol=tolerance)


def _mismatches(check: SpotCheck, rows: Sequence[Row], second: Sequence[Row]) -> Iterator[Mismatch]:
    for row, other in zip(rows, second, strict=True):
        for name in check.columns:
            if not agree(row[name], other[name], check.tolerance):
                key = "/".join(str(row[part]) for part in check.table.key)
                day = row[check.table.partition_by]
                yield Mismatch(check.name, check.table.full_name, day, key, name, row[name], other[name])


def _between(each: Input, day: date, calendar: Calendar, gone: Mapping[str, Sequence[date]]) -> bool:
    """Whether rows in the input's window were taken away."""
    first, last = each.window.first(day, calendar), each.window.last(day)
    return any(first <= other <= last for other in gone.get(each.name, ()))
