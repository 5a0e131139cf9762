"""Where cases take place: one local BigQuery on a folder, one fork server, shops with dates that nobody has computed.

Each case gets the next dates of a shop, so that it starts from nothing without anything being set up anew. The first
dates of a shop are computed undisturbed: that tells how long a run takes here and now.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from time import monotonic

import psutil

from backcourt.warehouse.emulator import LocalBigQuery
from tests.faults.kills.fork_server import Child, ForkServer
from tests.faults.kills.schedule import TABLES, Pool
from tests.integration import shop
from tests.integration.ray_cluster import WITHOUT_TOKEN, Cluster
from tests.integration.runs_here import Here
from tests.integration.shop_fixtures import expected
from tests.integration.shop_runs import NUMBERS, Hashes, Shop, install
from tests.integration.warehouse_fixtures import free_port

LONGEST = 150.0
"""Seconds that any command may take: a bound on hanging."""
WINDOW = 2
"""Days of a case."""
WORKERS = 2
"""Workers of a pool on Ray."""
ALL_CHECKS = "credentials,datasets,locations,disk,object-store,clock"
"""Checks of the preflight; what they ask is asked again by the run."""


@dataclass(frozen=True)
class Window:
    """A case's dates in a shop; every earlier date is committed. `length` is seconds of an undisturbed run."""

    store: Shop
    days: tuple[date, ...]
    length: float

    def whole(self, everything: Hashes) -> Hashes:
        """What the shop's tables must hold once these dates are there."""
        return {key: each for key, each in everything.items() if key[0] in self.tables and key[1] <= self.days[-1]}

    @property
    def tables(self) -> tuple[str, ...]:
        """Full names of the tables that a case computes."""
        return tuple(f"shop.{table}" for table in TABLES)

    def ledger_rows(self) -> int:
        """Ledger rows of these tables: one for each time that a partition was written."""
        names = ", ".join(f"'{name}'" for name in self.tables)
        sql = f"SELECT COUNT(*) AS n FROM `{self.store.state('ledger')}` WHERE table_name IN ({names})"
        return int(self.store.query(sql)[0]["n"])


@dataclass
class Place:
    """One server, one fork server, one shop after the other; a Ray where the pool is `ray`."""

    folder: Path
    installed: Path
    pool: Pool
    forks: ForkServer
    server: LocalBigQuery
    ports: dict[str, int]
    stock: Shop
    whole: Hashes
    ray: Cluster | None = None
    _windows: Iterator[Window] = field(default_factory=lambda: iter(()))

    # --- dates ------------------------------------------------------------------------------------------------

    def window(self) -> Window:
        """Dates that no case has had."""
        found = next(self._windows, None)
        if found is None:
            self._windows = self._of_a_new_shop()
            found = next(self._windows)
        return found

    def leave_shop(self) -> None:
        """Let no later case work where one has failed."""
        self._windows = iter(())

    def _of_a_new_shop(self) -> Iterator[Window]:
        store = Shop(self.server, self.folder, self.installed, stock=self.stock).take_stock()
        undisturbed, *rest = (shop.DAYS[at : at + WINDOW] for at in range(0, len(shop.DAYS), WINDOW))
        started = monotonic()
        child = self.start(Window(store, undisturbed, 0.0), store.run_id("calm"))
        assert child.wait(LONGEST) == 0, child.told
        length = monotonic() - started
        return (Window(store, days, length) for days in rest)

    # --- commands ---------------------------------------------------------------------------------------------

    def start(self, window: Window, run_id: str, *, own_ray: bool = False) -> Child:
        """Start the command for these dates; the same run id is the same command."""
        ray = {} if own_ray or self.ray is None else {"BACKCOURT_RAY_ADDRESS": self.ray.address}
        environment = window.store.environment(BACKCOURT_POOL=self.pool, BACKCOURT_WORKERS=str(WORKERS), **ray)
        del environment["PYTHONPATH"]
        words = ["backfill", "--yes", "--run", run_id, "--tables", ",".join(TABLES)]
        words += ["--start", str(window.days[0]), "--end", str(window.days[-1]), "--skip-preflight", ALL_CHECKS]
        return self.forks.start(words, environment, self.folder, self.folder / f"command-{next(NUMBERS)}")

    # --- the server -------------------------------------------------------------------------------------------

    @property
    def proxy(self) -> psutil.Process:
        """The process that clients speak to."""
        folder = str((self.folder / "bigquery").resolve())
        return next(p for p in psutil.Process().children() if folder in " ".join(p.cmdline()))

    @property
    def emulator(self) -> psutil.Process:
        """The process that has the data."""
        return next(p for p in self.proxy.children() if "backcourt.warehouse.proxy.engine" in p.cmdline())

    def restart_server(self) -> None:
        """Start the server again, whose process has ended, on the same folder and the same ports."""
        self.server.__exit__(None, None, None)
        self.server = LocalBigQuery(self.folder / "bigquery", **self.ports).__enter__()
        assert self.server.started_here


@contextmanager
def opened(folder: Path, pool: Pool) -> Iterator[Place]:
    """A place in an empty folder, for the length of a `with` block."""
    ports = {"port": free_port(), "storage_port": free_port()}
    installed = install(folder / "installed")
    server = LocalBigQuery(folder / "bigquery", **ports).__enter__()
    stock = Shop(server, folder, installed)
    ray: Cluster | None = None
    place: Place | None = None
    try:
        assert Here(stock).run("ingest", orders=stock.orders).exit_code == 0
        with ForkServer(installed, folder / "forks.log") as forks:
            ray = Cluster(folder / "ray.log", **WITHOUT_TOKEN) if pool is Pool.RAY else None
            place = Place(folder, installed, pool, forks, server, ports, stock, expected(stock.orders), ray)
            yield place
    finally:
        if ray:
            ray.stop()
        (place.server if place else server).__exit__(None, None, None)
