"""The report: one HTML file that needs no network, made from what ledger, calendar and history say."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from html import escape
from importlib.resources import files
from string import Template

from backcourt.pipeline.outcomes import Category, Outcome
from backcourt.pipeline.records import OutcomeRecord, RunRecord
from backcourt.pipeline.standing import Cell, Standing
from backcourt.reporting.calendar_section import NOT_THERE, anchor, calendar_section, short
from backcourt.reporting.charts import budget_charts, coverage_charts

LISTED = 500
"""Partitions that are not there, listed with their reason; the calendar has them all."""
REASON_LENGTH = 240
"""Characters of a reason in that list."""
RANKED = 10
"""Lines of the slowest and of the most retried."""
SAME = (Outcome.RENEWED, Outcome.UNCHANGED, Outcome.CURRENT)
OTHER = (Outcome.LEFT, Outcome.SUPERSEDED)


@dataclass(frozen=True)
class Report:
    """What a report is made from.

    `run` is the run whose plan, outcomes (`outcomes`) and budget are shown, None where there is none; `runs` are the
    runs of the last `days` days. `made_at` is UTC.
    """

    pipeline: str
    made_at: datetime
    as_of: date
    code_version: str
    cells: Sequence[Cell]
    run: RunRecord | None
    outcomes: Sequence[OutcomeRecord]
    runs: Sequence[RunRecord]
    days: int


def render(report: Report) -> str:
    """The page's HTML."""
    template = Template(files("backcourt.reporting").joinpath("report.html").read_text(encoding="utf-8"))
    title = f"backcourt: {report.pipeline}, {report.made_at:%Y-%m-%d}"
    return template.substitute(title=escape(title), body="\n".join(_sections(report)))


def _sections(report: Report) -> Iterable[str]:
    known = {anchor(c) for c in report.cells}
    yield _head(report)
    yield _section("calendar", "Calendar", calendar_section(report.cells))
    yield _section("what-is-missing", "What is not there", _not_there(report.cells))
    yield _section("run", "The run: planned and done", _run(report))
    yield _section("coverage", "Coverage over the dates", coverage_charts(_coverage(report.cells)))
    yield _section("slow", "Slowest and most retried", _ranked(report.outcomes, known))
    yield _section("budget", "The run's budget", budget_charts(report.run.budget if report.run else {}))
    yield _section("runs", f"Runs of the last {report.days} days", _runs(report.runs))


def _head(report: Report) -> str:
    counts = Counter(c.standing for c in report.cells)
    due = sum(n for s, n in counts.items() if s not in (Standing.BOOTSTRAP, Standing.NOT_DUE))
    absent = sum(counts[s] for s in NOT_THERE)
    verdict = f"{absent:,} of {due:,} partitions are not there" if absent else f"All {due:,} partitions are there"
    names = {
        "calendar": "Calendar",
        "what-is-missing": "Not there",
        "run": "Run",
        "coverage": "Coverage",
        "slow": "Slowest",
        "budget": "Budget",
        "runs": "Runs",
    }
    links = "".join(f'<li><a href="#{key}">{name}</a></li>' for key, name in names.items())
    return (
        f"<h1>{escape(report.pipeline)}: {verdict}</h1>"
        f'<p class="soft">Made {report.made_at:%Y-%m-%d %H:%M} UTC, as of {report.as_of}, '
        f"by backcourt {escape(report.code_version)}.</p><nav><ul>{links}</ul></nav>"
    )


def _not_there(cells: Sequence[Cell]) -> str:
    """Causes, the newest dates first, each with its reason; then, table by table, what only waits for them."""
    absent = [c for c in cells if c.standing in NOT_THERE]
    if not absent:
        return '<p class="soft">Nothing: every partition that is due is published.</p>'
    waiting = [c for c in absent if _waits(c)]
    causes = [c for c in absent if not _waits(c)]
    causes.sort(key=lambda c: (-c.partition.day.toordinal(), c.partition.table))
    rows = [
        (
            _link(c),
            escape(short(c.partition.table)),
            escape(c.standing.value),
            escape(c.last.category if c.last else ""),
            escape(shortened(c.last.reason) if c.last else "no run has recorded an outcome"),
            "yes" if c.last is None or c.last.retry_can_help else "no",
        )
        for c in causes[:LISTED]
    ]
    more = f'<p class="soft">{len(causes) - LISTED:,} more are in the calendar.</p>' if len(causes) > LISTED else ""
    columns = ("date", "table", "state", "cause", "reason", "retry helps")
    return (_table(columns, rows, numbers=(5,), words=4) if rows else "") + more + _waiting(waiting)


def _waiting(cells: Sequence[Cell]) -> str:
    if not cells:
        return ""
    by_table: dict[str, list[Cell]] = {}
    for cell in cells:
        by_table.setdefault(cell.partition.table, []).append(cell)
    lines = "".join(f"<p>{escape(table)}: {', '.join(map(_link, found))}</p>" for table, found in by_table.items())
    return f"<details><summary>{len(cells):,} partitions only wait for an input</summary>{lines}</details>"


def _link(cell: Cell) -> str:
    return f'<a href="#{anchor(cell)}">{cell.partition.day}</a>'


def shortened(reason: str) -> str:
    """A reason as far as a line of the list has room; the calendar has it whole."""
    return reason if len(reason) <= REASON_LENGTH else f"{reason[:REASON_LENGTH]}…"


def _waits(cell: Cell) -> bool:
    return cell.last is not None and cell.last.category == Category.UPSTREAM


def _run(report: Report) -> str:
    run = report.run
    if run is None:
        return '<p class="soft">No run has been recorded.</p>'
    ended = f"took {run.seconds:.0f} s, exit code {run.exit_code}" if run.seconds is not None else "has no recorded end"
    happened: dict[str, Counter[Outcome]] = {table: Counter() for table, planned in run.to_do.items() if planned}
    for record in report.outcomes:
        happened.setdefault(record.partition.table, Counter())[record.outcome] += 1
    rows = [
        (
            escape(table),
            f"{run.to_do.get(table, 0):,}",
            escape(", ".join(f"{n} {reason}" for reason, n in run.reasons.get(table, {}).items())),
            *(f"{n:,}" for n in _ends(counts)),
            f"{max(0, run.to_do.get(table, 0) - sum(counts.values())):,}",
        )
        for table, counts in happened.items()
    ]
    columns = ("table", "planned", "why", "committed", "same rows", "blocked", "failed", "other", "no record")
    return (
        f'<p class="soft">{escape(run.run_id)}, start {run.start}, {run.started_at:%Y-%m-%d %H:%M} UTC, {ended}; '
        f"code {escape(run.code_version)}.</p>" + _table(columns, rows, numbers=(1, 3, 4, 5, 6, 7, 8))
    )


def _ends(counts: Counter[Outcome]) -> tuple[int, ...]:
    same, other = (sum(counts[o] for o in group) for group in (SAME, OTHER))
    return counts[Outcome.COMMITTED], same, counts[Outcome.BLOCKED], counts[Outcome.FAILED], other


def _coverage(cells: Sequence[Cell]) -> dict[str, list[tuple[date, float]]]:
    """What is published; where nothing is, what the gate measured."""
    series: dict[str, list[tuple[date, float]]] = {}
    for cell in cells:
        measured = cell.entry or cell.last
        if measured and measured.expected_count:
            series.setdefault(cell.partition.table, []).append((cell.partition.day, measured.coverage))
    return series


def _ranked(outcomes: Sequence[OutcomeRecord], known: set[str]) -> str:
    def ranking(value: Callable[[OutcomeRecord], float], least: float) -> list[OutcomeRecord]:
        return sorted((o for o in outcomes if value(o) > least), key=lambda o: (-value(o), o.partition))[:RANKED]

    def rows(found: Iterable[OutcomeRecord]) -> list[tuple[str, ...]]:
        return [
            (_linked(o, known), escape(o.partition.table), f"{o.seconds:.2f}", str(o.attempts), f"{o.row_count:,}")
            for o in found
        ]

    columns = ("date", "table", "seconds", "attempts", "rows")
    slow, retried = ranking(lambda o: o.seconds, 0.0), ranking(lambda o: o.attempts, 1)
    if not slow and not retried:
        return '<p class="soft">Nothing was computed.</p>'
    note = '<p class="soft">Seconds of computing, shared evenly by the dates that were computed together.</p>'
    again = _table(columns, rows(retried), numbers=(2, 3, 4)) if retried else '<p class="soft">No retry was needed.</p>'
    return f"{note}<h3>Slowest</h3>{_table(columns, rows(slow), numbers=(2, 3, 4))}<h3>Most retried</h3>{again}"


def _linked(record: OutcomeRecord, known: set[str]) -> str:
    name = f"{short(record.partition.table)}-{record.partition.day}"
    return f'<a href="#{name}">{record.partition.day}</a>' if name in known else str(record.partition.day)


def _runs(runs: Sequence[RunRecord]) -> str:
    if not runs:
        return '<p class="soft">None.</p>'
    rows = [
        (
            escape(r.run_id),
            f"{r.started_at:%Y-%m-%d %H:%M}",
            "" if r.seconds is None else f"{r.seconds:.0f} s",
            "no end" if r.exit_code is None else str(r.exit_code),
            f"{sum(r.to_do.values()):,}",
            escape(r.code_version),
        )
        for r in runs
    ]
    return _table(("run", "started (UTC)", "took", "exit", "planned", "code"), rows, numbers=(2, 3, 4))


def _section(key: str, title: str, body: str) -> str:
    return f'<section id="{key}"><h2>{title}</h2>\n{body}</section>'


def _table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = (), words: int | None = None
) -> str:
    """A table of cells that are HTML already."""

    def kind(at: int) -> str:
        return ' class="n"' if at in numbers else ' class="words"' if at == words else ""

    def cell(at: int, content: str) -> str:
        """A number says what it counts where the head is hidden: on a phone a row is a paragraph."""
        name = f' data-name="{columns[at]}"' if at in numbers else ""
        return f"<td{kind(at)}{name}>{content}</td>"

    head = "".join(f'<th scope="col"{kind(at)}>{name}</th>' for at, name in enumerate(columns))
    body = "".join(f"<tr>{''.join(cell(at, c) for at, c in enumerate(row))}</tr>\n" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
