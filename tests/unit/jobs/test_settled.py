"""When a run's end stands for its next start: the same wish and code, a code that would only come again, recently."""

import json
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.plan import Request
from backcourt.warehouse.fake import Call, FakeWarehouse
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import JobRequest, JobResult, Kind
from jobs.settled import settled_end, settled_sentence
from ray_tasks.attempts import Attempts, Patience
from ray_tasks.permits import LocalPermits
from ray_tasks.prepare import Ground
from tests.unit.engine.fake_clock import START, FakeClock

RUN, CODE = "backcourt-season", "0.1.0+abc"
REQUEST = Request(run_id=RUN, tables=("shop.revenue",), days=(date(2024, 2, 1),), as_of=date(2024, 3, 1))
ENDED = START - timedelta(minutes=10)


def event(name: str, at: datetime, start: int = 1, run: str = RUN, **details: Any) -> dict[str, Any]:
    return {"run_id": run, "start_number": start, "event": name, "at": at, "details": json.dumps(details)}


def started(start: int = 1, run: str = RUN, request: Request = REQUEST, code: str = CODE) -> dict[str, Any]:
    at = ENDED - timedelta(hours=30 - start)  # it began the day before it ended
    return event("started", at, start, run, request=request.digest, code_version=code)


def ended(code: int, start: int = 1, run: str = RUN) -> dict[str, Any]:
    return event("ended", ENDED, start, run, exit_code=code)


def ground(*events: dict[str, Any]) -> Ground:
    def answer(call: Call) -> Any:
        match call:
            case Call("run", JobRequest(sql=sql, parameters=parameters) as request) if "FROM" in sql:
                since = next(p.value for p in parameters if p.name == "since")
                rows = tuple(e for e in sorted(events, key=lambda e: e["at"]) if e["at"].date() >= since)
                return JobResult(request.job_id, rows=rows)
        return NotImplemented

    clock = FakeClock()
    warehouse: Any = FakeWarehouse(answer)
    warehouse.names = Names("project")
    attempts = Attempts(warehouse, LocalPermits(dict.fromkeys(Kind, 1), clock), clock, Random(1), Patience(tries=1))
    pipeline: Any = None  # nothing here asks for it
    return Ground(pipeline, warehouse, attempts, clock, "orchestration", RUN, "n")


@pytest.mark.parametrize("code", [2, 3, 4, 130])
def test_an_end_that_would_only_come_again_stands(code: int) -> None:
    found = settled_end(ground(started(), ended(code)), REQUEST, CODE, seconds=1800)
    assert found is not None
    assert (found.code, found.start) == (code, 1)
    assert f"ended with {code} in start 1" in settled_sentence(found)
    assert "until 00:20 UTC" in settled_sentence(found)  # ten minutes ago, for half an hour


@pytest.mark.parametrize("code", [0, 1, 5, 6, 143])
def test_every_other_end_is_worked_on(code: int) -> None:
    assert settled_end(ground(started(), ended(code)), REQUEST, CODE, seconds=1800) is None


def test_at_a_terminal_nothing_stands_and_nothing_is_asked() -> None:
    found = ground(started(), ended(3))
    assert settled_end(found, REQUEST, CODE, seconds=0) is None
    assert found.warehouse.calls == []  # type: ignore[attr-defined]


def test_another_wish_another_code_another_run_and_an_old_end_are_worked_on() -> None:
    forced = REQUEST.model_copy(update={"force": True})
    assert settled_end(ground(started(), ended(3)), forced, CODE, seconds=1800) is None
    assert settled_end(ground(started(), ended(3)), REQUEST, "0.1.0+def", seconds=1800) is None
    assert settled_end(ground(started(run="other"), ended(3, run="other")), REQUEST, CODE, seconds=1800) is None
    assert settled_end(ground(started(), ended(3)), REQUEST, CODE, seconds=599) is None


def test_only_the_last_start_counts() -> None:
    assert settled_end(ground(started(1), ended(3, 1), started(2)), REQUEST, CODE, seconds=1800) is None
    assert settled_end(ground(started(1), started(2), ended(3, 2)), REQUEST, CODE, seconds=1800) is not None


def test_what_was_found_damaged_does_not_make_another_wish() -> None:
    damaged = REQUEST.model_copy(update={"damaged": frozenset({Partition("shop.revenue", date(2024, 2, 1))})})
    assert damaged.digest == REQUEST.digest
    assert REQUEST.model_copy(update={"days": ()}).digest != REQUEST.digest
