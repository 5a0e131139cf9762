"""BigQuery can't be asked any more once a commit is on its way: the run says so, and the next one doubles nothing."""

import json
from typing import Any

import pytest

from tests.integration import shop
from tests.integration.shop_fixtures import NewShop, fair_weather, new_shop, server, stock, whole  # noqa: F401
from tests.integration.shop_runs import Hashes, eventually

SHORT = (
    "import ray_tasks.driver, ray_tasks.run; ray_tasks.driver.STOP_SECONDS = ray_tasks.run.STALLED_RECORD_SECONDS = 2"
)
"""How long a run that stands still waits for its commits and for its record: a minute and more is no test's."""
DOWN: list[dict[str, Any]] = [{"mode": "before", "times": None}]
"""Every call answers 503."""
MONTH = [day for day in shop.DAYS if day.month == 1]
"""One block: once its first commit is on its way, the run has nothing else to do."""
NEVER_ARRIVES = [{"method": "insert"}, {"method": "get"}]
"""What goes wrong of a commit that is sent again and again and looked for, always in vain."""


@pytest.mark.parametrize("arrived", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_commit_of_which_nobody_knows_how_it_ended(new_shop: NewShop, whole: Hashes, arrived: bool) -> None:  # noqa: F811
    store, name = new_shop(), f"down-{arrived}".lower()
    control = store.server.control
    control.reset()
    if arrived:
        control.change(latency={"commit": 2.0})
    else:
        control.change(faults=[{**DOWN[0], "job_id_contains": "-commit-", **call} for call in NEVER_ARRIVES])
    words = ("--run", store.run_id(name), "--end", str(MONTH[-1]))
    command = store.start("backfill", "--yes", "--json", *words, before=SHORT, BACKCOURT_STALL_SECONDS="4")
    if arrived:
        eventually(lambda: control.counters()["in_flight"]["commit"] > 0 or command.code is not None, 120, 0.02)
        control.change(faults=DOWN)
    assert command.wait(120) == 6, command.told
    control.change(faults=[], latency={})

    told = json.loads(command.out)
    (commit,) = told["unknown_commits"]
    assert f"commit {commit}" in told["ended_early"]
    assert {p["outcome"] for p in told["partitions"]} == {"left"}
    ours = [key for key, row in store.ledger().items() if row["commit_id"] == commit]
    assert bool(ours) == arrived

    again = store.run("backfill", "--yes", *words)
    assert again.code == 0, again.told
    store.assert_whole({key: value for key, value in whole.items() if key[1] in MONTH})
    assert store.ledger_rows() == len(shop.DAYS) + 3 * len(MONTH)
    # what had been published is not done again, and all the rest is
    ended = store.outcomes(store.run_id(name), start=2)
    assert {row["outcome"] for row in ended.values()} == {"committed"}
    assert sorted([*ended, *ours]) == sorted(key for key in whole if key[1] in MONTH)
    assert store.staging() == []
    assert store.jobs_running() == ()
