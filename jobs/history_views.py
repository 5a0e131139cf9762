"""Tables that `history` prints: runs, trends of coverage, outcomes of partitions."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from rich.console import Console
from rich.text import Text

from backcourt.pipeline.outcomes import Category, Outcome
from backcourt.pipeline.plan import Frozen
from backcourt.pipeline.records import OutcomeRecord, RunRecord, coverage_by_day, mended_by
from backcourt.reporting.trend import arrow, sparkline
from jobs.console import bytes_text, grid, spans

OUTCOMES_SHOWN = 60
"""How many outcomes a screen shows; `--json` has them all."""
SAME = (Outcome.RENEWED, Outcome.UNCHANGED, Outcome.CURRENT)
"""Outcomes that left the rows as they were."""


class RunLine(Frozen):
    """One run in numbers; `seconds` and `exit_code` are None where its end was not recorded."""

    run_id: str
    started_at: str
    seconds: float | None
    exit_code: int | None
    code_version: str
    planned: int
    outcomes: dict[str, int]
    planned_bytes: int | None = None
    billed_bytes: int | None = None


class OutcomeLine(Frozen):
    """One partition in one run; `done_by` is the run that published it later, "" where none did."""

    run_id: str
    recorded_at: str
    table: str
    date: date
    outcome: str
    category: str
    retry_can_help: bool
    attempts: int
    seconds: float
    rows: int
    expected: int
    coverage: float
    decision: str
    reason: str
    missing: tuple[str, ...]
    done_by: str


class TrendLine(Frozen):
    """Coverage of one table over its dates: the last date's, the lowest, and where it is going."""

    table: str
    dates: int
    last: float
    lowest: float
    lowest_date: date
    arrow: str
    sparkline: str


class HistoryOutput(Frozen):
    """`history --json`."""

    runs: tuple[RunLine, ...]
    trends: tuple[TrendLine, ...]
    outcomes: tuple[OutcomeLine, ...]


def run_lines(runs: Iterable[RunRecord], records: Iterable[OutcomeRecord]) -> list[RunLine]:
    """Runs with what became of their partitions."""
    counts: dict[str, Counter[str]] = {}
    for record in records:
        counts.setdefault(record.run_id, Counter())[record.outcome.value] += 1
    return [
        RunLine(
            run_id=run.run_id,
            started_at=f"{run.started_at:%Y-%m-%d %H:%M}",
            seconds=run.seconds,
            exit_code=run.exit_code,
            code_version=run.code_version,
            planned=sum(run.to_do.values()),
            outcomes=dict(counts.get(run.run_id, {})),
            planned_bytes=run.planned_bytes,
            billed_bytes=run.billed_bytes,
        )
        for run in runs
    ]


def outcome_lines(shown: Iterable[OutcomeRecord], known: Sequence[OutcomeRecord]) -> list[OutcomeLine]:
    """Outcomes as lines; `known` tells which of them a later run has mended."""
    mended = mended_by(known)
    return [
        OutcomeLine(
            run_id=r.run_id,
            recorded_at=f"{r.recorded_at:%Y-%m-%d %H:%M}",
            table=r.partition.table,
            date=r.partition.day,
            outcome=r.outcome.value,
            category=r.category,
            retry_can_help=r.retry_can_help,
            attempts=r.attempts,
            seconds=round(r.seconds, 2),
            rows=r.row_count,
            expected=r.expected_count,
            coverage=r.coverage,
            decision=decision(r.notes),
            reason=r.reason,
            missing=r.missing,
            done_by="" if r.went_through else mended.get(r.partition, ""),
        )
        for r in shown
    ]


def trend_lines(records: Iterable[OutcomeRecord]) -> list[TrendLine]:
    """The trend of every table whose coverage was measured."""
    lines = []
    for table, series in sorted(coverage_by_day(records).items()):
        values = [share for _, share in series]
        lowest_date, lowest = min(series, key=lambda item: item[1])
        lines.append(
            TrendLine(
                table=table,
                dates=len(series),
                last=values[-1],
                lowest=lowest,
                lowest_date=lowest_date,
                arrow=arrow(values),
                sparkline=sparkline(values),
            )
        )
    return lines


def decision(notes: str) -> str:
    """A processor's notes on a date in short: `key: value` pairs of its JSON, or the text as it is."""
    try:
        found = json.loads(notes) if notes else {}
    except (ValueError, RecursionError):
        return notes
    if not isinstance(found, dict):
        return notes
    return ", ".join(f"{key}: {value if isinstance(value, str) else json.dumps(value)}" for key, value in found.items())


def show_runs(out: Console, lines: Sequence[RunLine]) -> None:
    """The runs, the last first: planned partitions, those done (same rows included), blocked or failed, left."""
    columns = ("run", "started", "took", "exit", "plan", "done", "bad", "left")
    rows = [_run_row(line) for line in lines]
    out.print(grid("Runs", columns, rows) if rows else "No run has been recorded.")
    billed = [line for line in lines if line.billed_bytes and line.planned_bytes is not None]
    if billed:
        sums = sum(line.billed_bytes or 0 for line in billed), sum(line.planned_bytes or 0 for line in billed)
        out.print(
            f"{len(billed)} of them billed {bytes_text(sums[0])}; their plans said at most {bytes_text(sums[1])}."
        )


def show_trends(out: Console, lines: Sequence[TrendLine]) -> None:
    """Coverage over the dates, table by table."""
    if not lines:
        return
    rows = [
        (
            t.table.rpartition(".")[2],
            str(t.dates),
            f"{t.last:.1%}",
            t.arrow,
            t.sparkline,
            f"{t.lowest:.1%} {t.lowest_date}" if t.lowest < 1 else "–",
        )
        for t in lines
    ]
    out.print(grid("Coverage, by date", ("table", "dates", "last", "", "trend", "lowest"), rows))


def show_outcomes(out: Console, lines: Sequence[OutcomeLine], title: str) -> None:
    """Outcomes of partitions, each with its reason; what only waited for an input is a line a table."""
    if not lines:
        out.print("No outcome of that kind has been recorded.")
        return
    own = [line for line in lines if line.category != Category.UPSTREAM]
    out.print(title, style="bold")
    for line in own[:OUTCOMES_SHOWN]:
        out.print(_outcome_text(line))
    if len(own) > OUTCOMES_SHOWN:
        out.print(f"… and {len(own) - OUTCOMES_SHOWN} more; --json has them all.")
    waiting: dict[tuple[str, str], list[OutcomeLine]] = {}
    for line in lines:
        if line.category == Category.UPSTREAM:
            waiting.setdefault((line.run_id, line.table), []).append(line)
    for (run, table), found in waiting.items():
        open_still = sum(not line.done_by for line in found)
        now = f"{open_still} still open" if open_still else "all done since"
        dates = spans(sorted(line.date for line in found))
        out.print(f"{table}: {len(found)} dates waited for an input in {run}: {dates}; {now}", markup=False)


STYLES = {"blocked": "yellow", "failed": "red", "left": "yellow"}


def _outcome_text(line: OutcomeLine) -> Text:
    what = f"{line.outcome} ({line.category})" if line.category else line.outcome
    text = Text(f"{line.table} {line.date}  ")
    text.append(what, style=STYLES.get(line.outcome, ""))
    facts = [f"{line.rows:,} rows"]
    facts += [f"coverage {line.coverage:.1%}"] if line.expected else []
    facts += [f"{line.attempts} attempts" if line.attempts != 1 else "1 attempt", f"{line.seconds:.1f} s"]
    text.append(f"  {', '.join(facts)}")
    text.append(f"\n    {line.recorded_at} in {line.run_id}", style="dim")
    if line.outcome in STYLES:
        again = "a retry can help" if line.retry_can_help else "a retry alone will not help"
        text.append(f"; {f'done since by {line.done_by}' if line.done_by else again}")
    for label, what in (("", line.reason), ("decision: ", line.decision)):
        if what:
            text.append(f"\n    {label}{what}")
    return text


def _run_row(line: RunLine) -> tuple[str | Text, ...]:
    counts = Counter(line.outcomes)
    done = sum(counts[o.value] for o in (Outcome.COMMITTED, *SAME))
    bad = counts[Outcome.BLOCKED.value] + counts[Outcome.FAILED.value]
    left = counts[Outcome.LEFT.value] + counts[Outcome.SUPERSEDED.value]
    return (
        line.run_id,
        line.started_at[5:],
        duration(line.seconds),
        "–" if line.exit_code is None else str(line.exit_code),
        str(line.planned),
        str(done),
        Text(str(bad), style="yellow" if bad else ""),
        str(left),
    )


def duration(seconds: float | None) -> str:
    """Seconds in a unit that fits; a dash where the end is not known."""
    if seconds is None:
        return "–"
    if seconds < 120:
        return f"{seconds:.0f}s"
    return f"{seconds / 60:.0f}m" if seconds < 7200 else f"{seconds / 3600:.1f}h"
