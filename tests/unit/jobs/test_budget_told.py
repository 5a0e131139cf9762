"""What a user is told of the budget: how the limit went, and until when a kind of calls is parked."""

import io
import json
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from backcourt.pipeline.plan import Plan, Request
from backcourt.pipeline.records import BudgetSample
from backcourt.reporting.charts import budget_charts
from backcourt.warehouse.requests import Kind
from jobs import status
from jobs.progress import JsonProgress, LineProgress, LiveFile
from ray_tasks.observing import Progress
from ray_tasks.permits import LocalPermits
from ray_tasks.steps import Telemetry
from tests.unit.engine.fake_clock import FakeClock

NIGHT = Request(run_id="night", tables=(), days=(), as_of=date(2024, 3, 1))


class Run:
    """Permits of a run that is alive; time begins at midnight, UTC."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.permits = LocalPermits({Kind.QUERY: 16, Kind.LOAD: 4}, self.clock)

    def refused(self, calls: int, park_seconds: float = 0.0) -> None:
        """So many calls at once, all refused."""
        taken = [self.permits.acquire(Kind.QUERY, f"job-{n}") for n in range(calls)]
        for permit in taken:
            self.permits.signal(permit, park_seconds)
            self.permits.release(permit)

    def live(self, file: LiveFile, seconds: int) -> None:
        """Go on for so many seconds, shown all the time."""
        for _ in range(seconds):
            file.progress(self.progress)
            self.clock.sleep(1.0)

    @property
    def progress(self) -> Progress:
        return Progress({}, 1, (), (), self.permits.state(), Telemetry(), 0, 0)


def test_status_shows_the_limit_over_time_and_until_when_a_kind_is_parked(tmp_path: Path) -> None:
    run = Run()
    file = LiveFile(tmp_path, "night", run.clock)
    run.live(file, 60)
    run.refused(3)
    run.live(file, 60)
    run.refused(2, park_seconds=900.0)  # at 00:02:00
    run.live(file, 61)
    (state,) = status.live_runs(tmp_path)
    shown = io.StringIO()
    status._show_run(Console(file=shown, width=200), state)
    lines = [line.strip() for line in shown.getvalue().splitlines()]
    (query,) = [line for line in lines if line.startswith("query:")]
    assert query.endswith("last quota signal 60 s ago, parked until 00:17:00 UTC, a quota is used up")
    (curve,) = [line for line in lines if line.startswith("limit")]  # of loads, which were not refused, there is none
    assert curve.endswith("of 16 over 180 s, lowest 7")  # 16, 8, then 15 at 00:02:00
    assert "█" in curve
    assert "▁" in curve


def test_lines_and_logs_of_a_run_say_until_when(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run()
    run.refused(1, park_seconds=600.0)
    lines = io.StringIO()
    shown = LineProgress(Console(file=lines, width=200), 1, run.clock)
    log = JsonProgress(Plan(request=NIGHT, tables=()), run.clock)
    run.clock.sleep(20.0)
    shown.progress(run.progress)
    log.progress(run.progress)
    assert "query 0/8 (parked until 00:10:00 UTC, a quota is used up)" in lines.getvalue()
    assert json.loads(capsys.readouterr().out)["parked"] == {"query": 580}


def test_the_report_shows_rests_in_the_curve() -> None:
    samples = (BudgetSample(10.0, 16, 4), BudgetSample(610.0, 8, 0, True, True), BudgetSample(700.0, 8, 3))
    html = budget_charts({"query": samples, "load": (BudgetSample(700.0, 4, 4),)})
    query, load = html.split("</figure>")[:2]
    assert "lowest 8, quota signals at 1 times, parked for 600 s; 700 s" in query
    assert query.count('class="parked"') == 1
    assert "parked" not in load
