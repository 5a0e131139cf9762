"""A table that is held while somebody repairs it: runs leave it alone, whenever the hold was set."""

import json
from datetime import timedelta
from typing import Any

import pytest

from backcourt.pipeline.outcomes import Category, Outcome
from jobs.ground import ground_of
from jobs.planning import Wish, make_plan
from ray_tasks.committer import RunIdentity
from ray_tasks.prepare import ensure_tables
from tests.integration import shop as stores
from tests.integration.in_process import command as run_command
from tests.integration.runs_here import Here
from tests.integration.shop_fixtures import NewShop, fair_weather, new_shop, server, stock, whole  # noqa: F401
from tests.integration.shop_runs import Hashes, Shop

DERIVED = tuple(stores.DERIVED)


def command(shop: Shop, *words: str) -> tuple[int, str]:
    """A command in this process: exit code and what it printed."""
    told = run_command(words, shop.environment())
    return told.code, told.text


@pytest.fixture
def shop(new_shop: NewShop, monkeypatch: pytest.MonkeyPatch) -> Shop:  # noqa: F811
    opened = new_shop()
    monkeypatch.syspath_prepend(str(opened.installed))
    return opened


def outcomes(report: Any, table: str) -> set[tuple[Outcome, Category]]:
    return {(o.outcome, o.category) for o in report.outcomes if o.partition.table == table}


def test_a_held_table_is_left_out_and_taken_up_afterwards(shop: Shop, whole: Hashes) -> None:  # noqa: F811
    code, told = command(shop, "hold", "rolling", "--until", "2h", "--reason", "store closed its books twice")
    assert code == 0, told
    (held,) = json.loads(command(shop, "hold", "--list", "--json")[1])
    assert (held["table"], held["reason"]) == ("shop.rolling", "store closed its books twice")

    code, told = command(shop, "plan")
    assert code == 0
    assert "shop.rolling is held until" in told
    assert "(store closed its books twice); 40 dates left out." in told

    code, told = command(shop, "backfill", "--yes", "--run", shop.run_id("during"))
    assert code == 3, told
    ended = shop.outcomes(shop.run_id("during"))
    assert {table: row["outcome"] for (table, _), row in ended.items()} == {
        "shop.revenue": "committed",
        "shop.report": "blocked",
    }
    waits = {row["reason"] for (table, _), row in ended.items() if table == "shop.report"}
    assert all("held until" in reason and "store closed its books twice" in reason for reason in waits)

    assert "let go" in command(shop, "hold", "--release", "rolling")[1]
    assert json.loads(command(shop, "hold", "--list", "--json")[1]) == []
    assert Here(shop).run("after").exit_code == 0
    shop.assert_whole(whole)


def test_a_hold_between_plan_and_commit_wins(shop: Shop, whole: Hashes) -> None:  # noqa: F811
    here = Here(shop)
    session = here.session()
    ground = ground_of(session, shop.run_id("late"))
    ensure_tables(ground, DERIVED, create_datasets=True)
    planned = make_plan(session, ground, Wish("backfill"))
    assert command(shop, "hold", "report", "--until", "1d")[0] == 0
    report = here.execute(session, RunIdentity(ground.run_id, 1, "here"), planned, Wish("backfill"))
    assert outcomes(report, "shop.rolling") == {(Outcome.COMMITTED, Category.NONE)}
    assert outcomes(report, "shop.report") == {(Outcome.BLOCKED, Category.HELD)}
    assert not [key for key in shop.ledger() if key[0] == "shop.report"]
    assert shop.rows("shop.report").is_empty()
    assert shop.staging() == []

    assert command(shop, "hold", "--release", "report")[0] == 0
    assert here.run("late").exit_code == 0
    shop.assert_whole(whole)


def test_what_cannot_be_held(shop: Shop) -> None:
    past = f"{here_and_now(shop) - timedelta(hours=1):%Y-%m-%dT%H:%M}"
    assert command(shop, "hold", "rolling", "--until", past)[0] == 2
    assert command(shop, "hold", "rolling")[0] == 2
    assert command(shop, "hold", "roling", "--until", "1h")[0] == 2
    code, told = command(shop, "hold", "rolling", "--until", "1h", "--dry-run")
    assert (code, "would be held" in told) == (0, True)
    assert json.loads(command(shop, "hold", "--list", "--json")[1]) == []
    assert "is not held" in command(shop, "hold", "--release", "rolling")[1]


def here_and_now(shop: Shop) -> Any:
    """The machine's present instant."""
    return Here(shop).session().clock.now()
