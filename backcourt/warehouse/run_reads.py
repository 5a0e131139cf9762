"""Reading runs back from their events: when each started and ended, what it had planned, how its budget went."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from backcourt.pipeline.records import BudgetSample, RunRecord
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import JobRequest, Kind, Parameter
from backcourt.warehouse.run_events import ENDED, LEFT_RUNNING, STARTED
from backcourt.warehouse.state import State


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
        details = _object(row["details"])
        known = found.get(row["run_id"])
        if row["event"] == STARTED:
            if known is None or row["start_number"] >= known.start:
                found[row["run_id"]] = _started(row, details)
        elif known is not None and known.start == row["start_number"]:
            found[row["run_id"]] = replace(
                known,
                ended_at=row["at"],
                exit_code=details.get("exit_code"),
                budget=budget_of(details.get("budget", {})),
                billed_bytes=details.get("billed_bytes"),
            )
    return tuple(sorted(found.values(), key=lambda r: r.started_at, reverse=True))


def _started(row: Mapping[str, Any], details: Mapping[str, Any]) -> RunRecord:
    return RunRecord(
        row["run_id"],
        row["start_number"],
        row["at"],
        code_version=str(details.get("code_version", "")),
        as_of=str(details.get("as_of", "")),
        to_do=details.get("to_do", {}),
        reasons=details.get("reasons", {}),
        planned_bytes=details.get("planned", {}).get("query_bytes"),
        request=str(details.get("request", "")),
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


def _object(text: str | None) -> dict[str, Any]:
    found = json.loads(text or "{}")
    return found if isinstance(found, dict) else {}
