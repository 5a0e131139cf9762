"""`backcourt report`: one HTML file about every table, date and the last run."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backcourt.pipeline.records import RunRecord
    from backcourt.reporting.page import Report
    from jobs.selection import DateSelection
    from jobs.session import Session

To = Annotated[str, typer.Option("--to", metavar="FILE", help="The file to write; gs://BUCKET/FILE works.")]
OfRun = Annotated[str | None, typer.Option("--run", help="Show this run; by default the last one.")]
Days = Annotated[int, typer.Option("--days", min=1, max=3650, help="List the runs of the last so many days.")]
HISTORY_DAYS = 400
"""How far back a run and the last outcome of a partition are looked for, in days."""


def report(
    to: To,
    run: OfRun = None,
    tables: options.Tables = None,
    start: options.Start = None,
    end: options.End = None,
    days: Days = 30,
    as_of: options.AsOf = None,
    config: options.Config = None,
) -> None:
    """Write the calendar of every table, the run against its plan, coverage, the slowest and the budget's curve."""
    from backcourt.errors import UsageError
    from backcourt.exports.whole_files import WholeFiles
    from backcourt.reporting.page import render
    from jobs.console import bytes_text
    from jobs.selection import select_dates
    from jobs.session import open_session
    from jobs.settings import run_settings

    folder, _, name = to.rpartition("/")
    if not name:
        raise UsageError(f"--to {to} names no file.", "Give for example --to report.html.")
    dates = select_dates(start, end, None, None)
    file = WholeFiles(folder or ("/" if to.startswith("/") else "."), "--to")
    with open_session(run_settings(config, as_of=as_of)) as session:
        page = render(gather(session, run, tables, dates, days)).encode()
    file.put(name, page)
    typer.echo(f"Written: {to} ({bytes_text(len(page))}).")


def gather(
    session: "Session", run_id: str | None, tables: list[str] | None, dates: "DateSelection", days: int
) -> "Report":
    """Read what the page is made from.

    Raises:
        UsageError: an unknown table or run, or no dates.
    """
    from backcourt.pipeline.records import latest
    from backcourt.pipeline.standing import cells
    from backcourt.reporting.page import Report
    from backcourt.warehouse.history_reads import OutcomeFilter
    from jobs.ground import ground_of, new_run_id
    from jobs.known_days import known_days
    from jobs.options import split_names
    from jobs.session import find_tables
    from jobs.version import code_version
    from ray_tasks.lookback import read_outcomes, read_runs
    from ray_tasks.prepare import read_ledger

    ground = ground_of(session, new_run_id(session, "report"))
    pipeline, today = session.pipeline, session.clock.now().date()
    names = find_tables(pipeline, split_names(tables)) or tuple(p.name for p in pipeline.processors)
    calendar = known_days(session, ground, dates)
    shown, _ = dates.of(calendar)
    ledger = read_ledger(ground, calendar.dates[0], calendar.dates[-1])
    # Of what is published the ledger tells more than its last outcome.
    unpublished = OutcomeFilter(today - timedelta(days=HISTORY_DAYS), names, newest=True, left=True)
    last = latest(read_outcomes(ground, unpublished))
    runs = read_runs(ground, today - timedelta(days=HISTORY_DAYS))
    run = _chosen(runs, run_id)
    found = cells(pipeline, calendar, ledger, session.as_of, last, session.settings.warn_below, names)
    wanted = set(shown)
    recent = today - timedelta(days=days)
    # An earlier start of the run had a plan of its own; what it left is in this start's.
    outcomes = read_outcomes(ground, OutcomeFilter(run.started_at.date(), run_id=run.run_id)) if run else ()
    return Report(
        pipeline.name,
        session.clock.now(),
        session.as_of,
        code_version(),
        [c for c in found if c.partition.day in wanted],
        run,
        [o for o in outcomes if run and o.start == run.start],
        [r for r in runs if r.started_at.date() >= recent],
        days,
    )


def _chosen(runs: "Sequence[RunRecord]", run_id: str | None) -> "RunRecord | None":
    from backcourt.errors import UsageError

    if run_id is None:
        return runs[0] if runs else None
    found = next((r for r in runs if r.run_id == run_id), None)
    if found is None:
        raise UsageError(f"There is no run {run_id} in the history.", "`backcourt history` lists the runs.")
    return found
