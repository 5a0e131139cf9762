"""Stops that were asked for, and a Ray command killed outright: what is left, and that the same command finishes it."""

import signal

import pytest

from tests.integration import shop
from tests.integration.shop_fixtures import NewShop, fair_weather, new_shop, server, stock, whole  # noqa: F401
from tests.integration.shop_runs import Command, Hashes, Shop, eventually

WHOLE_RUN = 3 * len(shop.DAYS)


def begun(store: Shop, latency: float, **more: str) -> Command:
    """A command with its first commit under way, which takes so many seconds."""
    control = store.server.control
    control.reset()
    control.change(latency={"commit": latency})
    command = store.start("backfill", "--yes", "--run", store.run_id("stopped"), **more)
    eventually(lambda: control.counters()["in_flight"]["commit"] > 0 or command.code is not None, 180, 0.05)
    assert command.code is None, command.told
    return command


def finish(store: Shop, whole: Hashes) -> None:  # noqa: F811
    store.server.control.change(latency={})
    again = store.backfill("stopped")
    assert again.code == 0, again.told
    store.assert_whole(whole)
    assert store.ledger_rows() == 4 * len(shop.DAYS)
    assert store.staging() == []
    assert store.jobs_running() == ()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("pool", ["serial", pytest.param("ray", marks=pytest.mark.slow)])
def test_a_stop_ends_commits_and_writes_the_history(
    new_shop: NewShop,  # noqa: F811
    whole: Hashes,  # noqa: F811
    number: signal.Signals,
    pool: str,
) -> None:
    store = new_shop()
    command = begun(store, 2.0, BACKCOURT_POOL=pool, BACKCOURT_WORKERS="2")
    family = command.family()
    command.send(number)
    assert command.wait(60) == 128 + number, command.told
    history = store.outcomes(store.run_id("stopped"))
    assert len(history) == WHOLE_RUN
    assert {row["outcome"] for row in history.values()} == {"committed", "left"}
    assert store.events(store.run_id("stopped"))[-1] == "ended"
    assert "Traceback" not in command.told
    eventually(lambda: not any(p.is_running() and p.status() != "zombie" for p in family))
    finish(store, whole)


def test_a_stop_waits_for_a_slow_record(new_shop: NewShop) -> None:  # noqa: F811
    """A busy BigQuery takes eight seconds for the history; a stop has twenty-five."""
    store = new_shop()
    command = begun(store, 1.0)
    store.server.control.change(latency={"commit": 1.0, "load": 8.0})
    command.send(signal.SIGTERM)
    assert command.wait(60) == 143, command.told
    assert len(store.outcomes(store.run_id("stopped"))) == WHOLE_RUN
    assert store.events(store.run_id("stopped"))[-1] == "ended"


def test_a_second_interrupt_ends_at_once(new_shop: NewShop, whole: Hashes) -> None:  # noqa: F811
    store = new_shop()
    command = begun(store, 30.0)
    # twice at least: two that are sent in one breath may arrive as one
    eventually(lambda: command.send(signal.SIGINT) or command.code is not None, 60, 1.0)
    assert command.code == 130
    assert "ended" not in store.events(store.run_id("stopped"))
    finish(store, whole)


@pytest.mark.slow
def test_a_ray_command_that_is_killed_takes_its_ray_along(new_shop: NewShop, whole: Hashes) -> None:  # noqa: F811
    store = new_shop()
    command = begun(store, 1.0, BACKCOURT_POOL="ray", BACKCOURT_WORKERS="2")
    family = command.family()
    assert any("ray" in " ".join(p.cmdline()) for p in family)
    command.kill()
    eventually(lambda: not any(p.is_running() and p.status() != "zombie" for p in family), 120)
    finish(store, whole)


def test_a_date_that_kills_its_worker_fails_alone(new_shop: NewShop) -> None:  # noqa: F811
    """The worker is replaced each time; every other date is committed."""
    store = new_shop()
    day = shop.DAYS[10]
    words = ("--start", str(shop.DAYS[6]), "--end", str(shop.DAYS[13]))
    more = {"BACKCOURT_POOL": "ray", "BACKCOURT_WORKERS": "2", "SHOP_KILLS_WORKER": str(day)}
    command = store.backfill("deadly", *words, **more)
    assert command.code == 5, command.told
    history = store.outcomes(store.run_id("deadly"))
    failed = history.pop(("shop.revenue", day))
    assert (failed["outcome"], failed["category"], failed["retry_can_help"]) == ("failed", "worker died", True)
    assert history.pop(("shop.report", day))["category"] == "upstream"
    assert {row["outcome"] for row in history.values()} == {"committed"}
    assert len(history) == 3 * 8 - 2
