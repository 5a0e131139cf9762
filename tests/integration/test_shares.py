"""Several runs on one budget: with real processes, a real local BigQuery that counts, and a run that is killed."""

import json
import signal
from pathlib import Path
from typing import Any

from tests.integration.shop_fixtures import NewShop, fair_weather, new_shop, server, stock, whole  # noqa: F401
from tests.integration.shop_runs import Command, Hashes, Shop, eventually

BUDGET = {"read": 3, "query": 5, "load": 3, "commit": 3}


def sharing(store: Shop, file: Path, budget: dict[str, int]) -> Shop:
    """A shop whose runs share the budget in this file."""
    store.settings |= {"BACKCOURT_SHARES": f"file:{file}", "BACKCOURT_BUDGET": json.dumps(budget)}
    return store


def shares(file: Path) -> dict[str, dict[str, int]]:
    """What each run has, as the file says."""
    rows: list[dict[str, Any]] = json.loads(file.read_text() or "[]") if file.exists() else []
    return {row["wish"]["run"]: row["permits"] for row in rows}


def started(store: Shop, name: str) -> Command:
    return store.start("backfill", "--yes", "--run", store.run_id(name))


def test_a_run_on_ray_and_a_serial_one_together_keep_to_one_budget(
    new_shop: NewShop,  # noqa: F811
    whole: Hashes,  # noqa: F811
    tmp_path: Path,
) -> None:
    file = tmp_path / "shares.json"
    many, single = (sharing(new_shop(), file, BUDGET) for _ in range(2))
    many.settings |= {"BACKCOURT_POOL": "ray", "BACKCOURT_WORKERS": "4"}
    control = many.server.control
    control.change(latency={"read": 0.2, "load": 5.0})
    control.reset()
    left, right = started(many, "many"), started(single, "single")
    eventually(lambda: len(shares(file)) == 2 and all(min(has.values()) == 1 for has in shares(file).values()), 120)
    control.change(latency={"read": 0.1, "query": 0.1, "load": 0.1, "commit": 0.3})
    assert [left.wait(), right.wait()] == [0, 0], left.told + right.told
    most = control.counters()["max_in_flight"]
    # One is kept for a nightly run; of queries the commands send one each outside the budget while they prepare.
    allowed = {kind: number - (kind != "query") for kind, number in BUDGET.items()}
    assert {kind: most[kind] <= number for kind, number in allowed.items()} == dict.fromkeys(BUDGET, True), most
    assert shares(file) == {}
    for store in (many, single):
        store.assert_whole(whole)


def test_a_killed_runs_share_returns_once_its_jobs_have_ended(
    new_shop: NewShop,  # noqa: F811
    whole: Hashes,  # noqa: F811
    tmp_path: Path,
) -> None:
    file = tmp_path / "shares.json"
    store, other, third = (sharing(new_shop(), file, dict.fromkeys(BUDGET, 1)) for _ in range(3))
    control = store.server.control
    control.change(latency={"load": 10.0})
    killed = started(store, "killed")
    eventually(lambda: control.counters()["in_flight"]["load"] == 1)
    waiting, stopped = started(other, "waiting"), started(third, "stopped")
    row = f"{store.run_id('killed')}-1"
    for run in (waiting, stopped):
        eventually(lambda run=run: f"a share of the budget, which other runs have: {row}." in run.err)  # type: ignore[misc]
    stopped.send(signal.SIGTERM)
    assert stopped.wait() == 143, stopped.told

    eventually(lambda: control.counters()["in_flight"]["load"] == 1)
    killed.kill()
    assert store.jobs_running() != ()  # its load goes on without it
    assert row in shares(file)
    control.change(latency={})
    eventually(lambda: row not in shares(file))
    assert store.jobs_running() == ()
    assert waiting.wait() == 0, waiting.told
    other.assert_whole(whole)
    assert shares(file) == {}
