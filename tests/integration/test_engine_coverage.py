"""Nothing uncovered is published: thresholds, --force, what a blocked date means downstream, holes and staleness."""

import json
from pathlib import Path

import pytest

from backcourt.pipeline.outcomes import Category, Outcome, Partition, PartitionOutcome
from backcourt.pipeline.plan import Reason
from ray_tasks.run import RunReport
from tests.integration import shop
from tests.integration.runs_here import Here, counted
from tests.integration.shop_fixtures import NewShop, expected, fair_weather, new_shop, server, stock  # noqa: F401
from tests.integration.shop_runs import Shop

DAY = shop.DAYS[20]
DAYS = shop.DAYS[16:24]
"""A few days before it and after it, all in the windows of each other."""


@pytest.fixture
def bare(stock: Shop, tmp_path: Path) -> Shop:  # noqa: F811
    """A shop without stock: it ingests what the test gives it."""
    return Shop(stock.server, tmp_path, stock.installed)


def outcome(report: RunReport, table: str, day: object = DAY) -> PartitionOutcome:
    return next(o for o in report.outcomes if o.partition == Partition(table, day))  # type: ignore[arg-type]


def ingest(store: Shop, folder: Path, missing: int, *, force: bool = False, name: str = "ingest") -> RunReport:
    """Orders of DAYS; on DAY so many of the ten stores are missing."""
    shop.write_orders(folder, DAYS, {DAY: missing} if missing else None)
    return Here(store).run(name, orders=folder, force=force)


def test_nine_of_ten_warn_and_eight_of_ten_block(bare: Shop, tmp_path: Path) -> None:
    eight = ingest(bare, tmp_path / "eight", 2)
    assert eight.exit_code == 3
    blocked = outcome(eight, "shop_raw.orders")
    assert (blocked.outcome, blocked.category) == (Outcome.BLOCKED, Category.COVERAGE)
    assert blocked.missing == ("ist", "kyi")
    assert "8 of 10" in blocked.reason
    assert len(bare.rows("shop_raw.orders")) == 10 * (len(DAYS) - 1)
    nine = ingest(bare, tmp_path / "nine", 1, name="nine")
    assert nine.exit_code == 0
    warned = outcome(nine, "shop_raw.orders")
    assert (warned.outcome, warned.warned, warned.missing) == (Outcome.COMMITTED, True, ("kyi",))
    assert len(bare.rows("shop_raw.orders")) == 10 * len(DAYS) - 1
    history = bare.outcomes(bare.run_id("ingest"))[("shop_raw.orders", DAY)]
    assert (history["outcome"], history["category"], json.loads(history["missing"])) == (
        "blocked",
        "data missing",
        ["ist", "kyi"],
    )


def test_a_cluster_that_starts_a_blocked_run_again_is_told_so_at_once(bare: Shop, tmp_path: Path) -> None:
    orders = shop.write_orders(tmp_path / "orders", DAYS, {DAY: 5})
    run = bare.run_id("retried")
    words = ("ingest", "--source", f"folder:{orders}", "--yes", "--run", run)
    assert bare.run(*words, BACKCOURT_SETTLED_SECONDS="1800").code == 3
    again = bare.run(*words, BACKCOURT_SETTLED_SECONDS="1800")
    assert again.code == 3
    assert f"Run {run} ended with 3 in start 1" in again.told
    assert bare.events(run).count("started") == 1  # nothing was begun
    by_hand = bare.run(*words)
    assert (by_hand.code, bare.events(run).count("started")) == (3, 2)


def test_force_publishes_and_leaves_its_trace(bare: Shop, tmp_path: Path) -> None:
    assert ingest(bare, tmp_path / "orders", 5).exit_code == 3
    forced = ingest(bare, tmp_path / "orders", 5, force=True, name="forced")
    assert forced.exit_code == 0
    assert outcome(forced, "shop_raw.orders").category is Category.FORCED
    entry = bare.ledger()[("shop_raw.orders", DAY)]
    assert entry["forced"] is True
    assert entry["coverage"] == 0.5
    assert not bare.ledger()[("shop_raw.orders", DAYS[0])]["forced"]
    history = bare.outcomes(bare.run_id("forced"))[("shop_raw.orders", DAY)]
    assert (history["outcome"], history["category"], history["coverage"]) == ("committed", "forced", 0.5)


def test_a_hole_is_named_then_filled_then_what_looked_over_it_is_done_again(bare: Shop, tmp_path: Path) -> None:
    ingest(bare, tmp_path / "holed", 2)
    first = Here(bare).run("holed", days=DAYS)
    assert first.exit_code == 3
    for table in ("shop.revenue", "shop.report"):
        assert outcome(first, table).category is Category.UPSTREAM
    later = DAYS[5]
    looked_over = outcome(first, "shop.rolling", later)
    assert looked_over.outcome is Outcome.COMMITTED
    assert looked_over.holes == (f"shop.revenue {DAY}",)
    said = json.loads(bare.ledger()[("shop.rolling", later)]["input_versions"])
    assert said["shop.revenue"]["holes"] == [DAY.isoformat()]
    assert json.loads(bare.outcomes(bare.run_id("holed"))[("shop.rolling", later)]["holes"]) == [f"shop.revenue {DAY}"]

    ingest(bare, tmp_path / "filled", 0, name="fill")
    Here(bare).run("day", days=[DAY])
    planned = Here(bare).plan("look", days=DAYS).plan
    rolling = next(t for t in planned.tables if t.table == "shop.rolling")
    assert {p.day: p.reason for p in rolling.to_do} == dict.fromkeys(DAYS[5:], Reason.STALE)
    redone = Here(bare).run("redo", days=DAYS)
    assert redone.exit_code == 0
    # expected over DAYS alone: the loop in memory knows no other orders either
    fresh = tmp_path / "only"
    shop.write_orders(fresh, DAYS)
    wanted = {key: value for key, value in expected(fresh).items() if key[1] in DAYS}
    assert bare.hashes_of_rows() == wanted
    assert bare.hashes_in_ledger() == wanted
    assert outcome(redone, "shop.rolling", later).holes == ()


def test_equal_rows_from_other_inputs_only_renew_the_ledger(bare: Shop, tmp_path: Path) -> None:
    """Orders change in the eighth digit, revenue is rounded: its rows stay, its ledger row is renewed."""
    ingest(bare, tmp_path / "orders", 0)
    Here(bare).run("first", days=DAYS)
    before = bare.ledger()
    moved = bare.query(f"SELECT MAX(computed_at) AS at FROM `{bare.name('shop', 'revenue')}`")
    shop.write_orders(tmp_path / "orders", DAYS)
    frame_path = tmp_path / "orders" / "orders.parquet"
    import polars as pl

    pl.read_parquet(frame_path).with_columns(pl.col("amount") + 1e-8).write_parquet(frame_path)
    assert counted(Here(bare).run("changed", orders=tmp_path / "orders", recompute=True)) == {"committed": len(DAYS)}
    report = Here(bare).run("second", days=DAYS)
    assert counted(report) == {
        "renewed": len(DAYS),
        "current": 2 * len(DAYS) - 1,
    }  # rolling looks back on nothing on the first day
    after = bare.ledger()
    for day in DAYS:
        old, new = before[("shop.revenue", day)], after[("shop.revenue", day)]
        assert new["commit_id"] != old["commit_id"]
        assert new["rows_commit"] == old["rows_commit"]
        assert after[("shop.rolling", day)] == before[("shop.rolling", day)]
    assert bare.query(f"SELECT MAX(computed_at) AS at FROM `{bare.name('shop', 'revenue')}`") == moved
    assert Here(bare).plan("look", days=DAYS).plan.total == 0
