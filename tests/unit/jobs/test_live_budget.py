"""A budget that is changed in its file while a run is alive: fewer permits from the next look on."""

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from backcourt.clock import SystemClock
from backcourt.errors import UsageError
from backcourt.warehouse.requests import Kind
from jobs.opening import limits_of
from jobs.settings import BudgetSettings, read_budget
from ray_tasks.budget_watch import BudgetWatch
from ray_tasks.errors import PermitTimeout
from ray_tasks.permits import LocalPermits


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


@pytest.fixture
def permits() -> LocalPermits:
    return LocalPermits({Kind.READ: 4, Kind.QUERY: 3, Kind.LOAD: 2, Kind.COMMIT: 2}, SystemClock(), patience=0.0)


def limits(permits: LocalPermits) -> dict[Kind, int]:
    return {state.kind: state.limit for state in permits.state()}


def watch_of(file: Path, permits: LocalPermits) -> BudgetWatch:
    return BudgetWatch(lambda: limits_of(read_budget(file)), permits.set_limits)


def test_a_smaller_budget_grants_nothing_until_enough_was_given_back(file: Path, permits: LocalPermits) -> None:
    held = [permits.acquire(Kind.QUERY, f"job-{n}") for n in range(3)]
    file.write_text("project: p\nbudget: {read: 4, query: 2, load: 2, commit: 2}\n")
    watch_of(file, permits).look()
    assert limits(permits)[Kind.QUERY] == 2
    permits.release(held[0])
    with pytest.raises(PermitTimeout):
        permits.acquire(Kind.QUERY, "job-3")
    permits.release(held[1])
    assert permits.acquire(Kind.QUERY, "job-4").ask.job_id == "job-4"


def test_a_larger_budget_grants_more(file: Path, permits: LocalPermits) -> None:
    for n in range(3):
        permits.acquire(Kind.QUERY, f"job-{n}")
    file.write_text("budget: {read: 4, query: 4, load: 2, commit: 2}\n")
    watch_of(file, permits).look()
    assert permits.acquire(Kind.QUERY, "job-3").ask.job_id == "job-3"


@pytest.mark.parametrize(
    "text", ["", "budget: [1]", "budget: {query: 0}", "budget: {qery: 1}", "budget: {query: 1", "x: 1"]
)
def test_a_file_that_cannot_be_used_is_a_sentence_and_changes_nothing(
    file: Path, permits: LocalPermits, text: str
) -> None:
    before = limits(permits)
    file.write_text(text)
    watch_of(file, permits).look()
    assert limits(permits) == before
    with pytest.raises(UsageError) as refusal:
        read_budget(file)
    assert str(file) in str(refusal.value)


def test_a_file_that_is_gone_changes_nothing(file: Path, permits: LocalPermits) -> None:
    before = limits(permits)
    watch_of(file, permits).look()
    assert limits(permits) == before


def test_the_thread_looks_and_ends(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ray_tasks.budget_watch.LOOK_SECONDS", 0.01)
    file.write_text("budget: {query: 5}\n")
    seen: list[Mapping[Kind, int]] = []
    applied = threading.Event()

    def apply(budget: Mapping[Kind, int]) -> None:
        seen.append(budget)
        applied.set()

    watch = BudgetWatch(lambda: limits_of(read_budget(file)), apply)
    watch.start()
    assert applied.wait(30)
    watch.stop()
    count = len(seen)
    assert seen[0] == {Kind.READ: 16, Kind.QUERY: 5, Kind.LOAD: 8, Kind.COMMIT: 8}
    assert not any(thread.name == "budget-watch" for thread in threading.enumerate())
    assert len(seen) == count


def test_every_kind_of_permit_has_a_budget() -> None:
    assert set(limits_of(BudgetSettings())) == set(Kind)
