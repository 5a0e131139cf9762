"""`backcourt daily` as a CronJob runs it, on a warehouse that is damaged on purpose, with a webhook that listens."""

import json
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from backcourt.clock import SystemClock
from backcourt.warehouse.emulator import LocalBigQuery
from backcourt.warehouse.inspection import Inspection
from backcourt.warehouse.names import Names
from jobs.checking import Verdict
from jobs.checks import judge_clock
from jobs.cli import app
from tests.integration import shop
from tests.integration.shop_fixtures import expected
from tests.integration.shop_runs import Shop, install
from tests.webhook_server import Received, webhook_server

NIGHT = str(shop.DAYS[-1] + timedelta(days=1))
SHORT, DELETED, DOUBLED, BROKEN = shop.DAYS[30], shop.DAYS[32], shop.DAYS[33], shop.DAYS[35]


@pytest.fixture
def received() -> Iterator[Received]:
    with webhook_server() as running:
        yield running


@pytest.fixture
def empty(
    local_bigquery: LocalBigQuery, tmp_path: Path, received: Received, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shop]:
    """A shop without a table, whose nights tell the webhook and open a breaker at the first failure.

    Its commands run in this process, which saves the start of a dozen others; their signal handlers do not outlive it.
    """
    settings = {
        "BACKCOURT_ALERT_WEBHOOK": received.url,
        "BACKCOURT_BREAKER_FAILURES": "1",
        "BACKCOURT_HEAL_DAYS": "60",
        "BACKCOURT_CREATE_DATASETS": "true",
    }
    installed = install(tmp_path / "installed")
    monkeypatch.syspath_prepend(str(installed))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield Shop(local_bigquery, tmp_path, installed, settings)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def run(of: Shop, *words: str, **more: str) -> Result:
    return CliRunner().invoke(app, list(words), env=of.environment(**more))


def night(of: Shop, **more: str) -> int:
    return run(of, "daily", "--date", NIGHT, "--source", f"folder:{of.folder / 'orders'}", **more).exit_code


def test_nights_heal_what_was_blocked_deleted_doubled_and_broken(empty: Shop, received: Received) -> None:
    orders = shop.write_orders(empty.folder / "orders", without={SHORT: 5})
    assert night(empty) == 3
    (told,) = received.texts
    assert "3 partitions blocked" in told
    assert f"shop_raw.orders: {SHORT}" in told

    shop.write_orders(orders)
    revenue, report = empty.name("shop", "revenue"), empty.name("shop", "report")
    empty.query(f"DELETE FROM `{revenue}` WHERE day = '{DELETED}'")
    empty.query(f"INSERT INTO `{report}` SELECT * FROM `{report}` WHERE day = '{DOUBLED}'")
    assert night(empty) == 0
    whole = expected(orders)
    empty.assert_whole(whole)
    assert len(received.texts) == 1

    empty.query(f"DELETE FROM `{revenue}` WHERE day = '{BROKEN}'")
    assert night(empty, SHOP_RAISES=str(BROKEN)) == 5
    assert night(empty) == 0
    assert "the till is broken" in received.texts[1]
    assert "1 table held back by a circuit breaker" in received.texts[2]
    (held,) = json.loads(run(empty, "breaker", "list", "--json").stdout)
    assert (held["table"], held["state"], held["failures"]) == ("shop.revenue", "open", 1)

    empty.query(f"DELETE FROM `{revenue}` WHERE day = '{DELETED}'")
    half_open = {"BACKCOURT_BREAKER_HOURS": "0", "BACKCOURT_REFRESH_DAYS": "0"}  # a refreshed date would be newer
    assert night(empty, SHOP_RAISES=str(BROKEN), **half_open) == 5
    assert json.loads(run(empty, "breaker", "list", "--json").stdout)[0]["failures"] == 2
    assert night(empty, **half_open) == 0  # the newest date alone, and it passes
    found = {row["day"] for row in empty.query(f"SELECT DISTINCT day FROM `{revenue}`")}
    assert set(shop.DAYS) - found == {DELETED}
    assert json.loads(run(empty, "breaker", "list", "--json").stdout) == []
    assert night(empty) == 0
    empty.assert_whole(whole)

    (orders / "orders.parquet").write_bytes(b"half a file")
    empty.query(f"DELETE FROM `{revenue}` WHERE day = '{DELETED}'")
    with pytest.MonkeyPatch.context() as stopped:  # by the pod's end, between the source's failure and the healing
        stopped.setattr("jobs.alerting.alert_of_error", lambda *_: signal.raise_signal(signal.SIGTERM))
        assert night(empty) == 143
    assert empty.query(f"SELECT day FROM `{revenue}` WHERE day = '{DELETED}'") == []
    assert night(empty) == 5
    assert "ended with an error" in received.texts[-1]
    empty.assert_whole(whole)


def test_a_missing_dataset_stops_a_run_before_it_begins(empty: Shop) -> None:
    empty.settings["BACKCOURT_CREATE_DATASETS"] = "false"
    checked = run(empty, "preflight", "--skip", "disk", "--json")
    assert checked.exit_code == 4, checked.output
    found = {each["check"]: each for each in json.loads(checked.stdout)}
    assert found["datasets"]["verdict"] == "failed"
    assert all(name in found["datasets"]["what"] for name in empty.datasets.values())
    assert found["clock"]["verdict"] == "ok"
    assert found["credentials"]["verdict"] == "not applicable"
    assert found["disk"]["verdict"] == "skipped"
    refused = empty.run("backfill", "--yes")
    assert refused.code == 4
    assert "Preflight failed. datasets: missing:" in refused.err
    assert "Traceback" not in refused.err


def test_the_local_server_tells_a_clock_an_hour_off(local_bigquery: LocalBigQuery) -> None:
    endpoint = local_bigquery.endpoint
    before = SystemClock().now()
    theirs = Inspection(endpoint, Names(endpoint.project, {})).server_time()
    after, hour = SystemClock().now(), timedelta(hours=1)
    assert judge_clock(before, theirs, after).verdict is Verdict.OK
    assert judge_clock(before + hour, theirs, after + hour).verdict is Verdict.FAIL
    assert judge_clock(before - hour, theirs, after - hour).verdict is Verdict.FAIL
