"""The fake answers by script, records its calls, and has exactly the port's methods."""

import pytest

from backcourt.warehouse.errors import RateLimited
from backcourt.warehouse.fake import Call, FakeWarehouse
from backcourt.warehouse.requests import JobPhase, JobRequest, JobResult, Kind
from backcourt.warehouse.warehouse import Warehouse

COMMIT = JobRequest("c", Kind.COMMIT, "r", "d.t")
QUERY = JobRequest("q", Kind.QUERY, "r", "d.t")


def methods(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_") and callable(getattr(kind, name))}


def test_it_has_the_ports_methods() -> None:
    warehouse: Warehouse = FakeWarehouse()
    assert methods(Warehouse) <= methods(type(warehouse))
    assert len(methods(Warehouse)) == 8


def test_it_answers_by_script_and_plainly_otherwise() -> None:
    def answer(call: Call) -> object:
        match call:
            case Call("run", JobRequest(kind=Kind.COMMIT)):
                return RateLimited("too fast")
            case Call("run", JobRequest(job_id=job_id)):
                return JobResult(job_id, output_rows=7)
        return NotImplemented

    warehouse = FakeWarehouse(answer)
    with pytest.raises(RateLimited):
        warehouse.run(COMMIT)
    assert warehouse.run(QUERY).output_rows == 7
    assert warehouse.job("q").phase is JobPhase.MISSING
    assert warehouse.arguments("run") == [COMMIT, QUERY]
    assert [call.method for call in warehouse.calls] == ["run", "run", "job"]
