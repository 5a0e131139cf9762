"""A budget that BigQuery made shrink, as it can be seen: in the run's record, and on Ray in metrics and `status`."""

import json
import re
import urllib.request
from contextlib import suppress

import pytest

from jobs.ground import ground_of
from ray_tasks.lookback import read_runs
from tests.integration import shop
from tests.integration.runs_here import Here, counted
from tests.integration.shop_fixtures import NewShop, fair_weather, new_shop, server, stock  # noqa: F401
from tests.integration.shop_runs import eventually
from tests.integration.warehouse_fixtures import free_port

REFUSED = {"mode": "error", "reason": "rateLimitExceeded", "method": "upload", "job_id_contains": "-load-"}


def test_the_curve_is_in_the_runs_record(new_shop: NewShop) -> None:  # noqa: F811
    store = new_shop()
    store.server.control.change(faults=[REFUSED])
    here = Here(store, budget={"read": 8, "query": 8, "load": 4, "commit": 4})
    assert counted(here.run("refused", days=shop.DAYS[:2])) == {"committed": 6}
    session = here.session()
    (recorded,) = read_runs(ground_of(session, "look"), session.clock.now().date())
    curves = recorded.budget
    assert any(s.signalled for s in curves["load"])
    assert min(s.limit for s in curves["load"]) == 2
    assert {s.limit for kind in ("read", "query", "commit") for s in curves[kind]} == {8, 4}
    assert not any(s.signalled for kind in ("read", "query", "commit") for s in curves[kind])


@pytest.mark.slow
def test_the_limit_is_in_metrics_and_status_while_the_run_is_alive(new_shop: NewShop) -> None:  # noqa: F811
    store, port = new_shop(), free_port()
    store.server.control.change(faults=[REFUSED], latency={"commit": 25.0})
    command = store.start(
        "backfill", "--yes", "--run", store.run_id("seen"), "--end", str(shop.DAYS[1]),
        BACKCOURT_POOL="ray", BACKCOURT_WORKERS="2", BACKCOURT_METRICS_PORT=str(port),
        BACKCOURT_BUDGET__LOAD="4",
    )  # fmt: skip

    def load_limit() -> list[str]:
        with suppress(OSError):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                text = answer.read().decode()
            lines = [x for x in text.splitlines() if x.startswith("ray_backcourt_permits{") and 'kind="load"' in x]
            return [x for x in lines if 'state="limit"' in x and float(x.rpartition(" ")[2]) < 4]
        return []

    assert eventually(lambda: load_limit() or command.code is not None, 180, 0.5) is not True, command.told
    told = store.run("status", "--json")
    (run,) = json.loads(told.out)["runs"]
    assert min(row[1] for row in run["budget"]["load"]) == 2
    assert any(row[3] for row in run["budget"]["load"])
    shown = store.run("status").out
    assert re.search(
        r"load: \d held, \d orphaned of [234] \(setting 4\), \d waiting, last quota signal \d+ s ago", shown
    )
    assert re.search(r"limit \S+ of 4 over \d+ s, lowest 2", shown)
    store.server.control.change(latency={})
    assert command.wait(200) == 0, command.told
