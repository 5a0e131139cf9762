"""A local BigQuery for a test module, a shop whose orders are there, and what its tables must hold in the end."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from backcourt.pipeline.content_hash import content_hashes
from backcourt.sources.folder import FolderSource
from backcourt.warehouse.emulator import LocalBigQuery
from tests.integration import shop
from tests.integration.runs_here import Here
from tests.integration.shop_runs import Hashes, Shop, install
from tests.plain_loop import run_in_memory

NewShop = Callable[[], Shop]


@pytest.fixture(scope="module")
def server() -> Iterator[LocalBigQuery]:
    with LocalBigQuery(None) as running:
        yield running


@pytest.fixture(autouse=True)
def fair_weather(server: LocalBigQuery) -> Iterator[None]:
    """Whatever a test changes of the server's behaviour is off again afterwards."""
    server.control.reset()
    yield
    server.control.change(limits=None, latency={}, stub=False, race=None, faults=[], fault_rate=0.0, seed=0)


@pytest.fixture(scope="module")
def stock(server: LocalBigQuery, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with its orders ingested; other shops of the module sell from its stock."""
    folder = tmp_path_factory.mktemp("stock")
    first = Shop(server, folder, install(folder / "installed"))
    report = Here(first).run("ingest", orders=first.orders)
    assert report.exit_code == 0, next(iter(report.outcomes))
    return first


@pytest.fixture
def new_shop(stock: Shop, tmp_path: Path) -> NewShop:
    """Opens shops with the stock's orders and nothing else."""

    def opened() -> Shop:
        return Shop(stock.server, tmp_path, stock.installed, stock=stock).take_stock()

    return opened


@cache
def expected(folder: Path) -> Hashes:
    """Content hashes of every derived partition by a plain loop in memory, without the engine."""
    as_of = date.fromisoformat(shop.AFTER)
    frames = run_in_memory(shop.PIPELINE, FolderSource(str(folder)), shop.DAYS[0], shop.DAYS[-1], as_of, 9999)
    return {
        (name, day): made
        for name in shop.DERIVED
        for day, made in content_hashes(shop.PIPELINE.processor(name).table, frames[name], shop.DAYS).items()
    }


@pytest.fixture(scope="module")
def whole(stock: Shop) -> Hashes:
    return expected(stock.orders)
