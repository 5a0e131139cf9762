"""Reading runs back from their events: when each started and ended, what it had planned, how its budget went."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backcourt.pipeline.records import BudgetSample, RunRecord
from backcourt.warehouse.json_texts import object_in
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import JobRequest, Kind, Parameter
from backcourt.warehouse.run_events import ENDED, LEFT_RUNNING, STARTED
from backcourt.warehouse.state import State


class _Details(BaseModel):
    """What an event says of its run. Where one thing in it is not as backcourt writes it, nothing of it counts."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


class _Planned(_Details):
    query_bytes: int | None = None


class _Start(_Details):
    code_version: str = ""
    as_of: str = ""
    to_do: dict[str, int] = Field(default_factory=dict)
    reasons: dict[str, dict[str, int]] = Field(default_factory=dict)
    planned: _Planned = _Planned()
    request: str = ""


class _End(_Details):
    exit_code: int | None = None
    budget: dict[str, list[Annotated[list[float], Field(min_length=4)]]] = Field(default_factory=dict)
    billed_bytes: int | None = None


D = TypeVar("D", bound=_Details)


def runs_request(names: Names, state_dataset: str, since: date, run_id: str, job_id: str) -> JobRequest:
    """The query for starts and ends of runs recorded on or after `since` (UTC)."""
    sql = (
        "SELECT run_id, start_number, event, `at`, details\n"
        f"FROM {names.quoted(State(state_dataset).runs)}\n"
        "WHERE event_date >= @since AND event IN UNNEST(@events)\n"
        "ORDER BY `at`"
    )
    parameters = (
        Parameter("since", "DATE", since),
        Parameter("events", "STRING", (STARTED, ENDED, LEFT_RUNNING)),
    )
    return JobRequest(job_id, Kind.QUERY, run_id, "runs", sql=sql, parameters=parameters)


def runs_in(rows: Iterable[Mapping[str, Any]]) -> tuple[RunRecord, ...]:
    """Rows of `runs_request` as runs, the one that started last first; of several starts of a run the last."""
    found: dict[str, RunRecord] = {}
    for row in rows:
        known = found.get(row["run_id"])
        if row["event"] == STARTED:
            if known is None or row["start_number"] >= known.start:
                found[row["run_id"]] = _started(row)
        elif known is not None and known.start == row["start_number"]:
            end = _details(_End, row)
            found[row["run_id"]] = replace(
                known,
                ended_at=row["at"],
                exit_code=end.exit_code,
                budget=budget_of(end.budget),
                billed_bytes=end.billed_bytes,
            )
    return tuple(sorted(found.values(), key=lambda r: r.started_at, reverse=True))


def _started(row: Mapping[str, Any]) -> RunRecord:
    start = _details(_Start, row)
    return RunRecord(
        row["run_id"],
        row["start_number"],
        row["at"],
        code_version=start.code_version,
        as_of=start.as_of,
        to_do=start.to_do,
        reasons=start.reasons,
        planned_bytes=start.planned.query_bytes,
        request=start.request,
    )


def budget_details(samples: Mapping[str, Sequence[BudgetSample]]) -> dict[str, list[list[float]]]:
    """Samples by kind as an event's details hold them: seconds, limit, in flight, signalled, parked (0 or 1)."""
    return {
        kind: [[round(s.at, 1), s.limit, s.in_flight, int(s.signalled), int(s.parked)] for s in taken]
        for kind, taken in samples.items()
    }


def budget_of(details: Mapping[str, Sequence[Sequence[float]]]) -> dict[str, tuple[BudgetSample, ...]]:
    """The reverse of `budget_details`; older runs did not say what was parked."""
    return {
        kind: tuple(
            BudgetSample(at, int(limit), int(flying), bool(signal), any(parked))
            for at, limit, flying, signal, *parked in taken
        )
        for kind, taken in details.items()
    }


def _details(model: type[D], row: Mapping[str, Any]) -> D:
    try:
        return model.model_validate(object_in(row["details"]))
    except ValidationError:
        return model()
