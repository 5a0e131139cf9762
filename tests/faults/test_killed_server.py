"""The local BigQuery's proxy is killed while a run works, and started again: the run goes on and ends well."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from backcourt.warehouse.emulator import LocalBigQuery
from tests.faults.test_killed_commands import STEPS as COMMIT_STEPS
from tests.integration import shop
from tests.integration.runs_here import Here
from tests.integration.shop_fixtures import expected
from tests.integration.shop_runs import Shop, eventually, install
from tests.integration.warehouse_fixtures import free_port

STEPS = {
    "with a load under way": ({"load": 3.0}, "load"),
    "with a commit under way": ({"commit": 3.0}, "commit"),
}


def proxy_of(server: LocalBigQuery) -> psutil.Process:
    """The process that listens on the server's REST port."""
    port = int(server.endpoint.rest.rpartition(":")[2])
    mine = psutil.Process(os.getpid()).children(recursive=True)
    return next(p for p in mine if any(c.laddr.port == port for c in p.net_connections("tcp") if c.status == "LISTEN"))


@pytest.mark.parametrize("step", STEPS)
def test_a_run_outlives_its_server(tmp_path: Path, step: str) -> None:
    latency, kind = STEPS[step]
    killed_and_started_again(tmp_path, {"latency": latency}, lambda seen: seen["in_flight"][kind] > 0)


@pytest.mark.slow
@pytest.mark.parametrize("step", COMMIT_STEPS)
def test_a_run_outlives_its_server_at_each_step_of_the_commit_path(tmp_path: Path, step: str) -> None:
    fault = {"mode": "delay", "seconds": 8.0, **COMMIT_STEPS[step]}
    killed_and_started_again(tmp_path, {"faults": [fault]}, lambda seen: seen["faults"].get("delay", 0) > 0)


def killed_and_started_again(
    tmp_path: Path, behaviour: dict[str, Any], happens: Callable[[dict[str, Any]], bool]
) -> None:
    """Kill the proxy once that happens, start it on the same folder; the run ends well and its rows are whole."""
    ports = {"port": free_port(), "storage_port": free_port()}
    with LocalBigQuery(tmp_path / "bigquery", **ports) as first:
        store = Shop(first, tmp_path, install(tmp_path / "installed"))
        assert Here(store).run("ingest", orders=store.orders).exit_code == 0
        first.control.change(**behaviour)
        command = store.start("backfill", "--yes", "--run", store.run_id("outlives"))
        eventually(lambda: happens(first.control.counters()), 120, 0.02)
        proxy = proxy_of(first)
        proxy.send_signal(signal.SIGKILL)
        proxy.wait(30)
        with LocalBigQuery(tmp_path / "bigquery", **ports) as second:
            assert second.started_here
            assert command.wait(240) == 0, command.told
            wanted = expected(store.orders)
            store.assert_whole(wanted)
            assert store.ledger_rows() == 4 * len(shop.DAYS)
            assert store.jobs_running() == ()
