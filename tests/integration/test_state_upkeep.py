"""The engine's own tables over the years: made by an older version and upgraded, old records deleted by `cleanup`."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from backcourt.clock import SystemClock
from backcourt.warehouse.definitions import STATE_VERSION, state_tables
from backcourt.warehouse.requests import TableDefinition, TableRef
from jobs.cli import app
from tests.integration import shop as stores
from tests.integration.runs_here import Here
from tests.integration.shop_fixtures import NewShop, fair_weather, new_shop, server, stock, whole  # noqa: F401
from tests.integration.shop_runs import Hashes, Shop

DAY = stores.DAYS[20]


@pytest.fixture
def shop(new_shop: NewShop, monkeypatch: pytest.MonkeyPatch) -> Shop:  # noqa: F811
    opened = new_shop()
    monkeypatch.syspath_prepend(str(opened.installed))
    return opened


def made_by_an_older_version(shop: Shop, name: str, without: tuple[str, ...]) -> list[str]:
    """Put a table in the place of one of the engine's, without some columns and a version; the columns it has."""
    (declared,) = [d for d in state_tables("shop_orchestration") if d.ref.name == name]
    older = tuple(c for c in declared.columns if c.name not in without)
    columns = ", ".join(f"`{c.name}`" for c in older)
    rows = f"`{shop.state(name)}`", f"`{shop.state(name)}_kept`"
    shop.query(f"CREATE TABLE {rows[1]} AS SELECT {columns} FROM {rows[0]}")
    shop.warehouse.drop(declared.ref)
    shop.warehouse.create(replace(declared, columns=older, schema_version=0))
    shop.query(f"INSERT INTO {rows[0]} ({columns}) SELECT {columns} FROM {rows[1]}")
    return [c.name for c in older]


def described(shop: Shop, name: str) -> TableDefinition:
    found = shop.warehouse.describe(TableRef("shop_orchestration", name))
    assert found is not None
    return found.definition


def test_older_state_tables_are_upgraded_in_place_and_keep_their_rows(shop: Shop, whole: Hashes) -> None:  # noqa: F811
    rows = shop.ledger_rows()
    had = made_by_an_older_version(shop, "ledger", ("notes",))
    made_by_an_older_version(shop, "partition_outcomes", ("warned", "holes"))
    assert [c.name for c in described(shop, "ledger").columns] == had
    report = Here(shop).run("upgrade")
    assert (report.exit_code, report.recorded) == (0, True)
    assert {c.name for c in described(shop, "ledger").columns} == {*had, "notes"}
    versions = {name: described(shop, name).schema_version for name in ("ledger", "partition_outcomes", "holds")}
    assert set(versions.values()) == {STATE_VERSION}
    assert shop.ledger_rows() == rows + len(stores.DERIVED) * len(stores.DAYS)
    shop.assert_whole(whole)
    kept = shop.query(f"SELECT COUNT(*) AS n FROM `{shop.state('partition_outcomes')}` WHERE NOT warned")
    assert kept[0]["n"] == len(stores.DERIVED) * len(stores.DAYS)
    assert Here(shop).run("next").exit_code == 0


def test_cleanup_deletes_old_records_and_keeps_what_counts(shop: Shop, whole: Hashes) -> None:  # noqa: F811
    assert Here(shop).run("first").exit_code == 0
    assert Here(shop, code="later").run("second", recompute=True, tables=["revenue"], days=(DAY,)).exit_code == 0
    ledger = f"`{shop.state('ledger')}`"
    columns = ", ".join(f"`{c.name}`" for c in state_tables("shop_orchestration")[0].columns)
    older = columns.replace("`generation`", "generation - 1000").replace("`commit_id`", "'replaced'")
    shop.query(f"INSERT INTO {ledger} ({columns}) SELECT {older} FROM {ledger} WHERE table_name = 'shop.revenue'")
    long_ago = SystemClock().now() - timedelta(days=900)
    shop.query(f"UPDATE {ledger} SET committed_at = TIMESTAMP '{long_ago:%Y-%m-%d %H:%M:%S}+00' WHERE TRUE")
    outcomes = f"`{shop.state('partition_outcomes')}`"
    shop.query(f"UPDATE {outcomes} SET run_date = DATE '{long_ago:%Y-%m-%d}' WHERE table_name = 'shop.rolling'")

    looked = CliRunner().invoke(app, ["cleanup", "--json"], env=shop.environment())
    assert looked.exit_code == 0, looked.output
    found = {old["table"]: old["rows"] for old in json.loads(looked.output[looked.output.index("{") :])["old"]}
    assert found == {"ledger": len(stores.DAYS), "partition_outcomes": len(stores.DAYS)}
    assert shop.query(f"SELECT COUNT(*) AS n FROM {ledger} WHERE commit_id = 'replaced'")[0]["n"] == len(stores.DAYS)

    done = CliRunner().invoke(app, ["cleanup", "--apply"], env=shop.environment())
    assert done.exit_code == 0, done.output
    assert shop.query(f"SELECT COUNT(*) AS n FROM {ledger} WHERE commit_id = 'replaced'")[0]["n"] == 0
    assert shop.query(f"SELECT COUNT(*) AS n FROM {outcomes} WHERE table_name = 'shop.rolling'")[0]["n"] == 0
    shop.assert_whole(whole)
