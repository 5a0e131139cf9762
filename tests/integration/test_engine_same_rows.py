"""The answer does not depend on how it was computed: chunks, interruptions, bad weather, resuming."""

import pytest

from tests.integration import shop
from tests.integration.runs_here import Here, Stop, StopAfter, counted
from tests.integration.shop_fixtures import NewShop, fair_weather, new_shop, server, stock, whole  # noqa: F401
from tests.integration.shop_runs import Hashes


@pytest.mark.parametrize("chunk_days", [1, 7, 60])
def test_every_length_of_chunk_gives_the_rows_of_a_plain_loop(
    new_shop: NewShop,  # noqa: F811
    whole: Hashes,  # noqa: F811
    chunk_days: int,
) -> None:
    store = new_shop()
    report = Here(store, chunk_days=chunk_days).run("once")
    assert counted(report) == {"committed": 3 * len(shop.DAYS)}
    store.assert_whole(whole)
    assert store.staging() == []


def test_weather_changes_nothing(new_shop: NewShop, whole: Hashes) -> None:  # noqa: F811
    store = new_shop()
    store.server.control.change(fault_rate=0.05, seed=4)
    report = Here(store, chunk_days=3).run("stormy")
    store.server.control.change(fault_rate=0.0)
    assert sum(store.server.control.counters()["faults"].values()) > 0
    assert counted(report) == {"committed": 3 * len(shop.DAYS)}
    store.assert_whole(whole)


def test_a_run_that_was_stopped_goes_on_where_it_was(new_shop: NewShop, whole: Hashes) -> None:  # noqa: F811
    store, stop = new_shop(), Stop()
    first = Here(store, chunk_days=7).run("stopped", stop, StopAfter(stop, 30))
    done = counted(first)["committed"]
    assert first.exit_code == 130
    assert 30 <= done < 3 * len(shop.DAYS)
    assert first.recorded
    assert store.events(store.run_id("stopped"))[-1] in ("ended", "left_running")
    second = Here(store, chunk_days=7).run("stopped")
    assert second.identity.start == 2
    assert second.exit_code == 0
    store.assert_whole(whole)
    rows = store.ledger_rows()
    assert rows == len(shop.DAYS) * 4  # orders once, and each partition once: nothing was repeated


def test_a_run_whose_history_cannot_be_written_has_done_its_work(new_shop: NewShop, whole: Hashes) -> None:  # noqa: F811
    store = new_shop()
    refused = {"mode": "job_error", "kind": "load", "job_id_contains": "outcomes", "reason": "invalid", "times": None}
    store.server.control.change(faults=[refused])
    report = Here(store).run("unrecorded")
    store.server.control.change(faults=[])
    assert (report.exit_code, report.recorded) == (0, False)
    assert counted(report) == {"committed": 3 * len(shop.DAYS)}
    store.assert_whole(whole)
    assert Here(store).run("unrecorded").recorded


def test_recomputing_what_is_unchanged_writes_nothing(new_shop: NewShop) -> None:  # noqa: F811
    store = new_shop()
    Here(store).run("first")
    before = store.ledger_rows()
    store.server.control.reset()
    report = Here(store, chunk_days=7).run("again", recompute=True)
    counters = store.server.control.counters()
    assert counted(report) == {"unchanged": 3 * len(shop.DAYS)}
    assert store.ledger_rows() == before
    assert counters["jobs"]["commit"] == 0
    written = {table.partition(".")[2] for table in counters["dml"]}
    assert written <= {"runs", *(f"head__{name.partition('.')[2]}" for name in shop.DERIVED)}
    assert counters["jobs"]["load"] == 1  # the history of the run
