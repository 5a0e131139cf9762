"""A run that sleeps while another does its dates, and then wakes: it notices, overwrites nothing, and says so.

How it is put to sleep: the proxy delays a call, and the command is stopped (SIGSTOP) while that call hangs. So it
sends what comes next only after it has been woken, long after the other run has ended.
"""

import re
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration import shop
from tests.integration.runs_here import Here, counted
from tests.integration.shop_fixtures import NewShop, fair_weather, new_shop, server, stock, whole  # noqa: F401
from tests.integration.shop_runs import Command, Hashes, Shop, eventually
from tests.integration.test_shares import shares, sharing

HANGS = {"mode": "delay", "seconds": 3.0}
STEPS: dict[str, dict[str, Any]] = {
    "before its load": {**HANGS, "method": "upload", "job_id_contains": "-revenue-1-load-"},
    "before it announces its commit": {**HANGS, "method": "insert", "job_id_contains": "-event-commit_sent-"},
}
ANOTHER, LATER = "another run", "a later start of the same run"
PARTITIONS = len(shop.DERIVED) * len(shop.DAYS)
BY_ANOTHER = {"superseded", "current"}
"""What becomes of partitions that another run has published: found out by the commit, or already by the ledger."""


def asleep(store: Shop, step: dict[str, Any], **more: str) -> Command:
    """A backfill that was stopped at that step."""
    control = store.server.control
    control.reset()
    control.change(faults=[step])
    command = store.start("backfill", "--yes", "--run", store.run_id("zombie"), **more)
    eventually(lambda: control.counters()["faults"].get("delay", 0) > 0 or command.code is not None, 120, 0.02)
    assert command.code is None, command.told
    command.send(signal.SIGSTOP)
    control.change(faults=[])
    return command


def assert_it_wakes_and_overwrites_nothing(store: Shop, command: Command, whole: Hashes) -> None:  # noqa: F811
    """Every ledger row and every row of the tables is the other run's, bit for bit; and it ends well by itself."""
    store.assert_whole(whole)
    before = store.ledger(), store.ledger_rows(), generations(store)
    command.send(signal.SIGCONT)
    assert command.wait(240) == 0, command.told
    assert "Traceback" not in command.told
    assert (store.ledger(), store.ledger_rows(), generations(store)) == before
    store.assert_whole(whole)
    assert store.staging() == []
    assert store.jobs_running() == ()


def generations(store: Shop) -> list[Any]:
    return [store.query(f"SELECT generation FROM `{store.state(f'head__{t[5:]}')}`") for t in shop.DERIVED]


@pytest.mark.parametrize(
    ("step", "other"),
    [
        ("before it announces its commit", ANOTHER),
        ("before its load", LATER),  # which ends the load and drops the staging table of the one that sleeps
        pytest.param("before it announces its commit", LATER, marks=pytest.mark.slow),
        pytest.param("before its load", ANOTHER, marks=pytest.mark.slow),
    ],
)
def test_a_run_that_slept_is_superseded(
    new_shop: NewShop,  # noqa: F811
    whole: Hashes,  # noqa: F811
    step: str,
    other: str,
) -> None:
    store = new_shop()
    command = asleep(store, STEPS[step])
    report = Here(store).run("awake" if other == ANOTHER else "zombie")
    assert counted(report) == {"committed": PARTITIONS}
    assert report.identity.start == (1 if other == ANOTHER else 2)
    assert_it_wakes_and_overwrites_nothing(store, command, whole)
    ended = store.outcomes(store.run_id("zombie"))
    assert len(ended) == PARTITIONS
    assert {row["outcome"] for row in ended.values()} <= BY_ANOTHER
    assert {row["outcome"] for (table, _), row in ended.items() if table == "shop.revenue"} == {"superseded"}
    told = re.findall(r"superseded: shop.revenue: (\d+) dates,.*committed it first \((.*)-revenue-\d+\)", command.out)
    assert sum(int(dates) for dates, _ in told) == len(shop.DAYS)
    assert {f"{commit}-" for _, commit in told} == {report.identity.prefix}
    assert store.events(store.run_id("zombie"))[-1] == "ended"


def test_a_run_that_slept_while_its_commit_ran(new_shop: NewShop, whole: Hashes) -> None:  # noqa: F811
    """What it had sent is published and stays; the other run awaits it and does the rest; it does nothing twice."""
    store = new_shop()
    control = store.server.control
    control.reset()
    control.change(latency={"commit": 4.0})
    command = store.start("backfill", "--yes", "--run", store.run_id("zombie"))
    eventually(lambda: control.counters()["in_flight"]["commit"] > 0 or command.code is not None, 120, 0.02)
    assert command.code is None, command.told
    command.send(signal.SIGSTOP)
    control.change(latency={})
    report = Here(store).run("awake")
    done = counted(report)["committed"]
    assert 0 < done < PARTITIONS
    assert_it_wakes_and_overwrites_nothing(store, command, whole)
    ended = store.outcomes(store.run_id("zombie"))
    own = [key for key, row in ended.items() if row["outcome"] == "committed"]
    assert len(own) == PARTITIONS - done
    assert {row["outcome"] for row in ended.values()} <= BY_ANOTHER | {"committed"}
    mine = {key for key, row in store.ledger().items() if row["commit_id"].startswith(store.run_id("zombie"))}
    assert mine == set(own)


@pytest.mark.slow
def test_a_run_that_slept_beyond_its_share_asks_for_another_one(
    new_shop: NewShop,  # noqa: F811
    whole: Hashes,  # noqa: F811
    tmp_path: Path,
) -> None:
    """Its share goes to the other run after a minute's silence; awake, it does not go on with what it had."""
    file = tmp_path / "shares.json"
    store = sharing(new_shop(), file, dict.fromkeys(("read", "query", "load", "commit"), 1))
    control = store.server.control
    sleeper = asleep(store, STEPS["before it announces its commit"])
    row = f"{store.run_id('zombie')}-1"
    assert row in shares(file)
    other = store.start("backfill", "--yes", "--run", store.run_id("awake"))
    eventually(lambda: f"a share of the budget, which other runs have: {row}." in other.err or other.code is not None)
    control.change(latency=dict.fromkeys(("read", "query", "load", "commit"), 0.5))
    eventually(lambda: row not in shares(file) or other.code is not None, 120)
    eventually(lambda: store.events(store.run_id("awake"))[-1:] == ["started"] or other.code is not None)
    assert other.code is None, other.told
    control.reset()
    sleeper.send(signal.SIGCONT)
    assert [other.wait(240), sleeper.wait(240)] == [0, 0], other.told + sleeper.told
    most = control.counters()["max_in_flight"]
    assert [most["read"], most["load"], most["commit"]] == [1, 1, 1], most
    assert "Traceback" not in sleeper.told + other.told
    assert shares(file) == {}
    store.assert_whole(whole)
    assert store.staging() == []


@pytest.mark.slow
@pytest.mark.parametrize("whom", ["the driver", "every process"])
def test_a_run_on_ray_that_slept_is_superseded(
    new_shop: NewShop,  # noqa: F811
    whole: Hashes,  # noqa: F811
    whom: str,
) -> None:
    store = new_shop()
    step = STEPS["before it announces its commit"]
    command = asleep(store, step, BACKCOURT_POOL="ray", BACKCOURT_WORKERS="2")
    family = [p for p in command.family() if whom == "every process"]
    for process in family:
        process.suspend()
    assert counted(Here(store).run("awake")) == {"committed": PARTITIONS}
    for process in family:
        process.resume()
    assert_it_wakes_and_overwrites_nothing(store, command, whole)
    ended = store.outcomes(store.run_id("zombie"))
    assert {row["outcome"] for row in ended.values()} <= BY_ANOTHER
    eventually(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in family))
