"""A small pipeline for tests of the engine: a shop's orders, and three tables that look back on them.

    source:orders ─► shop_raw.orders ─► shop.revenue ─► shop.rolling ─► shop.report
                                             └────────────────────────────┘

Two switches let a date go wrong inside a worker, as bad code does: SHOP_KILLS_WORKER names a date whose computation
ends its process, SHOP_RAISES one whose computation raises.
"""

import os
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.processor import SAME_DATE, Chunk, Feed, Input, Inputs, Pipeline, Processor, Window
from backcourt.pipeline.table import Column, FieldType, Table

FIRST = date(2024, 1, 10)
DAYS = tuple(FIRST + timedelta(days=n) for n in range(40))
"""Forty days over two months."""
STORES = ("ams", "ber", "cph", "dub", "edi", "fra", "gva", "hel", "ist", "kyi")
DERIVED = ("shop.revenue", "shop.rolling", "shop.report")
AFTER = "2024-04-01"
"""An as-of date after every order."""

DAY = Column("day", FieldType.DATE, "The day.", required=True)
STORE = Column("store", FieldType.STRING, "The store.", required=True)
_ORDER = (DAY, STORE, Column("amount", FieldType.FLOAT64, "What was paid.", required=True))

FEED = Feed("orders", _ORDER, "day", files=("orders*",))
ORDERS = Table("shop_raw", "orders", "day", ("day", "store"), _ORDER, "One row a store and day.", rows_a_date=10)
REVENUE = Table(
    "shop",
    "revenue",
    "day",
    ("day", "store"),
    (DAY, STORE, Column("revenue", FieldType.FLOAT64, "Sum of amounts.", required=True)),
    "Revenue of a store and day.",
)
ROLLING = Table(
    "shop",
    "rolling",
    "day",
    ("day", "store"),
    (DAY, STORE, Column("mean", FieldType.FLOAT64, "Mean of the seven days before.")),
    "What a store used to take.",
)
REPORT = Table(
    "shop",
    "report",
    "day",
    ("day",),
    (DAY, Column("ratio", FieldType.FLOAT64, "Revenue over what was usual."), Column("stores", FieldType.INT64, "n")),
    "The day in one row.",
)


def _of(frame: pl.DataFrame, chunk: Chunk) -> pl.DataFrame:
    return frame.filter(pl.col("day").is_in(list(chunk.dates)))


def _all_stores(chunk: Chunk, _: Inputs) -> pl.DataFrame:
    days = pl.DataFrame({"day": list(chunk.dates)}, schema={"day": pl.Date})
    return days.join(pl.DataFrame({"store": STORES}), how="cross")


def _all_days(chunk: Chunk, _: Inputs) -> pl.DataFrame:
    return pl.DataFrame({"day": list(chunk.dates)}, schema={"day": pl.Date})


def _orders(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    return _of(inputs[FEED.full_name], chunk)


def _revenue(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    _stumble(chunk)
    return _of(inputs[ORDERS.full_name], chunk).select("day", "store", pl.col("amount").round(2).alias("revenue"))


def _rolling(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Each window from its own values, in the order of days, so that the chunk leaves no trace in the last bit."""
    known = {(day, store): revenue for day, store, revenue in inputs[REVENUE.full_name].iter_rows()}
    rows = []
    for day in chunk.dates:
        for store in STORES:
            window = (known.get((day - timedelta(days=back), store)) for back in range(7, 0, -1))
            values = [value for value in window if value is not None]
            rows.append((day, store, sum(values) / len(values) if values else None))
    return pl.DataFrame(rows, schema={"day": pl.Date, "store": pl.String, "mean": pl.Float64}, orient="row")


def _report(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    joined = _of(inputs[REVENUE.full_name], chunk).join(inputs[ROLLING.full_name], on=["day", "store"], how="left")
    rows = []
    for (day,), group in joined.sort("day", "store").group_by(["day"], maintain_order=True):
        means = [m for m in group["mean"].to_list() if m is not None]
        ratio = sum(group["revenue"].to_list()) / sum(means) if means else None
        rows.append((day, ratio, group.height))
    return pl.DataFrame(rows, schema={"day": pl.Date, "ratio": pl.Float64, "stores": pl.Int64}, orient="row")


def _stumble(chunk: Chunk) -> None:
    if os.environ.get("SHOP_KILLS_WORKER", "never") in map(str, chunk.dates):
        os._exit(9)
    if os.environ.get("SHOP_RAISES", "never") in map(str, chunk.dates):
        raise ArithmeticError("the till is broken")


def _calendar(rows: pl.DataFrame) -> Calendar:
    """Every day from the first order to the last: a day whose orders are blocked exists all the same."""
    known = rows["day"].to_list()
    return Calendar(tuple(min(known) + timedelta(days=n) for n in range((max(known) - min(known)).days + 1)))


WEEK_BEFORE = Window(days=7)
PIPELINE = Pipeline(
    name="shop",
    processors=(
        Processor(
            ORDERS, "1", (Input(FEED, ("day", "store", "amount"), SAME_DATE),), _all_stores, _orders,
            needs_final_games=False,
        ),
        Processor(REVENUE, "1", (Input(ORDERS, ("day", "store", "amount"), SAME_DATE),), _all_stores, _revenue),
        Processor(ROLLING, "1", (Input(REVENUE, ("day", "store", "revenue"), WEEK_BEFORE),), _all_stores, _rolling),
        Processor(
            REPORT,
            "1",
            (
                Input(REVENUE, ("day", "store", "revenue"), SAME_DATE),
                Input(ROLLING, ("day", "store", "mean"), SAME_DATE),
            ),
            _all_days,
            _report,
        ),
    ),
    schedule=ORDERS,
    schedule_columns=("day",),
    calendar=_calendar,
)  # fmt: skip


def amount(day: date, store: str) -> float:
    """What a store took on a day: an arbitrary figure with many digits, always the same one."""
    return 100 + ((day.toordinal() * 7919 + STORES.index(store) * 104729) % 100003) / 7


def write_orders(folder: Path, days: tuple[date, ...] = DAYS, without: dict[date, int] | None = None) -> Path:
    """A folder with the orders of these days as Parquet; `without` takes so many stores away from a day."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        (day, store, amount(day, store))
        for day in days
        for store in STORES[: len(STORES) - (without or {}).get(day, 0)]
    ]
    schema = {"day": pl.Date, "store": pl.String, "amount": pl.Float64}
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(folder / "orders.parquet")
    return folder


def wide(breadth: int) -> Pipeline:
    """The orders, so many tables of their own that copy them, and one more behind each: many reads and commits."""
    processors = [PIPELINE.processors[0]]
    for number in range(breadth):
        first = replace(REVENUE, name=f"first_{number}")
        second = replace(REVENUE, name=f"second_{number}")
        processors += [
            replace(PIPELINE.processor(REVENUE.full_name), table=first),
            Processor(second, "1", (Input(first, ("day", "store", "revenue"), SAME_DATE),), _all_stores, _Copy(first)),
        ]
    return replace(PIPELINE, name="wide", processors=tuple(processors))


@dataclass(frozen=True)
class _Copy:
    """Computes what its input holds."""

    table: Table

    def __call__(self, chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
        return _of(inputs[self.table.full_name], chunk)
