"""What `history`, `status --why` and `plan --stale` show: whole at 80 and at 160 columns, and without colour."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from backcourt.pipeline.outcomes import Category, Outcome, Partition
from backcourt.pipeline.records import OutcomeRecord, RunRecord
from backcourt.pipeline.stale import Downstream, StaleGroup
from backcourt.pipeline.why import Step, Why
from jobs import history_views as views
from jobs.stale import show_stale
from jobs.status import TableStatus, _show_tables
from jobs.why import show_why
from tests.unit.pipeline.worlds import day

NIGHT = datetime(2026, 11, 20, 3, 30, tzinfo=UTC)
TABLE = "nba_precompute.player_composite_factors"
RUN = "backfill-20261120-033000-ab12"
WIDTHS = pytest.mark.parametrize("width", [80, 160])


def screen(width: int) -> Console:
    return Console(width=width, file=io.StringIO(), no_color=True, highlight=False)


def text(out: Console) -> str:
    assert isinstance(out.file, io.StringIO)
    shown = out.file.getvalue()
    assert max(map(len, shown.splitlines())) <= out.width
    assert "\x1b[3" not in shown  # no colour
    return shown


def flat(out: Console) -> str:
    """The text without the breaks that the width made."""
    return " ".join(text(out).split())


def record(number: int, outcome: Outcome, category: Category = Category.NONE, **more: object) -> OutcomeRecord:
    known = {"expected_count": 187, "present_count": 187, "row_count": 187, "seconds": 1.25} | more
    partition = Partition(TABLE, day(number))
    return OutcomeRecord(partition, outcome, category, run_id=RUN, recorded_at=NIGHT, **known)  # type: ignore[arg-type]


RECORDS = [
    record(0, Outcome.COMMITTED, notes='{"source": "espn", "reason": "gamebook late"}'),
    record(1, Outcome.BLOCKED, Category.COVERAGE, present_count=1, row_count=1, reason="1 of 187 expected (0.5%)"),
    record(2, Outcome.FAILED, Category.QUOTA, attempts=4, reason="rateLimitExceeded"),
    record(3, Outcome.RENEWED),
]
RUNS = [
    RunRecord(RUN, 1, NIGHT, NIGHT + timedelta(seconds=95), 5, "0.1.0+abc", "2026-11-20", {TABLE: 10098}),
    RunRecord("daily-20261121-033000-cd34", 2, NIGHT + timedelta(days=1), to_do={TABLE: 1}),
]


@WIDTHS
def test_runs_are_shown_each_on_one_line(width: int) -> None:
    out = screen(width)
    views.show_runs(out, views.run_lines(RUNS, RECORDS))
    first, second = (line.split() for line in text(out).splitlines()[-2:])
    # run, started, took, exit code, planned, done (one committed, one of the same rows), blocked or failed, left
    assert first == [RUN, "11-20", "03:30", "95s", "5", "10098", "2", "2", "0"]
    assert second == ["daily-20261121-033000-cd34", "11-21", "03:30", "–", "–", "1", "0", "0", "0"]


@WIDTHS
def test_an_outcome_tells_category_retry_attempts_rows_coverage_and_decision(width: int) -> None:
    out = screen(width)
    views.show_outcomes(out, views.outcome_lines(RECORDS, RECORDS), "Outcomes")
    shown = flat(out)
    assert f"{TABLE} 2024-01-20 committed 187 rows, coverage 100.0%, 1 attempt, 1.2 s" in shown
    assert "decision: source: espn, reason: gamebook late" in shown
    assert "2024-01-21 blocked (data missing) 1 rows, coverage 0.5%, 1 attempt" in shown
    assert "a retry alone will not help 1 of 187 expected (0.5%)" in shown
    assert "2024-01-22 failed (quota) 187 rows, coverage 100.0%, 4 attempts" in shown
    assert "a retry can help rateLimitExceeded" in shown


def test_what_only_waited_is_a_line_a_table() -> None:
    waited = [record(n, Outcome.BLOCKED, Category.UPSTREAM, reason="an input is not there") for n in range(5)]
    out = screen(80)
    views.show_outcomes(out, views.outcome_lines([RECORDS[1], *waited], [*RECORDS, *waited]), "Failed")
    shown = flat(out)
    assert f"{TABLE}: 5 dates waited for an input in {RUN}: 2024-01-20 … 2024-01-24; 5 still open" in shown
    assert shown.count("blocked (data missing)") == 1
    assert "an input is not there" not in shown


@WIDTHS
def test_status_fits_and_names_what_another_version_made(width: int) -> None:
    out = screen(width)
    counts = TableStatus(TABLE, 871, 3, 15, 2, 1, 26, 4, RUN, "2026-11-20 03:30", (day(1),), 12)
    _show_tables(out, [counts])
    lines = text(out).splitlines()
    assert lines[2].split()[1:6] == ["871", "3", "15", "2", "1"]
    assert lines[2].split()[0].endswith("player_composite_factors")
    assert (RUN in lines[2]) is (width == 160)
    assert f"12 dates of {TABLE} were made by another version: `backcourt plan --stale`." in flat(out)


def test_what_was_done_later_is_said() -> None:
    later = OutcomeRecord(
        Partition(TABLE, day(1)),
        Outcome.COMMITTED,
        row_count=187,
        run_id="night-8",
        recorded_at=NIGHT + timedelta(days=1),
    )
    lines = views.outcome_lines(RECORDS[1:3], [*RECORDS, later])
    assert [line.done_by for line in lines] == ["night-8", ""]
    out = screen(80)
    views.show_outcomes(out, lines, "What did not go through")
    assert "done since by night-8" in flat(out)


@WIDTHS
def test_a_trend_has_an_arrow_a_sparkline_and_its_lowest_date(width: int) -> None:
    out = screen(width)
    falling = [record(n, Outcome.COMMITTED, present_count=187 - (n > 20) * n) for n in range(30)]
    views.show_trends(out, views.trend_lines(falling))
    shown = flat(out)
    assert "player_composite_factors 30 84.5% ↓" in shown  # 158 of 187 on the thirtieth date
    assert "84.5% 2024-02-18" in shown
    assert "█████" in shown


@WIDTHS
def test_why_shows_every_step_and_what_to_do(width: int) -> None:
    out = screen(width)
    steps = (
        Step(name="plan", ok=True, text="2024-01-21 is in the schedule and due."),
        Step(name="gate", ok=False, text="1 of 187 expected entities, 0.5%."),
        Step(name="last try", ok=None, text="No run has recorded an outcome for it."),
    )
    show_why(out, Why(table=TABLE, day=day(1), verdict="It is not there: x.", steps=steps, remedy="Run [this]."))
    shown = flat(out)
    assert f"{TABLE} 2024-01-21: It is not there: x." in shown
    assert "1 ✓ plan: 2024-01-21 is in the schedule and due. 2 ✗ gate: 1 of 187" in shown
    assert shown.endswith("What to do: Run [this].")


@WIDTHS
def test_stale_partitions_are_shown_with_their_readers_and_the_command(width: int) -> None:
    out = screen(width)
    reader = Downstream(table="nba_predictions.ml_feature_store_v2", days=(day(1), day(2)))
    group = StaleGroup(table=TABLE, cause="made by version 1, now 2", days=(day(0), day(1)), downstream=(reader,))
    show_stale(out, (group,), set())
    shown = flat(out)
    assert "made by version 1, now 2" in shown
    assert "→ nba_predictions.ml_feature_store_v2: 2 dates, 2024-01-21 … 2024-01-22" in shown
    assert "`backcourt backfill --stale`" in shown
