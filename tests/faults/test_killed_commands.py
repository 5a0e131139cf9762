"""The command is killed at each step of the commit path and at any other instant; the same command finishes the rest.

How a step is hit: the proxy delays the call that begins it, and the command is killed while that call hangs. Nothing in
the product knows of it. BACKCOURT_FAULT_RUNS says how many random instants are tried.
"""

import os
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from tests.faults.reader import Reader
from tests.integration import shop
from tests.integration.shop_fixtures import NewShop, fair_weather, new_shop, server, stock, whole  # noqa: F401
from tests.integration.shop_runs import Command, Hashes, Shop, eventually

RUNS = int(os.environ.get("BACKCOURT_FAULT_RUNS", "3"))
LONG = 8.0
"""Seconds that a delayed call hangs: longer than it takes to notice and to kill."""
STEPS: dict[str, dict[str, Any]] = {
    "before the load": {"method": "upload", "job_id_contains": "-rolling-1-load-"},
    "after the load": {"method": "insert", "job_id_contains": "-event-commit_sent-"},
    "before the script arrives": {"method": "insert", "job_id_contains": "-rolling-1-commit-"},
    "before the answer, after the commit": {"method": "get", "job_id_contains": "-rolling-1-commit-"},
    "before the drop": {"method": "drop"},
}


def assert_the_same_command_finishes(store: Shop, name: str, whole: Hashes) -> None:  # noqa: F811
    """The rows of an undisturbed run, each written once; no staging table, no job, is left."""
    again = store.backfill(name)
    assert again.code == 0, again.told
    store.assert_whole(whole)
    assert store.ledger_rows() == 4 * len(shop.DAYS)
    assert store.staging() == []
    assert store.jobs_running() == ()


def killed_when(command: Command, happened: Callable[[], bool]) -> None:
    eventually(lambda: happened() or command.code is not None, 120, 0.02)
    assert command.code is None, command.told
    command.kill()


@pytest.mark.parametrize("step", STEPS)
def test_a_command_killed_at_a_step(new_shop: NewShop, whole: Hashes, step: str) -> None:  # noqa: F811
    store, control = new_shop(), new_shop().server.control
    with Reader(store):
        control.reset()
        control.change(faults=[{"mode": "delay", "seconds": LONG, **STEPS[step]}])
        command = store.start("backfill", "--yes", "--run", store.run_id("killed"))
        killed_when(command, lambda: control.counters()["faults"].get("delay", 0) > 0)
        assert_the_same_command_finishes(store, "killed", whole)


def test_a_command_killed_while_its_commit_runs(new_shop: NewShop, whole: Hashes) -> None:  # noqa: F811
    """The commit goes on at BigQuery; the next start awaits it before it plans, and so does not repeat its dates."""
    store = new_shop()
    control = store.server.control
    with Reader(store):
        control.reset()
        control.change(latency={"commit": 3.0})
        command = store.start("backfill", "--yes", "--run", store.run_id("running"))
        killed_when(command, lambda: control.counters()["in_flight"]["commit"] > 0)
        running = store.jobs_running()
        assert len(running) == 1
        again = store.backfill("running")
        assert again.code == 0, again.told
    assert running[0].rpartition("-")[0] in again.out.replace("\n", "")
    store.assert_whole(whole)
    assert store.ledger_rows() == 4 * len(shop.DAYS)
    ended = store.outcomes(store.run_id("running"), start=2)
    assert len(ended) < 3 * len(shop.DAYS)
    assert {row["outcome"] for row in ended.values()} == {"committed"}
    assert store.staging() == []


@pytest.mark.parametrize("seed", range(RUNS))
def test_a_command_killed_at_any_instant(new_shop: NewShop, whole: Hashes, seed: int) -> None:  # noqa: F811
    store = new_shop()
    control = store.server.control
    with Reader(store) as reader:
        control.reset()
        at = Random(seed).randint(1, 250)
        command = store.start("backfill", "--yes", "--run", store.run_id("any"), "--chunk-days", "7")
        eventually(
            lambda: control.counters()["requests"] - reader.looks * 3 >= at or command.code is not None, 120, 0.01
        )
        command.kill()
        assert_the_same_command_finishes(store, "any", whole)
