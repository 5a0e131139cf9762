"""One run's end of the shares, step by step, on the permits of a serial run and a file."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from backcourt.clock import SystemClock
from backcourt.pipeline.shares import Priority
from backcourt.sharing.local_file import LocalShares
from backcourt.warehouse.requests import Kind
from ray_tasks.allowance import UNKNOWN, Capped
from ray_tasks.departed import Departed
from ray_tasks.errors import PermitTimeout
from ray_tasks.permit_book import Ask
from ray_tasks.permits import LocalPermits, new_book
from ray_tasks.share_keeper import ShareKeeper
from tests.unit.engine.fake_clock import FakeClock

BUDGET = {Kind.QUERY: 4}


class Here:
    """A run on a clock that all share; `jobs` is what BigQuery lists."""

    def __init__(self, file: Path, clock: FakeClock, name: str, jobs: list[str], budget: int = 4) -> None:
        self.clock = clock
        settings = {Kind.QUERY: budget}
        self.permits = LocalPermits(settings, clock, patience=-1.0, sharing=True)
        self.keeper = ShareKeeper(
            LocalShares(file, SystemClock()),
            name,
            Priority.BACKFILL,
            settings,
            {},
            lambda prefix: tuple(job for job in jobs if job.startswith(prefix)),
            clock,
        )

    def look(self) -> None:
        self.keeper.look(self.permits)

    @property
    def has(self) -> int:
        return self.keeper.mine.permits["query"] if self.keeper.mine else -1

    def grants(self) -> int:
        """How many permits it gives out now; they are kept."""
        for number in range(99):
            try:
                self.permits.acquire(Kind.QUERY, f"job-{number}")
            except PermitTimeout:
                return number
        raise AssertionError("no limit")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shares.json"


def test_nothing_is_granted_before_the_first_look(file: Path, clock: FakeClock) -> None:
    run = Here(file, clock, "a-1", [])
    assert run.grants() == 0
    run.look()
    assert run.grants() == 3


def test_a_newcomer_gets_what_the_first_gives_up(file: Path, clock: FakeClock) -> None:
    first, second = Here(file, clock, "a-1", []), Here(file, clock, "b-1", [])
    first.look()
    permits = [first.permits.acquire(Kind.QUERY, f"job-{n}") for n in range(3)]
    second.look()
    assert (first.has, second.has) == (3, 0)
    assert not second.keeper.may_begin
    first.look()
    first.permits.release(permits[0])
    assert first.grants() == 0  # it stopped granting before anybody took over
    second.look()
    assert second.has == 0
    first.look()
    second.look()
    assert (first.has, second.has) == (2, 1)
    assert second.grants() == 1


def test_a_share_lapses_by_the_authoritys_own_clock(file: Path, clock: FakeClock) -> None:
    run = Here(file, clock, "a-1", [])
    run.look()
    clock.seconds += 19.9
    assert len([run.permits.acquire(Kind.QUERY)]) == 1
    clock.seconds += 0.2
    assert run.grants() == 0
    assert run.permits.state()[0].lapsed
    run.look()
    assert run.grants() == 2


def test_a_run_that_was_stopped_finds_its_share_given_away(file: Path, clock: FakeClock) -> None:
    jobs = ["a-1-shop-load-1"]
    stopped, other = Here(file, clock, "a-1", jobs), Here(file, clock, "b-1", jobs)
    stopped.look()
    other.look()
    clock.seconds += 60.0
    for _ in range(4):
        clock.seconds += 1.0
        other.look()
        assert other.has == 0  # its job still runs
    jobs.clear()
    for _ in range(4):
        clock.seconds += 1.0
        other.look()
    assert other.has == 3
    assert stopped.grants() == 0
    stopped.look()
    assert stopped.grants() == 0
    other.look()
    stopped.look()
    assert (stopped.has, other.has) == (1, 2)
    assert stopped.grants() == 1


def test_what_is_in_flight_at_the_end_stays_counted_until_its_job_has_ended(file: Path, clock: FakeClock) -> None:
    jobs = ["a-1-shop-commit-1"]
    ending, other = Here(file, clock, "a-1", jobs), Here(file, clock, "b-1", jobs)
    ending.look()
    ending.permits.acquire(Kind.QUERY, jobs[0])
    ending.keeper.stop(ending.permits)
    other.look()
    assert other.has == 2
    jobs.clear()
    for _ in range(4):
        clock.seconds += 1.0
        other.look()
    assert other.has == 3


def test_a_run_that_ends_gives_all_back_at_once(file: Path, clock: FakeClock) -> None:
    ending, other = Here(file, clock, "a-1", []), Here(file, clock, "b-1", [])
    ending.look()
    ending.keeper.stop(ending.permits)
    other.look()
    assert other.has == 3
    assert ending.grants() == 0


def test_an_authority_that_was_restarted_gives_nothing_up_before_it_was_told(file: Path, clock: FakeClock) -> None:
    book = new_book(BUDGET, "second life", recovering=True, sharing=True)
    assert book.cap({Kind.QUERY: 1}, 0.0).in_flight == {Kind.QUERY: UNKNOWN}
    book.ask(Ask("w", Kind.QUERY, "worker"), 0.0)
    book.resume()
    assert book.grant(0.0) == []  # nobody has told it of a share
    book.renew_share({Kind.QUERY: 1}, 20.0)
    assert len(book.grant(0.0)) == 1


class Authority:
    """One life of an authority, whose clock is that of its node."""

    def __init__(self, epoch: str, clock_is_ahead: float, clock: FakeClock) -> None:
        self.book = new_book(BUDGET, epoch, sharing=True)
        self._ahead, self._clock = clock_is_ahead, clock

    @property
    def now(self) -> float:
        return self._clock.seconds + self._ahead

    def cap(self, target: Mapping[Kind, int]) -> Capped:
        return self.book.cap(target, self.now)

    def renew_share(self, permits: Mapping[Kind, int], until: float) -> None:
        self.book.renew_share(permits, until)

    def grants(self) -> int:
        for number in range(9):
            self.book.ask(Ask(f"{self.book.epoch}-{number}", Kind.QUERY, "worker"), self.now)
        return len(self.book.grant(self.now))


def test_the_share_lapses_by_the_clock_of_an_authority_that_came_back_on_another_node(
    file: Path, clock: FakeClock
) -> None:
    keeper = Here(file, clock, "a-1", []).keeper
    keeper.look(Authority("first life", 1e6, clock))
    second = Authority("second life", 0.0, clock)
    clock.seconds += 1.0
    keeper.look(second)
    clock.seconds += 21.0
    assert second.grants() == 0
    keeper.look(second)
    assert second.grants() == 3


def test_jobs_of_a_run_whose_name_begins_alike_are_not_the_gone_runs(clock: FakeClock) -> None:
    departed = Departed(lambda prefix: tuple(j for j in ["r-2-1-shop-load-1"] if j.startswith(prefix)), clock)
    found = []
    for _ in range(4):
        found.append(departed.ended({"r-2"}, {"r-2", "r-2-1"}))
        clock.seconds += 1.0
    assert found == [frozenset(), frozenset(), {"r-2"}, {"r-2"}]


def test_a_job_that_shows_up_late_starts_the_waiting_anew(clock: FakeClock) -> None:
    listed: list[str] = []
    departed = Departed(lambda _: tuple(listed), clock)
    found = []
    for jobs in ([], ["r-1-load"], [], [], [], []):
        listed[:] = jobs
        found.append(bool(departed.ended({"r-1"}, {"r-1"})))
        clock.seconds += 1.0
    assert found == [False, False, False, False, True, True]
