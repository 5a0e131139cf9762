"""The shop run as a user runs it: the `backcourt` command in a process of its own, against a shared local BigQuery.

Every `Shop` has datasets of its own, so that many tests share one server. Another process kills, stops and restarts
the command; this one looks at the warehouse from outside.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil

from backcourt.pipeline.content_hash import content_hashes
from backcourt.pipeline.processor import Pipeline
from backcourt.warehouse.client import BigQueryWarehouse
from backcourt.warehouse.definitions import definition_of, ensure, state_tables
from backcourt.warehouse.emulator import LocalBigQuery
from backcourt.warehouse.head import seed_head
from backcourt.warehouse.requests import JobRequest, Kind
from tests.integration import shop

REPOSITORY = Path(__file__).parents[2]
NUMBERS = count(1)
LEDGER = (
    "SELECT table_name, partition_date, commit_id, rows_commit, row_count, content_hash, forced, input_versions,"
    " coverage FROM `{}`"
    " QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name, partition_date ORDER BY generation DESC) = 1"
)
Hashes = dict[tuple[str, date], str]


def install(folder: Path) -> Path:
    """Make the shop an installed pipeline: a folder for PYTHONPATH that holds its entry point."""
    info = folder / "shop-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[backcourt.pipelines]\nshop = tests.integration.shop:PIPELINE\n")
    return folder


@dataclass
class Shop:
    """One set of datasets on a server. `installed` is what `install` made.

    With a `stock`, another shop, the orders are that shop's: `take_stock` copies what its ledger says of them.
    """

    server: LocalBigQuery
    folder: Path
    installed: Path
    settings: dict[str, str] = field(default_factory=dict)
    number: int = field(default_factory=lambda: next(NUMBERS))
    stock: "Shop | None" = None
    pipeline: Pipeline = shop.PIPELINE

    def __post_init__(self) -> None:
        self.id = f"{os.getpid()}-{self.number}"
        self.warehouse = BigQueryWarehouse(self.server.endpoint, self.datasets, call_timeout=60)

    @property
    def datasets(self) -> dict[str, str]:
        suffix = self.id.replace("-", "_")
        names = {name: f"{name}_{suffix}" for name in ("shop", "shop_raw", "shop_orchestration")}
        return names | ({"shop_raw": self.stock.datasets["shop_raw"]} if self.stock else {})

    @cached_property
    def orders(self) -> Path:
        return shop.write_orders(self.folder / "orders")

    def run_id(self, name: str) -> str:
        """A run id that no other shop has: job ids are the project's."""
        return f"{name}-{self.id}"

    # --- commands ---------------------------------------------------------------------------------------------

    def environment(self, **more: str) -> dict[str, str]:
        mine = {
            "PYTHONPATH": f"{self.installed}{os.pathsep}{REPOSITORY}",
            "BACKCOURT_PIPELINE": "shop",
            "BACKCOURT_PROJECT": self.server.endpoint.project,
            "BACKCOURT_ENDPOINT": self.server.endpoint.rest,
            "BACKCOURT_STORAGE_ENDPOINT": self.server.endpoint.storage,
            "BACKCOURT_DATASETS": json.dumps(self.datasets),
            "BACKCOURT_RUN_FOLDER": str(self.folder / "runs"),
            "BACKCOURT_SHARES": "none",
            "BACKCOURT_DASHBOARD": "false",
            "BACKCOURT_POOL": "serial",
            "BACKCOURT_AS_OF": shop.AFTER,
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("BACKCOURT_", "RAY_", "SHOP_"))}
        return {**kept, **mine, **self.settings, **more}

    def start(self, *words: str, before: str = "", **more: str) -> "Command":
        """Start `backcourt <words>`; settings and switches as environment, `before` is Python that runs first."""
        log = self.folder / f"command-{next(NUMBERS)}"
        with log.with_suffix(".out").open("w") as out, log.with_suffix(".err").open("w") as err:
            process = subprocess.Popen(
                [sys.executable, "-c", f"{before}\nfrom jobs.cli import main; main()", *words],
                env=self.environment(**more),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        return Command(process, log)

    def run(self, *words: str, **more: str) -> "Command":
        """Run `backcourt <words>` to its end."""
        command = self.start(*words, **more)
        command.wait(300)
        return command

    def take_stock(self) -> "Shop":
        """Have the tables and the stock's orders, without a command."""
        assert self.stock
        tables = [p.table for p in self.pipeline.processors]
        definitions = [*state_tables("shop_orchestration", tables), *map(definition_of, tables)]
        ensure(self.warehouse, definitions, create_datasets=self.warehouse.ensure_datasets)
        for table in tables:
            seed = seed_head(table, self.warehouse.names, "shop_orchestration", "seed", self.run_id(f"s-{table.name}"))
            self.warehouse.run(seed)
        orders = f"SELECT * FROM `{self.stock.state('ledger')}` WHERE table_name = 'shop_raw.orders'"
        self.query(f"INSERT INTO `{self.state('ledger')}` {orders}")
        return self

    def ingest(self) -> None:
        done = self.run("ingest", "--source", f"folder:{self.orders}", "--yes", "--run", self.run_id("ingest"))
        assert done.code == 0, done.told

    def backfill(self, name: str, *words: str, **more: str) -> "Command":
        return self.run("backfill", "--yes", "--run", self.run_id(name), *words, **more)

    # --- what is in the warehouse -----------------------------------------------------------------------------

    def query(self, sql: str) -> list[dict[str, Any]]:
        request = JobRequest(f"look-{self.id}-{next(NUMBERS)}", Kind.QUERY, "look", "t", sql=sql)
        return [dict(row) for row in self.warehouse.run(request).rows]

    def name(self, dataset: str, table: str) -> str:
        return f"{self.server.endpoint.project}.{self.datasets[dataset]}.{table}"

    def state(self, table: str) -> str:
        return self.name("shop_orchestration", table)

    def ledger(self) -> dict[tuple[str, date], dict[str, Any]]:
        """The newest ledger row of every partition."""
        rows = self.query(LEDGER.format(self.state("ledger")))
        return {(row["table_name"], row["partition_date"]): row for row in rows}

    def ledger_rows(self) -> int:
        return int(self.query(f"SELECT COUNT(*) AS n FROM `{self.state('ledger')}`")[0]["n"])

    def hashes_in_ledger(self, tables: Iterable[str] = shop.DERIVED) -> Hashes:
        wanted = set(tables)
        return {key: row["content_hash"] for key, row in self.ledger().items() if key[0] in wanted}

    def hashes_of_rows(self, tables: Iterable[str] = shop.DERIVED) -> Hashes:
        """Hashes made here from the rows that a reader sees; only of days that have rows."""
        found: Hashes = {}
        for table in (shop.PIPELINE.processor(name).table for name in tables):
            frame = self.rows(table.full_name)
            days = tuple(frame["day"].unique().sort().to_list())
            found |= {(table.full_name, day): h for day, h in content_hashes(table, frame, days).items()}
        return found

    def rows(self, table: str) -> Any:
        """Every row that a reader sees, as a Polars frame of the declared columns."""
        import polars as pl

        declared = shop.PIPELINE.processor(table).table
        columns = ", ".join(declared.column_names)
        found = self.query(f"SELECT {columns} FROM `{self.name(declared.dataset, declared.name)}`")
        frame = pl.from_arrow(declared.arrow_schema.empty_table())
        assert isinstance(frame, pl.DataFrame)
        return pl.DataFrame(found, schema=frame.schema)

    def events(self, run_id: str) -> list[str]:
        sql = f"SELECT event FROM `{self.state('runs')}` WHERE run_id = '{run_id}' ORDER BY `at`"
        return [row["event"] for row in self.query(sql)]

    def outcomes(self, run_id: str, start: int = 1) -> dict[tuple[str, date], dict[str, Any]]:
        sql = f"SELECT * FROM `{self.state('partition_outcomes')}` WHERE run_id = '{run_id}' AND start_number = {start}"
        return {(row["table_name"], row["partition_date"]): row for row in self.query(sql)}

    def staging(self) -> list[str]:
        """Staging tables that are there now."""
        project, dataset = self.server.endpoint.project, self.datasets["shop_orchestration"]
        sql = f"SELECT table_name FROM `{project}.{dataset}.INFORMATION_SCHEMA.TABLES`"
        return sorted(r["table_name"] for r in self.query(sql) if r["table_name"].startswith("staging__"))

    def jobs_running(self) -> tuple[str, ...]:
        """Jobs of this shop's runs that have not ended."""
        everything = self.warehouse.unfinished_jobs("")
        return tuple(job for job in everything if self.id in job and not job.startswith("look-"))

    def assert_whole(self, expected: Hashes) -> None:
        """Every partition is there once, as expected, in the rows and in the ledger."""
        assert self.hashes_in_ledger() == expected
        assert self.hashes_of_rows() == expected


@dataclass
class Command:
    """A command that was started."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def out(self) -> str:
        return self.log.with_suffix(".out").read_text()

    @property
    def err(self) -> str:
        return self.log.with_suffix(".err").read_text()

    @property
    def told(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"

    @property
    def code(self) -> int | None:
        return self.process.poll()

    def wait(self, seconds: float = 120) -> int:
        """Its exit code. It is killed if it does not end, and the test fails."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the command did not end within {seconds:g} s\n{self.told}") from None

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL to the command alone: what it started must notice by itself."""
        self.process.kill()
        self.process.wait()

    def family(self) -> list[psutil.Process]:
        """Every process that it has started so far and that lives."""
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.process.pid).children(recursive=True)
        return []


def eventually(what: Callable[[], Any], seconds: float = 60.0, pause: float = 0.1) -> Any:
    """The first true answer; the test fails if there is none in time. A bound on hanging, not a measurement."""
    deadline = monotonic() + seconds
    while not (answer := what()):
        assert monotonic() < deadline, f"nothing happened within {seconds:g} s"
        sleep(pause)
    return answer
