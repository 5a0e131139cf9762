"""A shop whose revenue a foreign hand changed: put back as a commit made it, and recomputed from inputs as they were.

The local BigQuery remembers a state of a table after each single statement that changes rows, not after scripts, so a
statement that changes nothing stands for the service's own memory of what a commit left.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from backcourt.clock import SystemClock
from backcourt.warehouse.emulator import LocalBigQuery
from tests.integration import shop as stores
from tests.integration.in_process import command
from tests.integration.runs_here import Here
from tests.integration.shop_runs import Shop, install

DAY, NEXT = stores.DAYS[20], stores.DAYS[21]


@dataclass(frozen=True)
class Store:
    """A shop of its own; commands run in this process."""

    shop: Shop

    def run(self, *words: str) -> tuple[int, str]:
        told = command(words, self.shop.environment())
        return told.code, told.text

    def told(self, *words: str) -> tuple[int, Any]:
        code, told = self.run(*words, "--json")
        return code, json.loads(told[told.index("{") :])

    def by_hand(self, statement: str, dataset: str = "shop", table: str = "revenue") -> None:
        """A foreign hand at work on a table, {0}."""
        self.shop.query(statement.format(f"`{self.shop.name(dataset, table)}`"))

    def remember(self, dataset: str = "shop", table: str = "revenue") -> datetime:
        """Let the server remember the table as it is; the instant after that."""
        self.by_hand("DELETE FROM {0} WHERE FALSE", dataset, table)
        return SystemClock().now() + timedelta(milliseconds=1)

    def rows(self, table: str = "shop.revenue") -> list[tuple[Any, ...]]:
        return sorted(self.shop.rows(table).iter_rows())

    def commit(self, table: str, day: date) -> str:
        return str(self.shop.ledger()[table, day]["commit_id"])

    def state(self) -> tuple[Any, ...]:
        """All that a command which publishes nothing must leave alone."""
        return self.shop.ledger_rows(), self.rows(), self.rows("shop.rolling"), self.rows("shop.report")


@pytest.fixture(scope="module")
def server() -> Iterator[LocalBigQuery]:
    with LocalBigQuery(None) as running:
        yield running


@pytest.fixture
def open_store(server: LocalBigQuery, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Store]:
    def opened() -> Store:
        shop = Shop(server, tmp_path, install(tmp_path / "installed"))
        monkeypatch.syspath_prepend(str(shop.installed))
        assert Here(shop).run("ingest", orders=shop.orders).exit_code == 0
        assert Here(shop).run("first").exit_code == 0
        return Store(shop)

    return opened


def test_a_partition_is_put_back_as_its_commit_made_it(open_store: Callable[[], Store]) -> None:
    store = open_store()
    before, made = store.rows(), store.commit("shop.revenue", DAY)
    store.remember()
    store.by_hand(f"UPDATE {{0}} SET amount = amount + 1000 WHERE day = DATE '{DAY}'", "shop_raw", "orders")
    misled = Here(store.shop).run("misled", tables=["revenue"], days=(DAY,), recompute=True)
    assert misled.exit_code == 0
    damaged = store.rows()
    assert damaged != before
    assert store.told("hold", "revenue", "--until", "1h")[0] == 0

    code, shown = store.told("restore", "revenue", str(DAY), "--to", made, "--dry-run")
    assert (code, shown["commit_id"], shown["rows_after"], store.rows() == damaged) == (0, "", 10, True)

    code, done = store.told("restore", "revenue", str(DAY), "--to", made)
    assert (code, done["restored"], done["rows_before"], done["rows_after"]) == (0, made, 10, 10)
    assert store.rows() == before
    assert store.commit("shop.revenue", DAY) == done["commit_id"] != made
    (noted,) = store.shop.query(
        f"SELECT notes FROM `{store.shop.state('ledger')}` WHERE commit_id = '{done['commit_id']}'"
    )
    assert json.loads(noted["notes"]) == {"restored": {"commit": made, "gate": "not asked again"}}
    (logged,) = store.shop.query(f"SELECT kind, commit_id, backup FROM `{store.shop.state('operations')}`")
    assert (logged["kind"], logged["commit_id"]) == ("restore", done["commit_id"])
    kept = f"SELECT day, store, revenue FROM `{store.shop.state(logged['backup'])}`"
    assert sorted(tuple(row.values()) for row in store.shop.query(kept)) == damaged
    assert store.shop.staging() == []

    assert store.run("hold", "--release", "revenue")[0] == 0
    assert Here(store.shop).run("again").exit_code == 0
    assert store.rows() == before

    store.by_hand(f"DELETE FROM {{0}} WHERE day = DATE '{DAY}'")
    code, done = store.told("restore", "revenue", str(DAY), "--to", done["commit_id"])
    assert (code, done["rows_before"], store.rows() == before) == (0, 0, True)


def test_a_past_that_is_kept_nowhere_changes_nothing(open_store: Callable[[], Store]) -> None:
    store = open_store()
    made = store.commit("shop.revenue", DAY)
    store.by_hand(f"UPDATE {{0}} SET revenue = 0 WHERE day = DATE '{DAY}'")
    state = store.state()
    code, told = store.run("restore", "revenue", str(DAY), "--to", made)
    assert (code, "kept nowhere" in told) == (5, True)
    code, told = store.run("restore", "revenue", str(DAY), "--to", "no-such-commit")
    assert (code, made in told) == (2, True)
    assert store.state() == state
    assert store.shop.staging() == []


def test_a_replay_shows_what_an_incident_changed(open_store: Callable[[], Store]) -> None:
    store = open_store()
    innocent = store.rows("shop.rolling")
    before = store.remember()
    store.by_hand(f"UPDATE {{0}} SET revenue = revenue + 700 WHERE day = DATE '{DAY}'")
    report = Here(store.shop).run("misled", tables=["rolling"], days=(NEXT,), recompute=True)
    assert report.exit_code == 0
    state = store.state()

    code, found = store.told("replay", str(NEXT), "--table", "rolling", "--as-of", before.isoformat())
    assert (code, found["rows"], found["cells_that_differ"]) == (3, 10, 10)
    assert (found["gate_on"]["verdict"], found["gate_off"]["verdict"]) == ("pass", "pass")
    assert found["inputs"][0]["foreign"] == []
    off = {c["key"]: float(c["published"]) - float(c["recomputed"]) for c in found["cells"]}
    assert set(off) == {f"{NEXT}/{name}" for name in stores.STORES}
    assert all(value == pytest.approx(100, abs=1e-6) for value in off.values())
    dataset, _, scratch = found["scratch"].partition(".")
    computed = store.shop.query(f"SELECT day, store, mean FROM `{store.shop.name(dataset, scratch)}`")
    assert sorted(tuple(row.values()) for row in computed) == [row for row in innocent if row[0] == NEXT]
    assert store.state() == state
    assert store.shop.staging() == []


def test_a_replay_sets_the_gate_on_and_off_side_by_side(open_store: Callable[[], Store]) -> None:
    store = open_store()
    gone = ", ".join(f"'{name}'" for name in stores.STORES[6:])
    store.by_hand(f"DELETE FROM {{0}} WHERE day = DATE '{DAY}' AND store IN ({gone})", "shop_raw", "orders")
    instant = store.remember("shop_raw", "orders")
    code, found = store.told("replay", str(DAY), "--table", "revenue", "--as-of", instant.isoformat())
    assert (code, found["rows"], found["coverage"]) == (3, 6, 0.6)
    assert (found["gate_on"]["verdict"], found["gate_off"]["verdict"]) == ("block", "forced")
    assert found["inputs"][0]["foreign"] == [str(DAY)]
    assert {c["key"] for c in found["cells"]} == {f"{DAY}/{name}" for name in stores.STORES[6:]}
    code, told = store.run("replay", str(DAY), "--table", "revenue", "--as-of", instant.isoformat())
    assert "gate off" in told
    code, told = store.run("replay", str(DAY), "--table", "orders", "--as-of", "1m")
    assert (code, "feed" in told) == (2, True)
