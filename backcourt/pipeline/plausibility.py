"""Whether a column's mean is what the world allows: the check that sees what no row does.

A file once had steals, blocks and turnovers under each other's names. Every row was a possible row; only a mean over
many of them could not be. A processor declares between which means a column must lie when there are many values. With
few of them, on a date with two games, chance moves a mean, so the range is widened by a multiple of its standard error.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt

import polars as pl

from backcourt.errors import UsageError

MANY = 100
"""Values whose mean must lie in the declared range as it stands: a month has hundreds."""
ERRORS = 4.0
"""Standard errors by which the range of fewer values is widened: of 30,000 honest means, one lies further out."""


@dataclass(frozen=True)
class Plausible:
    """Between which means a column must lie.

    `low` and `high` bound the mean of many values, in the column's own unit; `spread` is the standard deviation of a
    single value. With `per` the column is summed by these columns first, so that a value is, for example, a team's
    blocks in a game, and not a player's. NULLs are left out.
    """

    column: str
    low: float
    high: float
    spread: float
    per: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a range that nothing fits.

        Raises:
            UsageError: `low` is above `high`, or `spread` below 0.
        """
        if self.low > self.high or self.spread < 0:
            raise UsageError(
                f"The plausible range of {self.column}, {self.low:g} to {self.high:g} ± {self.spread:g}, is none.",
                "Correct the processor's declaration.",
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the check reads, besides the partition column."""
        return tuple(dict.fromkeys((self.column, *self.per)))

    def bounds(self, count: int) -> tuple[float, float]:
        """Between which means `count` values must lie."""
        margin = 0.0 if count >= MANY else ERRORS * self.spread / sqrt(max(count, 1))
        return self.low - margin, self.high + margin


@dataclass(frozen=True)
class Implausible:
    """A mean that lies outside its range. `first` and `last` are the dates that it is over."""

    first: date
    last: date
    range: Plausible
    mean: float
    count: int

    def __str__(self) -> str:
        low, high = self.range.bounds(self.count)
        per = f" a {' and '.join(self.range.per)}" if self.range.per else ""
        return f"mean {self.range.column}{per} is {self.mean:.2f} over {self.count}, plausible {low:.2f} to {high:.2f}"


def implausible_dates(
    ranges: Sequence[Plausible], rows: pl.DataFrame, partition_by: str
) -> dict[date, tuple[Implausible, ...]]:
    """Columns whose mean over one date lies outside its range, by date; only dates that have some.

    Args:
        ranges: what the processor declares.
        rows: the partition column and the columns of every range.
        partition_by: the partition column.
    """
    found: dict[date, list[Implausible]] = {}
    for each in ranges:
        for day, mean, count in _means(each, rows, partition_by, pl.col(partition_by)):
            found.setdefault(day, []).extend(_outside(each, (day, day), mean, count))
    return {day: tuple(wrong) for day, wrong in sorted(found.items()) if wrong}


def implausible_months(
    ranges: Sequence[Plausible], rows: pl.DataFrame, partition_by: str
) -> tuple[tuple[date, Implausible], ...]:
    """Columns whose mean over a calendar month's rows lies outside its range, with the month's first day."""
    found = []
    dates = {month: (first, last) for month, first, last in _months(rows, partition_by)}
    for each in ranges:
        for month, mean, count in _means(each, rows, partition_by, pl.col(partition_by).dt.truncate("1mo")):
            found += [(month, wrong) for wrong in _outside(each, dates[month], mean, count)]
    return tuple(sorted(found, key=lambda item: (item[0], item[1].range.column)))


def _months(rows: pl.DataFrame, partition_by: str) -> Iterator[tuple[date, date, date]]:
    day = pl.col(partition_by)
    months = rows.group_by(month=day.dt.truncate("1mo")).agg(first=day.min(), last=day.max())
    return months.sort("month").iter_rows()


def _means(
    each: Plausible, rows: pl.DataFrame, partition_by: str, period: pl.Expr
) -> Iterator[tuple[date, float, int]]:
    """Mean and number of the column's values by period, in the order of periods."""
    known = rows.filter(pl.col(each.column).is_not_null()).sort(partition_by, *each.columns)
    values = known.select(period=period, value=pl.col(each.column).cast(pl.Float64))
    if each.per:
        groups = known.group_by(partition_by, *each.per, maintain_order=True).agg(pl.col(each.column).sum())
        values = groups.select(period=period, value=pl.col(each.column).cast(pl.Float64))
    means = values.group_by("period", maintain_order=True).agg(mean=pl.col("value").mean(), count=pl.len())
    return means.iter_rows()


def _outside(each: Plausible, dates: tuple[date, date], mean: float, count: int) -> Iterable[Implausible]:
    low, high = each.bounds(count)
    if not low <= mean <= high:
        yield Implausible(*dates, each, mean, count)
