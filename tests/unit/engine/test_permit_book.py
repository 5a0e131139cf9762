"""The permit book under random asks, deaths and restarts; the budget that shrinks and grows."""

from itertools import count

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from backcourt.warehouse.requests import Kind
from ray_tasks.budget import CAREFUL_SECONDS, QUIET_SECONDS, Budget
from ray_tasks.errors import PermitTimeout
from ray_tasks.permit_book import Ask, Permit, PermitBook
from ray_tasks.permits import LocalPermits, held, new_book
from tests.unit.engine.fake_clock import FakeClock

LIMITS = {Kind.READ: 3, Kind.QUERY: 2, Kind.LOAD: 1, Kind.COMMIT: 2}
HOLDERS = st.sampled_from(["w1", "w2", "w3", "w4"])


class Book(RuleBasedStateMachine):
    """Random life of a book, beside a plain list of who waits and a set of what is in flight."""

    def __init__(self) -> None:
        super().__init__()
        self.book = new_book(LIMITS, "e1")
        self.numbers = count(1)
        self.now = 0.0
        self.lines: dict[Kind, list[Ask]] = {kind: [] for kind in LIMITS}
        self.held: dict[str, Permit] = {}
        self.orphans: dict[str, Permit] = {}
        self.dead: set[str] = set()

    @rule(kind=st.sampled_from(list(LIMITS)), holder=HOLDERS, table=st.sampled_from(["a", "b"]))
    def ask(self, kind: Kind, holder: str, table: str) -> None:
        ask = Ask(f"ask{next(self.numbers)}", kind, holder, "job", table)
        self.book.ask(ask, self.now)
        if holder not in self.dead:
            self.lines[kind].append(ask)

    @rule()
    def grant(self) -> None:
        granted = self.book.grant(self.now)
        if self.book.recovering:
            assert granted == []
        for permit in granted:
            line = self.lines[permit.ask.kind]
            ahead = line[: line.index(permit.ask)]
            assert all(self.commit_under_way(a) for a in ahead), "a permit is granted out of turn"
            assert permit.ask.holder not in self.dead
            assert not self.commit_under_way(permit.ask)
            line.remove(permit.ask)
            self.held[permit.id] = permit
        if not self.book.recovering:
            for kind, line in self.lines.items():
                free = LIMITS[kind] - self.in_flight(kind)
                assert free == 0 or all(self.commit_under_way(a) for a in line), "somebody waits for nothing"

    def commit_under_way(self, ask: Ask) -> bool:
        flying = [*self.held.values(), *self.orphans.values()]
        return ask.kind is Kind.COMMIT and any(p.ask.kind is Kind.COMMIT and p.ask.table == ask.table for p in flying)

    def in_flight(self, kind: Kind) -> int:
        return sum(p.ask.kind is kind for p in (*self.held.values(), *self.orphans.values()))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        permit_id = data.draw(st.sampled_from(sorted(self.held)))
        del self.held[permit_id]
        self.book.release(permit_id)
        self.book.release(permit_id)  # repeated releases are harmless

    @precondition(lambda self: self.held or any(self.lines.values()))
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        """In line or granted meanwhile: nothing of it is left."""
        waiting = [a.id for line in self.lines.values() for a in line]
        ask_id = data.draw(st.sampled_from(sorted([*self.held, *waiting])))
        self.book.withdraw(ask_id)
        self.held.pop(ask_id, None)
        self.lines = {kind: [a for a in line if a.id != ask_id] for kind, line in self.lines.items()}

    @rule(holder=HOLDERS)
    def die(self, holder: str) -> None:
        lost = self.book.holder_died(holder)
        assert {p.id for p in lost} == {p.id for p in self.held.values() if p.ask.holder == holder}
        self.dead.add(holder)
        self.orphans |= {p.id: self.held.pop(p.id) for p in lost}
        self.lines = {kind: [a for a in line if a.holder != holder] for kind, line in self.lines.items()}

    @precondition(lambda self: self.orphans)
    @rule(data=st.data())
    def free_orphan(self, data: st.DataObject) -> None:
        permit_id = data.draw(st.sampled_from(sorted(self.orphans)))
        self.book.release(permit_id)  # only somebody who asked BigQuery may free it
        assert permit_id in self.book.orphans
        self.book.free_orphan(permit_id)
        del self.orphans[permit_id]

    @rule(gives_back=st.booleans(), dies=st.booleans())
    def restart(self, gives_back: bool, dies: bool) -> None:
        """The authority forgets all; holders tell what they hold, and some give back or die in that moment."""
        told = tuple(self.held.values())
        self.book = PermitBook({kind: Budget(limit) for kind, limit in LIMITS.items()}, "e2", recovering=True)
        self.lines = {kind: [] for kind in LIMITS}
        for holder in self.dead:
            self.book.holder_died(holder)
        if told and gives_back:
            self.book.release(told[0].id)
            del self.held[told[0].id]
        if told and dies:
            self.book.holder_died(told[-1].ask.holder)
            self.dead.add(told[-1].ask.holder)
        for _ in range(2):  # a recovery that breaks off is made again
            self.book.readmit(told, self.now)
        gone = {i for i, p in self.held.items() if p.ask.holder in self.dead}
        self.orphans = {i: self.held.pop(i) for i in gone}
        self.grant()
        self.book.resume()

    @rule(seconds=st.sampled_from([0.1, 20.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @invariant()
    def the_book_knows_what_is_in_flight(self) -> None:
        assert set(self.book.held) == set(self.held)
        assert set(self.book.orphans) == set(self.orphans)

    @invariant()
    def never_more_than_the_limit(self) -> None:
        for kind, limit in LIMITS.items():
            assert self.book.in_flight(kind) == self.in_flight(kind) <= limit

    def teardown(self) -> None:
        """Every wait ends once everything is given back."""
        for _ in range(200):
            for permit_id in list(self.book.held):
                self.book.release(permit_id)
            for permit_id in list(self.book.orphans):
                self.book.free_orphan(permit_id)
            if not self.book.grant(self.now):
                break
        assert sum(k.waiting for k in self.book.state(self.now)) == 0


Book.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestBook = Book.TestCase


def granted(book: PermitBook, number: int, kind: Kind = Kind.QUERY) -> list[Permit]:
    for n in range(number):
        book.ask(Ask(f"{kind}{n}-{book.epoch}-{len(book.held)}", kind, "w", table=str(n)), 0.0)
    return book.grant(0.0)


def test_an_overload_halves_once_however_many_signals_it_makes() -> None:
    book = new_book({Kind.QUERY: 16}, "e")
    permits = granted(book, 16)
    for permit in permits:
        book.signal(permit, 1.0)
    assert book.budgets[Kind.QUERY].limit == 8


def test_a_permit_granted_after_the_halving_halves_again() -> None:
    book = new_book({Kind.QUERY: 16}, "e")
    first = granted(book, 1)[0]
    book.signal(first, 1.0)
    book.signal(granted(book, 1)[0], 2.0)
    book.signal(first, 3.0)
    assert book.budgets[Kind.QUERY].limit == 4


def test_the_limit_never_falls_below_one() -> None:
    book = new_book({Kind.QUERY: 3}, "e")
    for _ in range(5):
        (permit,) = granted(book, 1)
        book.signal(permit, 0.0)
        book.release(permit.id)
    assert book.budgets[Kind.QUERY].limit == 1


def test_the_limit_grows_by_one_a_quiet_period_and_onto_a_refused_limit_after_a_long_one() -> None:
    budget = Budget(8)
    budget.signal(1, 2, now=100.0)
    limits = []
    for n in range(4):
        budget.allows(0, 100.0 + n * QUIET_SECONDS)
        limits.append(budget.limit)
    up_again = 100.0 + 3 * QUIET_SECONDS + CAREFUL_SECONDS
    for now in (up_again - 0.1, up_again, up_again + 10 * CAREFUL_SECONDS):
        budget.allows(0, now)
        limits.append(budget.limit)
    assert limits == [4, 5, 6, 7, 7, 8, 8]  # 8 was refused, and is the setting


def test_once_a_refused_limit_is_borne_the_way_up_is_quick_again() -> None:
    budget = Budget(16, limit=4)
    budget.signal(1, 2, now=0.0)  # 4 was too much: 2
    borne = QUIET_SECONDS + CAREFUL_SECONDS
    budget.allows(0, borne)
    assert budget.limit == 4
    budget.allows(0, borne + 3 * QUIET_SECONDS)
    assert budget.limit == 7


def test_where_one_is_too_many_two_are_tried_after_a_long_quiet() -> None:
    budget = Budget(8, limit=1)
    budget.signal(1, 2, now=0.0)
    budget.allows(0, CAREFUL_SECONDS - 0.1)
    assert budget.limit == 1
    budget.allows(0, CAREFUL_SECONDS)
    assert budget.limit == 2


def test_nobody_needs_to_ask_for_the_limit_to_grow() -> None:
    budget = Budget(8)
    budget.signal(1, 2, now=100.0)
    budget.allows(0, 100.0 + 2.5 * QUIET_SECONDS)
    assert budget.limit == 6


def test_a_kind_that_nobody_asks_for_is_seen_to_recover() -> None:
    """Else an alert would tell of a budget that stayed halved, long after the refusal."""
    book = new_book({Kind.LOAD: 4}, "e")
    (permit,) = granted(book, 1, Kind.LOAD)
    book.signal(permit, 0.0)
    book.release(permit.id)
    assert [k.limit for k in book.state(0.0)] == [2]
    assert [k.limit for k in book.state(600.0)] == [4]


def test_a_signal_interrupts_the_quiet() -> None:
    budget = Budget(8)
    budget.signal(1, 2, now=100.0)
    late = 100.0 + QUIET_SECONDS - 1.0
    budget.signal(1, 2, now=late)
    budget.allows(0, 100.0 + QUIET_SECONDS)
    assert budget.limit == 4
    budget.allows(0, late + QUIET_SECONDS)
    assert budget.limit == 5


def test_a_time_in_which_nothing_was_sent_is_no_quiet() -> None:
    budget = Budget(8)
    budget.signal(1, 2, now=0.0, park_seconds=600.0)
    assert not budget.allows(0, 599.9)
    assert budget.allows(3, 600.0)
    assert not budget.allows(4, 600.0)


def test_a_refused_permit_of_a_former_life_counts_as_what_it_is_now() -> None:
    """Its own serial number is of another book and may be higher than any of this one."""
    book = PermitBook({Kind.LOAD: Budget(16)}, "e2", recovering=True)
    told = [Permit(Ask(f"a{n}", Kind.LOAD, "w", f"job-{n}"), 900 + n, "e1", 0.0) for n in range(3)]
    book.readmit(told, 0.0)
    for permit in told:
        book.signal(permit, 1.0)
    assert book.budgets[Kind.LOAD].limit == 8


def test_a_parked_kind_grants_nothing_and_leaves_the_others_alone() -> None:
    book = new_book({Kind.QUERY: 4, Kind.LOAD: 4}, "e")
    book.signal(granted(book, 1)[0], 0.0, park_seconds=600.0)
    book.ask(Ask("later", Kind.QUERY, "w"), 0.0)
    book.ask(Ask("load", Kind.LOAD, "w"), 0.0)
    assert [p.id for p in book.grant(599.0)] == ["load"]
    assert [p.id for p in book.grant(600.0)] == ["later"]


def test_a_smaller_setting_holds_at_once_and_a_larger_one_too() -> None:
    book = new_book({Kind.QUERY: 2}, "e")
    book.set_limits({Kind.QUERY: 1})
    assert len(granted(book, 3)) == 1
    book.set_limits({Kind.QUERY: 3})
    assert len(book.grant(0.0)) == 2


def test_a_job_that_is_told_of_is_no_orphan_and_none_is_adopted_twice() -> None:
    book = PermitBook({Kind.LOAD: Budget(4)}, "e2", recovering=True)
    book.readmit([Permit(Ask("a", Kind.LOAD, "w", "job-a"), 1, "e1", 0.0)], 0.0)
    for number in range(2):
        book.adopt_orphans([Ask(f"x{number}", Kind.LOAD, "nobody", j) for j in ("job-a", "job-b")], 0.0)
    assert [p.ask.job_id for p in book.orphans.values()] == ["job-b"]


def test_what_is_given_back_or_orphaned_during_a_recovery_is_not_held_for_ever() -> None:
    book = PermitBook({Kind.LOAD: Budget(4)}, "e2", recovering=True)
    told = [Permit(Ask(name, Kind.LOAD, name, f"job-{name}"), 1, "e1", 0.0) for name in ("back", "dead", "alive")]
    book.release("back")
    book.holder_died("dead")
    assert [p.id for p in book.readmit(told, 0.0)] == ["alive"]
    assert set(book.held) == {"alive"}
    assert set(book.orphans) == {"dead"}


def test_a_permit_given_back_between_two_tellings_is_not_admitted_again() -> None:
    """A recovery that breaks off begins anew, and a holder may have told what it gives back meanwhile."""
    book = PermitBook({Kind.COMMIT: Budget(4)}, "e2", recovering=True)
    told = [Permit(Ask("p", Kind.COMMIT, "driver", "job-p", "d.t"), 1, "e1", 0.0)]
    book.readmit(told, 0.0)
    book.release("p")
    book.readmit(told, 1.0)
    book.resume()
    assert not book.held
    book.ask(Ask("next", Kind.COMMIT, "driver", "job-next", "d.t"), 2.0)
    assert [p.id for p in book.grant(2.0)] == ["next"]


def test_a_new_life_goes_on_with_the_limits_of_the_former_one() -> None:
    """Else an authority that dies in an overload would come back with the whole budget."""
    former = new_book({Kind.LOAD: 16, Kind.QUERY: 16, Kind.READ: 16}, "e1")
    former.set_limits({Kind.LOAD: 8})
    former.signal(granted(former, 1, Kind.LOAD)[0], 5000.0)
    former.signal(granted(former, 1, Kind.QUERY)[0], 5000.0, park_seconds=600.0)
    book = PermitBook({kind: Budget(16) for kind in (Kind.LOAD, Kind.QUERY, Kind.READ)}, "e2", recovering=True)
    book.remember(former.state(5001.0), 90_000.0)  # its clock is another machine's
    assert [(k.setting, k.limit, k.parked_seconds) for k in book.state(90_000.0)] == [
        (8, 4, 0.0), (16, 8, 599.0), (16, 16, 0.0)
    ]  # fmt: skip
    assert [k.limit for k in book.state(90_000.0 + QUIET_SECONDS)] == [5, 8, 16]
    assert [k.limit for k in book.state(90_599.0 + QUIET_SECONDS)] == [8, 9, 16]


def test_who_waits_too_long_is_told_who_holds_what() -> None:
    permits = LocalPermits({Kind.LOAD: 1}, FakeClock(step=4.0), patience=3.0)
    with held(permits, Kind.LOAD, "job-1"), pytest.raises(PermitTimeout) as refused:
        permits.acquire(Kind.LOAD, "job-2")
    assert "No load permit for job-2" in refused.value.what
    assert "1 of 1 are in flight: local job-1" in refused.value.what
    permits.release(permits.acquire(Kind.LOAD, "job-3"))
