"""A night on which one day's orders were incomplete, as an operator looks at it afterwards, command by command.

The tests are one story on one shop, in their order: look, mend, look again.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from backcourt.errors import UsageError
from backcourt.pipeline.outcomes import Outcome, Partition
from backcourt.pipeline.records import mended_by
from backcourt.warehouse.emulator import LocalBigQuery
from backcourt.warehouse.history_reads import OutcomeFilter
from jobs.ground import ground_of
from jobs.selection import DateSelection
from jobs.stale import find_stale
from jobs.why import why
from ray_tasks.lookback import read_outcomes
from tests.integration import shop
from tests.integration.runs_here import Here
from tests.integration.shop_runs import Shop, install

DAY = shop.DAYS[20]
AFTER_A_WEEK = shop.DAYS[21:28]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop whose orders of DAY lack four of ten stores, ingested and backfilled."""
    folder = tmp_path_factory.mktemp("store")
    with LocalBigQuery(None) as server:
        found = Shop(server, folder, install(folder / "installed"))
        orders = shop.write_orders(folder / "poor", without={DAY: 4})
        Here(found).run("ingest", orders=orders)
        Here(found).run("night")
        yield found


def told(store: Shop, *words: str) -> Any:
    done = store.run(*words, "--json")
    assert done.code == 0, done.told
    return json.loads(done.out)


def test_history_tells_the_runs_and_why_dates_are_missing(store: Shop) -> None:
    found = told(store, "history", "--failed")
    runs = {r["run_id"]: r for r in found["runs"]}
    night = runs[store.run_id("night")]
    assert (night["exit_code"], night["planned"], night["outcomes"]) == (3, 120, {"committed": 118, "blocked": 2})
    outcomes = {(o["table"], o["date"]): o for o in found["outcomes"]}
    assert set(outcomes) == {(name, str(DAY)) for name in ("shop_raw.orders", "shop.revenue", "shop.report")}
    cause = outcomes["shop_raw.orders", str(DAY)]
    assert (cause["category"], cause["retry_can_help"], cause["done_by"]) == ("data missing", False, "")
    assert (cause["rows"], cause["expected"], cause["coverage"]) == (6, 10, 0.6)
    assert set(cause["missing"]) == set(shop.STORES[6:])
    assert outcomes["shop.report", str(DAY)]["category"] == "upstream"
    (trend,) = [t for t in found["trends"] if t["table"] == "shop_raw.orders"]
    assert (trend["lowest"], trend["lowest_date"], trend["dates"]) == (0.6, str(DAY), 40)


def test_why_leads_to_the_source(store: Shop) -> None:
    done = store.run("status", "--why", "report", str(DAY))
    assert done.code == 0, done.told
    said = " ".join(done.out.split())
    assert f"shop.report {DAY}: It waits for shop_raw.orders {DAY}, the gate blocked it" in said
    assert f"backcourt ingest --source SOURCE --tables shop_raw.orders --dates {DAY}" in said
    gate = why(Here(store).session(), Partition("shop_raw.orders", DAY))
    assert [s.text for s in gate.steps if s.name == "missing"] == ["gva, hel, ist, kyi."]


def test_the_report_is_one_file_with_a_place_for_every_date(store: Shop, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    done = store.run("report", "--run", store.run_id("night"), "--to", str(file))
    assert done.code == 0, done.told
    page = file.read_text()
    assert [page.count(f'id="{table}-2024-') for table in ("orders", "revenue", "rolling", "report")] == [40] * 4
    assert f'class="c blocked" id="revenue-{DAY}"' in page
    assert "gva, hel, ist, kyi" in page
    assert "at most 1 in flight" in page  # the budget's curve of a run with one worker


def test_a_run_that_is_not_known_is_said_to_be(store: Shop, tmp_path: Path) -> None:
    done = store.run("report", "--to", str(tmp_path / "r.html"), "--run", "nobody")
    assert (done.code, "nobody" in done.err, "Traceback" in done.err) == (2, True, False), done.told
    with pytest.raises(UsageError, match="There is no history of a run nobody"):
        Here(store).plan("look", only_failed="nobody")


def left(store: Shop) -> set[Partition]:
    """What did not go through the last time that a run had it."""
    ground = ground_of(Here(store).session(), store.run_id("left"))
    return {r.partition for r in read_outcomes(ground, OutcomeFilter(date(2000, 1, 1), newest=True, left=True))}


def test_what_failed_in_a_run_is_done_by_its_name_and_nothing_else(store: Shop) -> None:
    assert left(store) == {Partition(table, DAY) for table in ("shop_raw.orders", "shop.revenue", "shop.report")}
    Here(store).run("mended", orders=store.orders)
    report = Here(store).run("again", only_failed=store.run_id("night"))
    assert {(o.partition.table, o.partition.day): o.outcome for o in report.outcomes} == {
        ("shop.revenue", DAY): Outcome.COMMITTED,
        ("shop.report", DAY): Outcome.COMMITTED,
    }
    ground = ground_of(Here(store).session(), store.run_id("mending"))
    assert mended_by(read_outcomes(ground, OutcomeFilter(date(2000, 1, 1)))).items() >= {
        (Partition("shop_raw.orders", DAY), store.run_id("mended")),
        (Partition("shop.revenue", DAY), store.run_id("again")),
        (Partition("shop.report", DAY), store.run_id("again")),
    }
    assert left(store) == set()
    # The week after looked back on a hole that is filled now.
    stale = find_stale(Here(store).session(), None, DateSelection())
    rolling = [(g.table, g.cause, g.days) for g in stale if g.table == "shop.rolling"]
    assert rolling == [("shop.rolling", "older inputs", AFTER_A_WEEK)]


def test_another_version_waits_until_it_is_asked_for(store: Shop) -> None:
    Here(store).run("rest")
    processors = tuple(replace(p, version="2") if p.name == "shop.revenue" else p for p in shop.PIPELINE.processors)
    newer = replace(store, pipeline=replace(shop.PIPELINE, processors=processors), number=store.number)
    assert Here(newer).plan("ordinary").plan.total == 0
    (group,) = find_stale(Here(newer).session(), None, DateSelection())
    assert (group.table, group.cause, group.days) == ("shop.revenue", "made by version 1, now 2", shop.DAYS)
    assert [(d.table, d.days) for d in group.downstream] == [
        ("shop.rolling", shop.DAYS[1:]),
        ("shop.report", shop.DAYS),
    ]
    report = Here(newer, code="9.9.0").run("stale", stale=True)
    ends = {(o.partition.table, o.outcome) for o in report.outcomes}
    assert ends == {
        ("shop.revenue", Outcome.RENEWED),  # the same rows: only the ledger says another version
        ("shop.rolling", Outcome.CURRENT),
        ("shop.report", Outcome.CURRENT),
    }
    assert find_stale(Here(newer).session(), None, DateSelection()) == ()


def test_status_tells_that_newer_code_has_written(store: Shop) -> None:
    found = told(store, "status", "--repository-version", "10.0.0")
    newer, wanted = found["drift"]
    assert "is older than 9.9.0, which wrote last at" in newer
    assert "is older than the repository's 10.0.0" in wanted
    others = {t["table"]: t["other_version"] for t in found["tables"]}
    assert others == {"shop_raw.orders": 0, "shop.revenue": 40, "shop.rolling": 0, "shop.report": 0}
    assert date.fromisoformat(shop.AFTER) > DAY
