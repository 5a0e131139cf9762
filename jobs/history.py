"""`backcourt history`: runs, trends of coverage, and how every partition ended."""

from datetime import timedelta
from typing import Annotated

import typer

from jobs import options

Days = Annotated[int, typer.Option("--days", min=1, max=3650, help="Runs of the last so many days.")]
Table = Annotated[str | None, typer.Option("--table", help="Every outcome of this table.")]
Failed = Annotated[bool, typer.Option("--failed", help="Outcomes that were blocked, failed or left undone.")]
OfRun = Annotated[str | None, typer.Option("--run", help="Only this run.")]


def history(
    days: Days = 30,
    table: Table = None,
    failed: Failed = False,
    run: OfRun = None,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Runs with what became of them and coverage over the dates; with --table, --failed or --run every outcome."""
    from backcourt.warehouse.history_reads import OutcomeFilter
    from jobs import history_views as views
    from jobs.console import console, print_json
    from jobs.ground import ground_of, new_run_id
    from jobs.session import find_tables, open_session
    from jobs.settings import run_settings
    from ray_tasks.lookback import read_outcomes, read_runs

    with open_session(run_settings(config)) as session:
        ground = ground_of(session, new_run_id(session, "history"))
        tables = find_tables(session.pipeline, [table] if table else [])
        since = session.clock.now().date() - timedelta(days=days)
        known = read_outcomes(ground, OutcomeFilter(since, tables, run or ""))
        runs = [r for r in read_runs(ground, since) if run in (None, r.run_id)]
    each = bool(table or failed or run)
    shown = [r for r in known if (each or as_json) and not (failed and r.went_through)]
    found = views.HistoryOutput(
        runs=tuple(views.run_lines(runs, known)),
        trends=tuple(views.trend_lines(known)),
        outcomes=tuple(views.outcome_lines(shown, known)) if shown else (),
    )
    if as_json:
        print_json(found)
        return
    out = console()
    if each:
        views.show_outcomes(out, found.outcomes, _title(table, run, days, failed=failed))
    else:
        views.show_runs(out, found.runs)
    if not failed:
        views.show_trends(out, found.trends)


def _title(table: str | None, run: str | None, days: int, *, failed: bool) -> str:
    what = "What did not go through" if failed else "Outcomes"
    of = "".join(f" of {name}" for name in (table, run) if name)
    return f"{what}{of}, last {days} days, newest first"
