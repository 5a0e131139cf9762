"""A run that is cancelled by its events: only the start that was meant, also while the events cannot be read."""

from datetime import date
from random import Random
from threading import Event
from typing import Any

import pyarrow as pa

from backcourt.clock import SystemClock
from backcourt.warehouse.errors import AccessDenied, NotFound
from backcourt.warehouse.fake import FakeWarehouse
from backcourt.warehouse.requests import Kind, ReadRequest
from ray_tasks.attempts import Attempts, Patience
from ray_tasks.cancelling import CancelWatch, cancel_is_asked
from ray_tasks.committer import RunIdentity
from ray_tasks.permits import LocalPermits
from tests.integration.runs_here import Stop
from tests.unit.engine.fake_clock import FakeClock

TODAY = date(2024, 3, 1)


def is_asked(start: int, answer: Any) -> bool:
    warehouse = FakeWarehouse(lambda call: answer if isinstance(call.argument, ReadRequest) else NotImplemented)
    clock = FakeClock()
    attempts = Attempts(warehouse, LocalPermits(dict.fromkeys(Kind, 1), clock), clock, Random(1), Patience(tries=1))
    found = cancel_is_asked(warehouse, attempts, "state", RunIdentity("season", start, "v1"), TODAY)
    (read,) = warehouse.arguments("read")
    assert read.equals == (("run_id", "season"), ("event", "cancel_asked"))
    assert read.start <= TODAY <= read.end
    return found


def test_only_the_start_that_was_meant_is_cancelled() -> None:
    asked = pa.table({"event_date": [TODAY], "start_number": [2]})
    assert is_asked(2, asked)
    assert not is_asked(1, asked)
    assert not is_asked(3, asked)
    assert not is_asked(1, NotFound("There is no table runs."))


def test_the_watch_ends_a_run_with_130_and_leaves_a_signal_its_own_code() -> None:
    stop = Stop()
    watch = CancelWatch(stop)
    assert watch.exit_code == 0
    watch.look(lambda: False)
    assert watch.exit_code == 0
    watch.look(lambda: True)
    assert watch.exit_code == 130
    stop.exit_code = 143
    assert watch.exit_code == 143


def test_a_look_under_way_has_given_its_permit_back_at_the_end() -> None:
    """Else the run's share of the budget would still count it, until another run looks."""
    asking, answered = Event(), Event()

    def asks() -> bool:
        asking.set()
        answered.wait(0.2)  # nobody sets it: as long as an answer takes
        answered.set()
        return False

    watch = CancelWatch(Stop(), pause=0.01)
    watch.start(asks)
    assert asking.wait(30)
    watch.end()
    assert answered.is_set()


def test_events_that_cannot_be_read_are_read_again() -> None:
    answers: list[Any] = [AccessDenied("no"), False, True]
    looked = Event()

    def asks() -> bool:
        answer = answers.pop(0)
        if not answers:
            looked.set()
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    watch = CancelWatch(Stop(), pause=0.001)
    watch.start(asks)
    assert looked.wait(30)
    while watch.exit_code == 0:
        SystemClock().sleep(0.001)
    assert watch.exit_code == 130
    watch.end()


def test_a_watch_that_is_over_looks_no_more() -> None:
    watch = CancelWatch(Stop(), pause=0.0)
    watch.end()
    watch.start(lambda: True)
    SystemClock().sleep(0.05)
    assert watch.exit_code == 0
