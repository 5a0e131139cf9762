"""Announcements: one statement at a time, and all that waits goes into the next."""

from random import Random
from threading import Event as Signal
from typing import Any

import pytest

from backcourt.clock import SystemClock
from backcourt.warehouse.errors import InvalidQuery
from backcourt.warehouse.fake import Call, FakeWarehouse
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import JobRequest, Kind
from backcourt.warehouse.run_events import COMMIT_SENT, Event
from ray_tasks.announcer import Announcer
from ray_tasks.attempts import Attempts, Patience
from ray_tasks.permits import LocalPermits

WAIT = 20.0


class Scene:
    """An announcer whose first statement is held back until `go`."""

    def __init__(self, *answers: Any) -> None:
        self.answers, self.began, self.go = list(answers), Signal(), Signal()
        self.warehouse, clock = FakeWarehouse(self._answer), SystemClock()
        permits = LocalPermits(dict.fromkeys(Kind, 4), clock)
        attempts = Attempts(self.warehouse, permits, clock, Random(1), Patience(tries=1))
        self.announcer = Announcer(attempts, Names("p", {}), "o")

    def announce(self, name: str) -> Any:
        return self.announcer.announce(Event("r", 1, COMMIT_SENT, f"d.{name}", f"r-1-{name}-1-commit"))

    @property
    def statements(self) -> list[list[str]]:
        """The job ids that each statement records."""
        return [recorded(request) for request in self.warehouse.arguments("run")]

    def _answer(self, _: Call) -> Any:
        self.began.set()
        assert self.go.wait(WAIT)
        return self.answers.pop(0) if self.answers else None


def recorded(request: JobRequest) -> list[str]:
    return [p.value for p in request.parameters if p.name.startswith("job_id_")]


def test_what_comes_during_a_statement_goes_into_the_next_one_together() -> None:
    scene = Scene()
    first = scene.announce("a")
    assert scene.began.wait(WAIT)
    others = [scene.announce(name) for name in "bcd"]
    assert not first.done()
    scene.go.set()
    for each in (first, *others):
        each.result(WAIT)
    assert scene.statements == [["r-1-a-1-commit"], ["r-1-b-1-commit", "r-1-c-1-commit", "r-1-d-1-commit"]]
    scene.announce("e").result(WAIT)  # its thread had ended
    assert scene.statements[-1] == ["r-1-e-1-commit"]


def test_statements_have_ids_of_their_own_and_every_row_its_own_values() -> None:
    scene = Scene()
    scene.announce("a")
    assert scene.began.wait(WAIT)
    scene.announce("b")
    last = scene.announce("c")
    scene.go.set()
    last.result(WAIT)
    one, two = scene.warehouse.arguments("run")
    assert one.job_id != two.job_id
    assert two.sql.count("CURRENT_TIMESTAMP()") == 2
    assert [p.value for p in two.parameters if p.name.startswith("table_name")] == ["d.b", "d.c"]
    assert len({p.name for p in two.parameters}) == len(two.parameters)


@pytest.mark.parametrize("error", [InvalidQuery("no such table", "Create it."), RuntimeError("a bug")])
def test_a_statement_that_fails_is_told_to_all_it_was_for_and_to_nobody_else(error: Exception) -> None:
    scene = Scene(None, error)
    first = scene.announce("a")
    assert scene.began.wait(WAIT)
    others = [scene.announce(name) for name in "bc"]
    scene.go.set()
    first.result(WAIT)
    for each in others:
        with pytest.raises(Exception, match=str(error)):
            each.result(WAIT)
    scene.announce("d").result(WAIT)
