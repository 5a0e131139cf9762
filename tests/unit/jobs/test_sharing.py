"""Where the setting says that runs share the budget, and what is said where they cannot."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from backcourt.clock import SystemClock
from backcourt.errors import LimitReached, UsageError
from backcourt.pipeline.shares import Priority, Share, Wish
from backcourt.sharing.local_file import LocalShares
from backcourt.warehouse.requests import Kind
from jobs.opening import await_share, usable, waiting_sentence
from jobs.settings import Settings, load_settings
from jobs.sharing import default_file, open_shares, read_shares
from ray_tasks.cancelling import CancelWatch
from ray_tasks.permits import LocalPermits
from ray_tasks.share_keeper import ShareKeeper
from tests.unit.engine.fake_clock import FakeClock

ROW = Share(
    Wish("nightly-1-1", Priority.DAILY, {"query": 4}, {"query": 4}),
    {"query": 3},
    datetime(2026, 11, 21, 5, 30, 1, tzinfo=UTC),
)


class NotStopped:
    """A StopRequest that never asks."""

    exit_code = 0


@pytest.mark.parametrize("wrong", ["file:", "file", "configmap:name", "configmap:A/b", "yes", "configmap:a/b/c"])
def test_a_place_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(UsageError, match=f"Setting shares '{wrong}' cannot be used: is neither none nor file:PATH"):
        load_settings({"shares": wrong})


def test_each_bigquery_has_a_file_of_its_own(tmp_path: Path) -> None:
    files = {
        default_file(Settings(run_folder=tmp_path, local_folder=tmp_path / "here", **place))
        .relative_to(tmp_path)
        .as_posix()
        for place in (
            {},
            {"project": "my-project"},
            {"project": "example.com:mine"},
            {"project": "local", "endpoint": "http://127.0.0.1:9050", "storage_endpoint": "127.0.0.1:9060"},
        )
    }
    assert files == {
        "here/shares.json",
        "shares/my-project.json",
        "shares/example-com-mine.json",
        "shares/127-0-0-1-9050.json",
    }


def test_none_is_a_budget_to_oneself() -> None:
    with open_shares(Settings(shares="none"), SystemClock()) as store:
        assert store is None
    assert read_shares(Settings(shares="none"), SystemClock()) == ((), "")


def test_status_tells_every_share(tmp_path: Path) -> None:
    file = tmp_path / "shares.json"
    store = LocalShares(file, SystemClock())
    store.compare_and_swap(store.read(), (ROW,))
    (told,), unknown = read_shares(Settings(shares=f"file:{file}"), SystemClock())
    assert unknown == ""
    assert (told.run, told.priority, told.permits) == ("nightly-1-1", "daily", {"query": 3})
    assert (told.renewed_at, told.left) == ("2026-11-21 05:30:01", False)


def test_shares_that_cannot_be_read_are_a_sentence_for_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    shares, unknown = read_shares(Settings(shares="configmap:nightly/backcourt-shares"), SystemClock())
    assert shares == ()
    assert unknown.startswith("The shares are in ConfigMap nightly/backcourt-shares, and no cluster is configured here")


def test_a_run_asks_for_no_more_than_its_pool_can_use() -> None:
    assert usable(1) == {Kind.READ: 3, Kind.QUERY: 4, Kind.LOAD: 2}


def test_a_run_that_waits_says_for_whom_or_why() -> None:
    assert waiting_sentence((), "") == ""
    assert "which other runs have: nightly-1-1." in waiting_sentence((ROW,), "")
    assert "The API does not answer." in waiting_sentence((), "The API does not answer.")


@pytest.mark.parametrize("answers_now_and_then", [False, True])
def test_a_place_that_does_not_answer_ends_the_wait_and_other_runs_do_not(
    tmp_path: Path, answers_now_and_then: bool
) -> None:
    """The place is away all the time, or every other 100 s; then the share comes after 2,000 s."""
    budget = {Kind.QUERY: 4}

    def look(_: float) -> None:
        at = round(clock.seconds, 1)
        keeper.trouble = "It is away." if not answers_now_and_then or at % 200 < 100 else ""
        if answers_now_and_then and at >= 2_000:
            keeper.look(permits)

    clock = FakeClock(look)
    permits = LocalPermits(budget, clock, patience=-1.0, sharing=True)
    store = LocalShares(tmp_path / "shares.json", SystemClock())
    keeper = ShareKeeper(store, "r-1", Priority.BACKFILL, budget, {}, lambda _: (), clock)
    watch = CancelWatch(NotStopped())
    if answers_now_and_then:
        await_share(keeper, watch, clock, 900)
        assert keeper.may_begin
        assert clock.seconds >= 2_000
    else:
        with pytest.raises(LimitReached, match=r"has not answered for 900 s\. It is away\. In a cluster"):
            await_share(keeper, watch, clock, 900)
        assert 900 < clock.seconds < 902
