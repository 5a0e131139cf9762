"""The engine run inside the test's own process, serially or on a Ray that is there already: no start of a process."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from backcourt.clock import SystemClock
from backcourt.pipeline.coverage import Thresholds
from backcourt.pipeline.outcomes import Outcome
from backcourt.sources.folder import FolderSource
from backcourt.warehouse.connection import Connection
from backcourt.warehouse.requests import Kind
from jobs.ground import ground_of
from jobs.planning import Planned, Wish, make_plan
from jobs.selection import DateSelection
from jobs.session import Session
from jobs.settings import Settings
from ray_tasks.attempts import Patience
from ray_tasks.committer import RunIdentity
from ray_tasks.driver import DriverSettings
from ray_tasks.engine import EngineSetup, ray_engine, serial_engine
from ray_tasks.joining import RaySetup, join_ray
from ray_tasks.observing import Observer, Progress, Together
from ray_tasks.prepare import clear_up, ensure_tables, resolve_unfinished
from ray_tasks.run import RunReport, RunSetup, claim_start, execute
from tests.integration import shop
from tests.integration.shop_runs import Shop

PATIENCE = Patience(tries=12, first=0.05, longest=0.5)
"""As often as ever, but without long waits."""


@dataclass
class Stop:
    """A stop that a test asks for."""

    exit_code: int = 0


@dataclass
class StopAfter:
    """An observer that asks for a stop once so many partitions have ended."""

    stop: Stop
    left: int

    def opened(self, dashboard_url: str) -> None:
        pass

    def progress(self, progress: Progress) -> None:
        pass

    def ended(self, outcome: Any) -> None:  # noqa: ARG002 (the port)
        self.left -= 1
        if self.left == 0:
            self.stop.exit_code = 130


@dataclass
class Here:
    """How to run. `ray` is the address of a Ray that is there; "" runs serially. Days are all, or those named."""

    shop: Shop
    workers: int = 1
    chunk_days: int = 31
    ray: str = ""
    budget: dict[str, int] = field(default_factory=lambda: {"read": 8, "query": 8, "load": 4, "commit": 4})
    stall: float = 120.0
    patience: Patience = PATIENCE
    code: str = "here"

    def session(self) -> Session:
        settings = Settings(
            pipeline="shop",
            pool="ray" if self.ray else "serial",
            as_of=date.fromisoformat(shop.AFTER),
            chunk_days=self.chunk_days,
            refresh_days=0,
        )
        return Session(
            settings,
            self.shop.pipeline,
            Connection(self.shop.server.endpoint, self.shop.datasets),
            self.shop.warehouse,
            SystemClock(),
            "shop_orchestration",
            date.fromisoformat(shop.AFTER),
        )

    def _join(self, namespace: str) -> str:
        return join_ray(RaySetup(self.ray), namespace, SystemClock())

    def plan(self, name: str, **wish: Any) -> Planned:
        """What a run would do."""
        session = self.session()
        return make_plan(session, ground_of(session, self.shop.run_id(name)), _wish(wish))

    def run(self, name: str, stop: Stop | None = None, observer: Observer | None = None, **wish: Any) -> RunReport:
        """Prepare, plan and run, as `jobs.flow.carry_out` does."""
        session, wanted = self.session(), _wish(wish)
        ground = ground_of(session, self.shop.run_id(name))
        tables = tuple(p.name for p in self.shop.pipeline.processors if p.is_raw == bool(wanted.source))
        ensure_tables(ground, tables, create_datasets=True)
        start = claim_start(ground.run_id, session.warehouse, ground.attempts, session.clock, session.state_dataset)
        resolve_unfinished(ground, tables, start)
        clear_up(ground, start)
        planned = make_plan(session, ground, wanted)
        return self.execute(session, RunIdentity(ground.run_id, start, self.code), planned, wanted, stop, observer)

    def execute(
        self,
        session: Session,
        identity: RunIdentity,
        planned: Planned,
        wish: Wish,
        stop: Stop | None = None,
        observer: Observer | None = None,
    ) -> RunReport:
        """Run a plan that is there."""
        budgets = {Kind(kind): number for kind, number in self.budget.items()}
        engine = EngineSetup(
            session.pipeline, session.connection, session.state_dataset, budgets, self.workers, identity.run_id,
            wish.source, self.patience,
        )  # fmt: skip
        setup = RunSetup(
            session.pipeline, session.warehouse, session.clock, session.state_dataset, Thresholds(),
            self.chunk_days, self.workers,
            DriverSettings(self.budget["read"], self.budget["load"], self.stall),
        )  # fmt: skip
        opened = (
            (lambda: ray_engine(engine, session.warehouse, session.clock, identity.prefix, self._join))
            if self.ray
            else (lambda: serial_engine(engine, session.warehouse, session.clock))
        )
        return execute(
            setup, identity, planned.calendar, planned.plan, planned.seen, opened,
            stop or Stop(), observer or Together(), {},
        )  # fmt: skip


def _wish(given: dict[str, Any]) -> Wish:
    days = given.pop("days", ())
    orders = given.pop("orders", None)
    source = FolderSource(str(orders)) if orders else None
    return Wish("backfill", dates=DateSelection(named=tuple(days)), source=source, **given)


def counted(report: RunReport) -> dict[str, int]:
    """How many partitions ended how."""
    return {o.value: n for o in Outcome if (n := sum(each.outcome is o for each in report.outcomes))}
