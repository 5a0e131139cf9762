"""A process beside the command is killed at each step of the commit path; the run goes on and publishes whole rows."""

import pytest

from ray_tasks.observing import Progress
from tests.faults.reader import Reader
from tests.faults.test_killed_commands import STEPS
from tests.integration import shop
from tests.integration.ray_cluster import Cluster, cluster  # noqa: F401
from tests.integration.runs_here import Here, counted
from tests.integration.shop_fixtures import NewShop, fair_weather, new_shop, server, stock, whole  # noqa: F401
from tests.integration.shop_runs import Hashes
from tests.integration.test_engine_on_ray import ALL, Meddler

TITLES = {
    "authority": ("ray::PermitAuthority",),
    "reaper": ("ray::Reaper",),
    "worker": ("ray::stage", "ray::read", "ray::Worker"),
}
"""Titles of the processes of each kind: a worker that is busy has its task's name."""


def kill_one(cluster: Cluster, titles: tuple[str, ...]) -> bool:  # noqa: F811
    """SIGKILL the first process that has one of the titles, if there is one."""
    found = next((process for title in titles for process in cluster.processes(title)), None)
    if found:
        found.kill()
    return bool(found)


@pytest.mark.slow
@pytest.mark.parametrize("victim", TITLES)
@pytest.mark.parametrize("step", STEPS)
def test_a_process_killed_at_a_step(
    new_shop: NewShop,  # noqa: F811
    whole: Hashes,  # noqa: F811
    cluster: Cluster,  # noqa: F811
    step: str,
    victim: str,
) -> None:
    store = new_shop()
    control = store.server.control
    control.reset()
    control.change(faults=[{"mode": "delay", "seconds": 5.0, **STEPS[step]}])

    def kill_at_the_step(_: Progress) -> bool:
        return control.counters()["faults"].get("delay", 0) > 0 and kill_one(cluster, TITLES[victim])

    meddler = Meddler(kill_at_the_step)
    run = f"stepped-{list(STEPS).index(step)}-{victim}"
    with Reader(store):
        report = Here(store, 2, ray=cluster.address).run(run, observer=meddler)
    assert meddler.done
    assert counted(report) == ALL
    store.assert_whole(whole)
    assert store.ledger_rows() == 4 * len(shop.DAYS)
    assert store.staging() == []
    assert store.jobs_running() == ()
