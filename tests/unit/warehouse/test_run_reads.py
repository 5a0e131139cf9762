"""Runs as their events tell them: the last start counts, and a run that was killed has no end."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from backcourt.pipeline.records import BudgetSample
from backcourt.warehouse.run_reads import runs_in

AT = datetime(2026, 11, 20, 3, tzinfo=UTC)


def row(minute: int, run: str, start: int, event: str, **details: Any) -> dict[str, Any]:
    at = AT + timedelta(minutes=minute)
    return {"run_id": run, "start_number": start, "event": event, "at": at, "details": json.dumps(details) or None}


def test_of_several_starts_the_last_counts_and_an_earlier_ones_late_end_does_not() -> None:
    rows = [
        row(0, "night", 1, "started", as_of="2026-11-20", to_do={"d.t": 9}, code_version="1.0"),
        row(
            3,
            "night",
            2,
            "started",
            to_do={"d.t": 4},
            reasons={"d.t": {"missing": 4}},
            code_version="1.1",
            planned={"query_bytes": 900, "read_bytes": 40, "dollars": 0.1},
        ),
        row(4, "night", 1, "left_running", exit_code=143),
        row(5, "other", 1, "started"),
        row(9, "night", 2, "ended", exit_code=3, budget={"query": [[1.5, 8, 2, 1]]}, billed_bytes=700),
    ]
    other, night = runs_in(rows)
    assert (other.run_id, other.ended_at, other.seconds, other.exit_code) == ("other", None, None, None)
    assert (night.start, night.exit_code, night.seconds, night.code_version) == (2, 3, 360.0, "1.1")
    assert (night.to_do, night.reasons) == ({"d.t": 4}, {"d.t": {"missing": 4}})
    assert (night.planned_bytes, night.billed_bytes) == (900, 700)
    assert (other.planned_bytes, other.billed_bytes) == (None, None)
    assert night.budget == {"query": (BudgetSample(1.5, 8, 2, True),)}


def test_rows_of_older_versions_without_details_are_read_too() -> None:
    started = {**row(0, "old", 1, "started"), "details": None}
    (old,) = runs_in([started, {**row(1, "old", 1, "ended"), "details": None}])
    assert (old.exit_code, old.seconds, old.to_do, old.budget) == (None, 60.0, {}, {})
