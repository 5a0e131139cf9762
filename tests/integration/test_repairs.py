"""A shop whose tables a foreign hand damaged: what `validate` tells, what `dedupe` mends and leaves alone."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from backcourt.pipeline.outcomes import Outcome
from backcourt.pipeline.validation import KeyCount
from backcourt.warehouse.errors import RowsChanged, Superseded
from jobs.deduping import deduplicate, find_doubled
from jobs.ground import ground_of
from jobs.repairing import Repair, repair_of
from ray_tasks.prepare import read_ledger
from tests.integration import shop as stores
from tests.integration.in_process import command
from tests.integration.runs_here import Here
from tests.integration.shop_fixtures import NewShop, fair_weather, new_shop, server, stock, whole  # noqa: F401
from tests.integration.shop_runs import Hashes, Shop
from tests.webhook_server import webhook_server

REVENUE = "shop.revenue"
FIRST, LAST = stores.DAYS[0], stores.DAYS[-1]
COMMITTED = "day, store, revenue, computed_at, run_id, code_version"


@dataclass(frozen=True)
class Open:
    """A shop that is open: all is computed; commands run in this process."""

    shop: Shop

    def run(self, *words: str, webhook: str = "") -> tuple[int, str]:
        told = command(words, self.shop.environment(BACKCOURT_ALERT_WEBHOOK=webhook))
        return told.code, told.text

    def findings(self, *words: str) -> set[tuple[str, str, str]]:
        code, told = self.run("validate", *words, "--json")
        found = json.loads(told[told.index("{") :])
        assert code == (3 if found["findings"] else 0)
        return {(f["table"], f["day"], f["fault"]) for f in found["findings"]}

    def rows(self, columns: str = COMMITTED) -> list[tuple[Any, ...]]:
        table = self.shop.name("shop", "revenue")
        return sorted(tuple(row.values()) for row in self.shop.query(f"SELECT {columns} FROM `{table}`"))

    def revenue(self, statement: str) -> None:
        """A foreign hand at work."""
        self.shop.query(statement.format(f"`{self.shop.name('shop', 'revenue')}`"))


@pytest.fixture
def opened(new_shop: NewShop, monkeypatch: pytest.MonkeyPatch) -> Open:  # noqa: F811
    shop = new_shop()
    monkeypatch.syspath_prepend(str(shop.installed))
    report = Here(shop).run("backfill")
    assert report.exit_code == 0, next(iter(report.outcomes))
    return Open(shop)


def plant_doubles(opened: Open, number: int) -> None:
    """Older rows with other values for so many keys: what a run that was thought dead would leave."""
    opened.revenue(
        "INSERT INTO {0} SELECT day, store, -1.0, TIMESTAMP '2024-01-01 00:00:00 UTC', 'ghost', 'old' FROM {0} "
        f"ORDER BY day, store LIMIT {number}"
    )


def test_354_doubles_go_and_no_other_row_is_touched(opened: Open, whole: Hashes) -> None:  # noqa: F811
    before = opened.rows()
    plant_doubles(opened, 354)
    code, told = opened.run("dedupe", "revenue", "--json")
    found = json.loads(told)
    assert (code, sum(each["groups"] for each in found["found"]), found["done"]) == (3, 354, [])
    assert len(opened.rows()) == 400 + 354

    code, told = opened.run("dedupe", "revenue", "--apply", "--json")
    found = json.loads(told)
    assert (code, found["left"], sum(each["removed"] for each in found["done"])) == (0, [], 354), told
    assert opened.rows() == before

    backup = found["done"][0]["backup"].partition(".")[2]
    assert opened.shop.query(f"SELECT COUNT(*) AS n FROM `{opened.shop.state(backup)}`") == [{"n": 754}]
    (logged,) = opened.shop.query(f"SELECT * FROM `{opened.shop.state('operations')}`")
    assert (logged["kind"], logged["table_name"], logged["backup"]) == ("dedupe", REVENUE, backup)
    assert (logged["rows_before"] - logged["rows_after"], len(json.loads(logged["dates"]))) == (354, 36)
    assert opened.shop.staging() == []
    assert opened.run("dedupe", "revenue")[1] == "shop.revenue has no doubled rows.\n"

    stale = opened.findings("range", str(FIRST), str(LAST))
    assert {(table, fault) for table, _, fault in stale} == {("shop.rolling", "stale"), ("shop.report", "stale")}
    assert Here(opened.shop).run("again").exit_code == 0
    opened.shop.assert_whole(whole)
    assert opened.findings("range", str(FIRST), str(LAST)) == set()


def planted(opened: Open) -> tuple[Repair, Any, Any, Any]:
    plant_doubles(opened, 5)
    session = Here(opened.shop).session()
    ground = ground_of(session, opened.shop.run_id("dedupe"))
    ledger = read_ledger(ground, FIRST, LAST)
    found = find_doubled(ground, stores.REVENUE, (FIRST, LAST), ledger)
    return repair_of(session, ground, "dedupe"), found, ledger, len(opened.rows())


def test_a_repair_gives_way_to_others(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """To a foreign writer after the backup, and to a commit that it has not seen."""
    repair, found, ledger, rows = planted(opened)
    with monkeypatch.context() as patch:
        patch.setattr(Repair, "back_up", writing(opened, Repair.back_up))
        with pytest.raises(RowsChanged) as refused:
            deduplicate(repair, stores.REVENUE, found, ledger)
    assert refused.value.dates == (FIRST,)
    assert (len(opened.rows()), opened.shop.staging()) == (rows + 1, [])

    opened.shop.query(
        f"UPDATE `{opened.shop.state('ledger')}` SET commit_id = 'newer' WHERE table_name = '{REVENUE}' "
        f"AND partition_date = DATE '{FIRST}'"
    )
    session = Here(opened.shop).session()
    again = repair_of(session, ground_of(session, opened.shop.run_id("dedupe-again")), "dedupe")
    with pytest.raises(Superseded):
        deduplicate(again, stores.REVENUE, found, ledger)
    assert len(opened.rows()) == rows + 1
    assert opened.shop.query(f"SELECT * FROM `{opened.shop.state('operations')}`") == []


def writing(opened: Open, back_up: Callable[..., Any]) -> Callable[..., Any]:
    """The backup, and a foreign row right after it."""

    def both(repair: Repair, table: Any, counted: dict[date, KeyCount]) -> Any:
        backup = back_up(repair, table, counted)
        opened.revenue(f"INSERT INTO {{0}} VALUES (DATE '{FIRST}', 'new', 1.0, CURRENT_TIMESTAMP(), 'foreign', 'x')")
        return backup

    return both


def test_the_nightly_validate_and_cleanup_tell_people_of_damage_and_of_errors(opened: Open) -> None:
    opened.revenue(f"DELETE FROM {{0}} WHERE day = DATE '{LAST}' AND store = 'ams'")
    with webhook_server() as received:
        opened.run("validate", "daily", str(FIRST), webhook=received.url)
        opened.run("validate", "range", str(FIRST), str(LAST), webhook=received.url)
        assert received.texts == []  # nothing was wrong with the first, and whoever asked for the range sees the answer
        assert opened.run("validate", "daily", str(LAST), webhook=received.url)[0] == 3
        assert opened.run("cleanup", "--apply", "--restore", "no-such", webhook=received.url)[0] == 2
        assert opened.run("cleanup", "--restore", "no-such", webhook=received.url)[0] == 2
    damaged, error = received.texts
    assert f"{REVENUE}: rows lost, {LAST}: " in damaged
    assert "`backcourt cleanup` ended with an error: No cleanup no-such is known." in error


def test_validate_tells_every_kind_of_damage_and_nothing_else(opened: Open) -> None:
    assert opened.findings("range", str(FIRST), str(LAST), "--content") == set()
    lost, doubled, half, changed, stray = (stores.DAYS[n] for n in (3, 7, 11, 15, 19))
    opened.revenue(f"DELETE FROM {{0}} WHERE day = DATE '{lost}' AND store = 'ams'")
    opened.revenue(f"INSERT INTO {{0}} SELECT * FROM {{0}} WHERE day = DATE '{doubled}' AND store = 'ber'")
    opened.revenue(f"DELETE FROM {{0}} WHERE day = DATE '{half}'")
    opened.revenue(f"INSERT INTO {{0}} VALUES (DATE '{half}', 'ams', 1.0, CURRENT_TIMESTAMP(), 'foreign', 'x')")
    opened.revenue(f"UPDATE {{0}} SET revenue = revenue + 1 WHERE day = DATE '{changed}' AND store = 'cph'")
    opened.revenue(f"INSERT INTO {{0}} SELECT DATE '2024-03-30', store, revenue, computed_at, run_id, code_version "
                   f"FROM {{0}} WHERE day = DATE '{stray}'")  # fmt: skip
    counted = {
        (REVENUE, str(lost), "rows lost"),
        (REVENUE, str(doubled), "doubled rows"),
        (REVENUE, str(half), "rows lost"),
        (REVENUE, "2024-03-30", "stray rows"),
    }
    assert opened.findings("range", str(FIRST), "2024-03-31") == counted
    assert opened.findings("range", str(FIRST), "2024-03-31", "--content") == counted | {
        (REVENUE, str(changed), "other rows")
    }
    assert opened.findings("daily", str(changed)) == {(REVENUE, str(changed), "other rows")}
    assert opened.findings("daily", str(stray)) == set()

    mended = Here(opened.shop).run("mend", days=[lost, doubled, half], tables=["revenue"], recompute=True)
    assert [o.outcome for o in mended.outcomes] == [Outcome.COMMITTED] * 3
    assert opened.findings("range", str(FIRST), str(LAST), "--tables", "revenue") == set()

    of_last = f"table_name = 'shop.report' AND partition_date = DATE '{LAST}'"
    opened.shop.query(f"DELETE FROM `{opened.shop.state('ledger')}` WHERE {of_last}")
    assert opened.findings("daily", str(LAST)) == {
        ("shop.report", str(LAST), "missing"),
        ("shop.report", str(LAST), "stray rows"),
    }
    code, told = opened.run("validate", "daily", str(LAST))
    assert code == 3
    assert f"missing: shop.report {LAST}: no run has tried it lately" in told
    code, told = opened.run("validate", "range", str(LAST))
    assert (code, "takes two dates" in told) == (2, True)
