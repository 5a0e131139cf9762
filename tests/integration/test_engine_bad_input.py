"""What a user can get wrong, through the real command: one sentence of what happened, one of what to do, no change."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from backcourt.pipeline.table import Column, FieldType
from backcourt.warehouse.requests import TableDefinition, TableRef
from tests.integration import shop
from tests.integration.shop_fixtures import fair_weather, server, stock  # noqa: F401
from tests.integration.shop_runs import Command, Shop
from tests.integration.warehouse_fixtures import free_port


@pytest.fixture
def bare(stock: Shop, tmp_path: Path) -> Shop:  # noqa: F811
    return Shop(stock.server, tmp_path, stock.installed)


def nothing_listens(store: Shop) -> Command:
    where = f"127.0.0.1:{free_port()}"
    return store.run("backfill", "--yes", BACKCOURT_ENDPOINT=f"http://{where}", BACKCOURT_STORAGE_ENDPOINT=where)


def dataset_is_missing(store: Shop) -> Command:
    return store.run("backfill", "--yes", BACKCOURT_CREATE_DATASETS="false")


def table_differs(store: Shop) -> Command:
    store.warehouse.ensure_datasets(["shop", "shop_raw", "shop_orchestration"])
    columns = (Column("day", FieldType.DATE, "d", required=True), Column("revenue", FieldType.STRING, "r"))
    store.warehouse.create(TableDefinition(TableRef("shop", "revenue"), columns, partition_by="day"))
    return store.run("backfill", "--yes")


def file_is_corrupt(store: Shop) -> Command:
    (shop.write_orders(store.folder / "orders") / "orders.parquet").write_bytes(b"PAR1 and then nothing")
    return store.run("ingest", "--source", f"folder:{store.folder / 'orders'}", "--yes")


def column_has_a_wrong_type(store: Shop) -> Command:
    path = shop.write_orders(store.folder / "orders") / "orders.parquet"
    pl.read_parquet(path).with_columns(pl.lit("many").alias("amount")).write_parquet(path)
    return store.run("ingest", "--source", f"folder:{store.folder / 'orders'}", "--yes")


def pipeline_is_unknown(store: Shop) -> Command:
    return store.run("plan", BACKCOURT_PIPELINE="shoop")


def nothing_was_ingested(store: Shop) -> Command:
    return store.run("plan")


def folder_is_missing(store: Shop) -> Command:
    return store.run("ingest", "--source", f"folder:{store.folder / 'nowhere'}", "--yes")


def run_id_is_none(store: Shop) -> Command:
    return store.run("backfill", "--yes", "--run", "Monday morning")


@pytest.mark.parametrize(
    ("wrong", "code", "words"),
    [
        (nothing_listens, 4, ("cannot be reached", "Check the address")),
        (dataset_is_missing, 4, ("Preflight failed. datasets: missing: shop_", "Create them")),
        (table_differs, 4, ("table shop.revenue: column store (STRING NOT NULL) is missing", "rename or migrate")),
        (file_is_corrupt, 5, ("orders.parquet cannot be read", "Fetch it again or remove it.")),
        (column_has_a_wrong_type, 5, ("column amount: 'many' is no FLOAT64 (400 of 400 rows)", "Correct the values")),
        (pipeline_is_unknown, 2, ("There is no pipeline shoop.", "Installed pipelines: nba, shop.")),
        (nothing_was_ingested, 2, ("shop_raw.orders has no rows", "Run `backcourt ingest")),
        (folder_is_missing, 2, ("There is no folder", "Give the folder")),
        (run_id_is_none, 2, ("'Monday morning' is no run id.", "Use up to 47")),
    ],
)
def test_bad_input_is_one_sentence_of_two_parts_and_changes_nothing(
    bare: Shop, wrong: Callable[[Shop], Command], code: int, words: tuple[str, str]
) -> None:
    bare.server.control.reset()
    command = wrong(bare)
    counters = bare.server.control.counters()
    assert command.code == code, command.told
    assert command.err.startswith("backcourt: ")
    assert len(command.err.splitlines()) == 1
    for each in words:
        assert each in command.err
    assert "Traceback" not in command.told
    assert counters["jobs"]["load"] == counters["jobs"]["commit"] == 0
    written = {name for name in counters["dml"] if not name.rpartition(".")[2].startswith("head__")}
    assert written == set()


def test_a_processor_that_raises_fails_its_date_alone(stock: Shop, tmp_path: Path) -> None:  # noqa: F811
    store = Shop(stock.server, tmp_path, stock.installed, stock=stock).take_stock()
    day = shop.DAYS[30]
    command = store.backfill("raises", "--start", str(shop.DAYS[24]), "--end", str(shop.DAYS[36]), SHOP_RAISES=str(day))
    assert command.code == 5, command.told
    assert "Traceback" not in command.told
    history = store.outcomes(store.run_id("raises"))
    failed = history.pop(("shop.revenue", day))
    assert (failed["outcome"], failed["category"]) == ("failed", "code")
    assert "the till is broken" in failed["reason"]
    assert "shop.py:" in failed["reason"]
    assert history.pop(("shop.report", day))["category"] == "upstream"
    assert {row["outcome"] for row in history.values()} == {"committed"}
    assert len(history) == 3 * 13 - 2
    again = store.backfill("raises", "--start", str(shop.DAYS[24]), "--end", str(shop.DAYS[36]))
    assert again.code == 0, again.told


def test_a_dry_run_on_a_warehouse_without_anything_shows_the_plan(bare: Shop) -> None:
    """BigQuery answers a query of a dataset that is not there with "access denied … or perhaps it does not exist"."""
    done = bare.run("ingest", "--source", f"folder:{bare.orders}", "--dry-run")
    assert done.code == 0, done.told
    assert f"{len(shop.DAYS)} missing" in done.out
