"""The engine on Ray: the same rows, the budget held by many workers, and the death of every process but the driver."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import ray

from backcourt.warehouse.requests import Kind
from ray_tasks.observing import Progress
from tests.integration import shop
from tests.integration.ray_cluster import Cluster, cluster  # noqa: F401
from tests.integration.runs_here import Here, counted
from tests.integration.shop_fixtures import NewShop, fair_weather, new_shop, server, stock, whole  # noqa: F401
from tests.integration.shop_runs import Hashes, Shop

ALL = {"committed": 3 * len(shop.DAYS)}
MANY = int(os.environ.get("BACKCOURT_MANY_WORKERS", "12"))
"""More than the budget; `make test-faults` takes 32, which start slowly on two cores."""


@dataclass
class Meddler:
    """An observer that does something, once, as soon as the run is in a certain state."""

    act: Callable[[Progress], bool]
    done: bool = False

    def opened(self, dashboard_url: str) -> None:
        pass

    def progress(self, progress: Progress) -> None:
        self.done = self.done or self.act(progress)

    def ended(self, outcome: Any) -> None:
        pass


def held(progress: Progress, kind: str) -> int:
    return next(k.held for k in progress.kinds if k.kind == kind) if progress.kinds else 0


def kill(cluster: Cluster, title: str) -> bool:  # noqa: F811
    """SIGKILL one process of that title, if there is one."""
    found = cluster.processes(title)
    for each in found[:1]:
        each.kill()
    return bool(found)


@pytest.mark.parametrize("workers", [1, 4])
def test_any_number_of_workers_gives_the_rows_of_a_plain_loop(
    new_shop: NewShop,  # noqa: F811
    whole: Hashes,  # noqa: F811
    cluster: Cluster,  # noqa: F811
    workers: int,
) -> None:
    store = new_shop()
    report = Here(store, workers, 7, cluster.address).run("ray")
    assert counted(report) == ALL
    store.assert_whole(whole)
    assert store.staging() == []


def test_the_log_of_rays_tasks_tells_each_step(
    new_shop: NewShop,  # noqa: F811
    cluster: Cluster,  # noqa: F811
) -> None:
    """Ray's dashboard shows it beside each task: those of a sort on a table have one name."""
    logs: set[Path] = set()

    def find_logs(_: Progress) -> bool:
        found = [p.pid for name in ("ray::read", "ray::compute", "ray::stage") for p in cluster.processes(name)]
        with suppress(OSError):  # a process has ended meanwhile
            logs.update(Path(f"/proc/{pid}/fd/1").readlink() for pid in found)
        return False

    store = new_shop()
    store.server.control.change(latency={"load": 1.0})
    report = Here(store, 1, ray=cluster.address).run("told", observer=Meddler(find_logs))
    assert counted(report) == ALL
    (log,) = logs
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert {line["run"] for line in lines} == {store.run_id("told")}
    began, ended = (
        [line["step"] for line in lines if line["event"] == event] for event in ("step began", "step ended")
    )
    assert sorted(began) == sorted(ended)
    assert len(set(began)) == len(began) > 6
    staged = [line["rows"] for line in lines if line["event"] == "step ended" and line["step"].startswith("stage ")]
    assert sum(staged) == sum(outcome.row_count for outcome in report.outcomes)


@pytest.mark.slow  # the kill suite's short version kills such workers in CI
def test_a_holder_killed_while_it_loads(new_shop: NewShop, whole: Hashes, cluster: Cluster) -> None:  # noqa: F811
    """Its permit comes back, its job is ended, its dates are staged by another; with the reaper killed before."""
    store = new_shop()
    store.server.control.change(latency={"load": 4.0})
    killed: list[str] = []

    def kill_reaper_and_stager(progress: Progress) -> bool:
        if not held(progress, "load"):
            return False
        killed.extend(job for job in store.jobs_running() if "-load-" in job)
        return bool(killed) and kill(cluster, "ray::Reaper") and kill(cluster, "ray::stage")

    meddler = Meddler(kill_reaper_and_stager)
    here = Here(store, 2, ray=cluster.address, budget={"read": 4, "query": 4, "load": 1, "commit": 4})
    report = here.run("holder", observer=meddler)
    assert meddler.done
    assert counted(report) == ALL
    store.assert_whole(whole)
    assert store.server.control.counters()["max_in_flight"]["load"] == 1
    assert str(store.warehouse.job(killed[0]).phase) == "failed"  # cancelled by the reaper
    assert store.jobs_running() == ()


@pytest.mark.slow
def test_the_permit_authority_killed(new_shop: NewShop, whole: Hashes, cluster: Cluster) -> None:  # noqa: F811
    """It comes back under another epoch, learns what is held and what the budget was, and grants no more than that."""
    store = new_shop()
    store.server.control.reset()
    store.server.control.change(latency={"load": 2.0, "commit": 2.0})
    epochs: list[str] = []

    def epoch() -> str:
        return str(ray.get(ray.get_actor("permits").state.remote()).epoch)

    def kill_authority(progress: Progress) -> bool:
        settings.append(next((k.setting for k in progress.kinds if k.kind is Kind.QUERY), 0))
        if settings[-1] == 1 and not epochs:
            ray.get(ray.get_actor("permits").set_limits.remote({Kind.QUERY: 3}))
        if epochs or settings[-1] != 3 or not held(progress, "load"):
            return False
        epochs.append(epoch())
        kill(cluster, "ray::PermitAuthority")
        return False  # it goes on looking

    settings: list[int] = []
    budget = {"read": 2, "query": 1, "load": 1, "commit": 1}
    report = Here(store, 3, 7, cluster.address, budget).run("authority", observer=Meddler(kill_authority))
    assert epochs
    assert set(settings[settings.index(3) :]) == {3}  # a change made live outlives it
    assert counted(report) == ALL
    store.assert_whole(whole)
    most = store.server.control.counters()["max_in_flight"]
    assert (most["load"], most["commit"]) == (1, 1)
    assert most["read"] <= 2
    assert store.jobs_running() == ()


def test_one_worker_stages_several_tables_at_once(
    stock: Shop,  # noqa: F811
    tmp_path: Path,
    cluster: Cluster,  # noqa: F811
) -> None:
    store = Shop(stock.server, tmp_path, stock.installed, stock=stock, pipeline=shop.wide(3)).take_stock()
    store.server.control.reset()
    store.server.control.change(latency={"load": 2.0})
    report = Here(store, 1, ray=cluster.address, budget={"read": 4, "query": 4, "load": 3, "commit": 4}).run("one")
    assert counted(report) == {"committed": 6 * len(shop.DAYS)}
    assert store.server.control.counters()["max_in_flight"]["load"] == 3


@pytest.mark.slow
def test_many_workers_keep_a_small_budget(
    stock: Shop,  # noqa: F811
    tmp_path: Path,
    cluster: Cluster,  # noqa: F811
) -> None:
    """Twelve tables and twelve behind them: MANY workers want more reads and loads at once than the four they get."""
    pipeline = shop.wide(12)
    store = Shop(stock.server, tmp_path, stock.installed, stock=stock, pipeline=pipeline).take_stock()
    store.server.control.reset()
    store.server.control.change(limits={}, latency={"read": 0.3, "load": 0.3, "query": 0.3})
    budget = {"read": 4, "query": 4, "load": 4, "commit": 4}
    report = Here(store, MANY, ray=cluster.address, budget=budget).run("many")
    counters = store.server.control.counters()
    assert counted(report) == {"committed": 24 * len(shop.DAYS)}
    most = counters["max_in_flight"]
    assert (most["read"], most["load"]) == (4, 4)
    assert max(most["query"], most["commit"]) <= 4
    assert counters["rejections"] == {}
    assert counters["conflicts"] == 0


@pytest.mark.slow
def test_a_run_that_stands_still_ends_and_names_what_it_waits_for(new_shop: NewShop, cluster: Cluster) -> None:  # noqa: F811
    store = new_shop()
    store.server.control.change(latency={"load": 600.0})

    def only_this_load_is_stuck(_: Progress) -> bool:
        if not any("-load-" in job for job in store.jobs_running()):
            return False
        store.server.control.change(latency={})
        return True

    budget = {"read": 4, "query": 4, "load": 1, "commit": 4}
    here = Here(store, 2, ray=cluster.address, budget=budget, stall=20)
    report = here.run("stuck", observer=Meddler(only_this_load_is_stuck))
    assert report.exit_code == 6
    assert "No progress for" in report.end.stall
    assert f"stage {store.run_id('stuck')}-1-revenue-1" in report.end.stall
    assert {o.outcome.value for o in report.outcomes} == {"left"}
    # the stuck load was cancelled, which gave its permit back for the load of the history
    assert report.recorded
    assert len(store.outcomes(store.run_id("stuck"))) == 3 * len(shop.DAYS)
    assert store.jobs_running() == ()
