"""The file of shares under real competition: processes that swap at once, and one that dies."""

import multiprocessing as mp
import os
import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backcourt.clock import SystemClock
from backcourt.pipeline.shares import Priority, Share, Wish
from backcourt.sharing.local_file import LocalShares
from backcourt.sharing.store import Seen, SharesUnreachable, SharesUnusable

NOW = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
SPAWN = mp.get_context("spawn")


def share(run: str, permits: int = 0) -> Share:
    return Share(Wish(run, Priority.BACKFILL, {"query": 1000}, {"query": 1000}), {"query": permits}, NOW)


def count_up(file: Path, times: int) -> None:
    """Add one to the only row so many times, each by compare-and-swap."""
    store, done = LocalShares(file, SystemClock()), 0
    while done < times:
        seen = store.read()
        done += store.compare_and_swap(seen, (share("r", seen.shares[0].permits["query"] + 1),))


def be_present(file: Path, ready: "mp.connection.Connection") -> None:  # type: ignore[name-defined]
    with LocalShares(file, SystemClock()).present("r"):
        ready.send(True)
        signal.pause()


def test_what_was_swapped_in_is_read_again(tmp_path: Path) -> None:
    store = LocalShares(tmp_path / "new" / "shares.json", SystemClock())
    empty = store.read()
    assert empty.shares == ()
    rows = (share("a", 3), Share(Wish("b", Priority.DAILY, {"read": 2}, {"read": 1}), {"read": 1}, NOW, left=True))
    assert store.compare_and_swap(empty, rows)
    assert store.read().shares == rows
    assert not store.compare_and_swap(empty, ())
    assert store.read().shares == rows


def test_of_two_processes_that_swap_at_once_each_swap_counts_once(tmp_path: Path) -> None:
    file = tmp_path / "shares.json"
    LocalShares(file, SystemClock()).compare_and_swap(Seen((), ""), (share("r"),))
    rivals = [SPAWN.Process(target=count_up, args=(file, 60)) for _ in range(2)]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join(120)
    assert [rival.exitcode for rival in rivals] == [0, 0]
    assert LocalShares(file, SystemClock()).read().shares[0].permits == {"query": 120}
    assert {path.name for path in tmp_path.iterdir()} == {"shares.json", "shares.lock"}


def test_a_process_that_was_killed_is_known_to_be_gone(tmp_path: Path) -> None:
    store = LocalShares(tmp_path / "shares.json", SystemClock())
    assert not store.has_died("r")  # never seen: perhaps on its way
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=be_present, args=(tmp_path / "shares.json", there))
    process.start()
    assert here.recv()
    assert not store.has_died("r")
    os.kill(process.pid or 0, signal.SIGSTOP)
    assert not store.has_died("r")  # stopped is not gone
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join(60)
    assert store.has_died("r")
    assert store.compare_and_swap(store.read(), (share("other"),))  # whoever takes its row away takes its sign along
    assert not list(tmp_path.glob("*.alive"))


def test_a_run_that_ends_leaves_no_sign(tmp_path: Path) -> None:
    store = LocalShares(tmp_path / "shares.json", SystemClock())
    with store.present("r"):
        assert not store.has_died("r")
        with pytest.raises(SharesUnusable, match="Run r is alive in another process"), store.present("r"):
            pytest.fail("present twice")
    assert not list(tmp_path.glob("*.alive"))


def test_a_lock_that_is_not_given_back_is_waited_for_only_so_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    monkeypatch.setattr("backcourt.sharing.local_file.LOCK_SECONDS", 0.1)
    store = LocalShares(tmp_path / "shares.json", SystemClock())
    with (tmp_path / "shares.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(SharesUnreachable, match="held the lock"):
            store.compare_and_swap(store.read(), (share("r"),))
    assert store.compare_and_swap(store.read(), (share("r"),))


@pytest.mark.parametrize("text", ["{", "[1]", '[{"permits": {}}]', '{"a": 1}', "\x00", "null"])
def test_a_file_of_something_else_is_told_and_left_alone(text: str, tmp_path: Path) -> None:
    file = tmp_path / "shares.json"
    file.write_text(text)
    with pytest.raises(SharesUnusable, match=r"shares\.json cannot be read.*Empty it while no run is alive"):
        LocalShares(file, SystemClock()).read()
    assert file.read_text() == text


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("no folder")
    store = LocalShares(tmp_path / "folder" / "shares.json", SystemClock())
    with pytest.raises(SharesUnusable, match="Name another file"):
        store.compare_and_swap(Seen((), ""), ())
    with pytest.raises(SharesUnusable, match="Name another file"), store.present("r"):
        pytest.fail("present in a folder that is none")
