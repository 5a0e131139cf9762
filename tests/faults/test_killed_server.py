"""The local BigQuery's proxy is killed while a run works, and started again: the run goes on and ends well."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from backcourt.warehouse.emulator import LocalBigQuery
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


@pytest.mark.parametrize(
    "step", [pytest.param("with a load under way", marks=pytest.mark.slow), "with a commit under way"]
)
def test_a_run_outlives_its_server(tmp_path: Path, step: str) -> None:
    latency, kind = STEPS[step]
    ports = {"port": free_port(), "storage_port": free_port()}
    with LocalBigQuery(tmp_path / "bigquery", **ports) as first:
        store = Shop(first, tmp_path, install(tmp_path / "installed"))
        assert Here(store).run("ingest", orders=store.orders).exit_code == 0
        first.control.change(latency=latency)
        command = store.start("backfill", "--yes", "--run", store.run_id("outlives"))
        eventually(lambda: first.control.counters()["in_flight"][kind] > 0, 120, 0.02)
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
