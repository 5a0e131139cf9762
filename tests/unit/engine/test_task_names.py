"""What Ray calls a worker's tasks: it keeps memory for every name, so a run of thousands of steps has few."""

from calendar import monthrange
from datetime import date
from itertools import product
from types import SimpleNamespace
from typing import Any

from backcourt.pipeline.chunks import Block, BlockKey
from backcourt.pipeline.processor import Chunk
from backcourt.warehouse.requests import TableRef
from ray_tasks.ray_pool import RayPool
from ray_tasks.steps import ComputeStep, ReadStep, StageStep, Step

TABLES = ("shop.sales", "shop.revenue")


class Method:
    """An actor's method that notes the names that it is called by."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def options(self, name: str, num_returns: int) -> "Method":
        assert num_returns == 2
        self._names.append(name)
        return self

    def remote(self, *_: object) -> tuple[object, object]:
        return object(), object()


def month_of_steps(table: str, year: int, month: int) -> list[Step]:
    days = tuple(date(year, month, day) for day in range(1, monthrange(year, month)[1] + 1))
    block = Block(BlockKey(table, year, month), ("day",), days)
    chunk = Chunk(table, days, days[-1], frozenset())
    staging = TableRef("staging", f"r_1_{year}_{month}")
    return [
        ReadStep("r", block, None, None),
        ComputeStep("r", chunk, (), f"{table} {days[0]}..{days[-1]}"),
        StageStep("r", f"r-1-{table}-{year}-{month}", table, staging, days),
    ]


def test_tasks_of_a_sort_on_a_table_share_a_name_and_steps_stay_apart() -> None:
    names: list[str] = []
    handle: Any = SimpleNamespace(compute=Method(names), transfer=Method(names))
    steps = [
        s
        for table, year, month in product(TABLES, (2023, 2024), range(1, 13))
        for s in month_of_steps(table, year, month)
    ]
    for step in steps:
        pool = RayPool(1, lambda _: handle)
        pool.submit(step, ())
        assert pool.describe() == [f"{step} on worker-1"]
    assert len(names) == len({str(step) for step in steps}) == 144
    assert set(names) == {
        "read shop.sales",
        "compute shop.sales",
        "stage shop.sales",
        "read shop.revenue",
        "compute shop.revenue",
        "stage shop.revenue",
    }
