"""The engine on Ray: the same rows, the budget held by many workers, and the death of every process but the driver."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import ray

from ray_tasks.observing import Progress
from tests.integration import shop
from tests.integration.ray_cluster import Cluster, cluster  # noqa: F401
from tests.integration.runs_here import Here, counted
from tests.integration.shop_fixtures import NewShop, fair_weather, new_shop, server, stock, whole  # noqa: F401
from tests.integration.shop_runs import Hashes, Shop, eventually

ALL = {"committed": 3 * len(shop.DAYS)}


@dataclass
class Meddler:
    """An observer that does something, once, as soon as the run is in a certain state."""

    act: Callable[[Progress], bool]
    done: bool = False
    last: Progress | None = None
    said: list[str] = field(default_factory=list)

    def opened(self, dashboard_url: str) -> None:
        pass

    def progress(self, progress: Progress) -> None:
        self.last = progress
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


def no_permit_is_left(progress: Progress | None) -> bool:
    return progress is not None and not any(k.held or k.orphaned for k in progress.kinds)


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
    assert no_permit_is_left(meddler.last)


def test_the_permit_authority_killed(new_shop: NewShop, whole: Hashes, cluster: Cluster) -> None:  # noqa: F811
    """It comes back under another epoch, learns what is held, and grants no more than the budget."""
    store = new_shop()
    store.server.control.reset()
    store.server.control.change(latency={"load": 2.0, "commit": 2.0})
    epochs: list[str] = []

    def epoch() -> str:
        return str(ray.get(ray.get_actor("permits").state.remote()).epoch)

    def kill_authority(progress: Progress) -> bool:
        if not held(progress, "load"):
            return False
        epochs.append(epoch())
        return kill(cluster, "ray::PermitAuthority")

    meddler = Meddler(kill_authority)
    budget = {"read": 2, "query": 1, "load": 1, "commit": 1}
    report = Here(store, 3, 7, cluster.address, budget).run("authority", observer=meddler)
    assert meddler.done
    assert counted(report) == ALL
    store.assert_whole(whole)
    most = store.server.control.counters()["max_in_flight"]
    assert (most["load"], most["commit"]) == (1, 1)
    assert most["read"] <= 2
    assert store.jobs_running() == ()


def test_many_workers_keep_a_small_budget(
    stock: Shop,  # noqa: F811
    tmp_path: Path,
    cluster: Cluster,  # noqa: F811
) -> None:
    """Twelve tables and twelve behind them; 32 workers want 24 reads and 24 loads at once and get four of each."""
    pipeline = shop.wide(12)
    store = Shop(stock.server, tmp_path, stock.installed, stock=stock, pipeline=pipeline).take_stock()
    store.server.control.reset()
    store.server.control.change(limits={}, latency={"read": 0.3, "load": 0.3, "query": 0.3})
    budget = {"read": 4, "query": 4, "load": 4, "commit": 4}
    report = Here(store, 32, ray=cluster.address, budget=budget).run("many")
    counters = store.server.control.counters()
    assert counted(report) == {"committed": 24 * len(shop.DAYS)}
    most = counters["max_in_flight"]
    assert (most["read"], most["load"], most["query"]) == (4, 4, 4)
    assert most["commit"] <= 4
    assert counters["rejections"] == {}
    assert counters["conflicts"] == 0


def test_a_run_that_stands_still_ends_and_names_what_it_waits_for(new_shop: NewShop, cluster: Cluster) -> None:  # noqa: F811
    store = new_shop()
    store.server.control.change(latency={"load": 600.0})
    budget = {"read": 4, "query": 4, "load": 1, "commit": 4}
    report = Here(store, 2, ray=cluster.address, budget=budget, stall=5).run("stuck")
    assert report.exit_code == 6
    assert "No progress for" in report.end.stall
    assert f"stage {store.run_id('stuck')}-1-revenue-1" in report.end.stall
    assert {o.outcome.value for o in report.outcomes} == {"left"}
    store.server.control.change(latency={})
    eventually(lambda: store.jobs_running() == ())
