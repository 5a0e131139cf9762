"""`backcourt export`: one JSON file a date, for readers outside the warehouse."""

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jobs.exporting import Exported

EXIT_CODES = {"failed": 5, "blocked": 3}
"""Outcome to exit code, the first that occurs."""


def export(
    to: Annotated[str, typer.Option("--to", help="The folder that the files are written to; gs:// works.")],
    name: Annotated[str | None, typer.Option("--name", help="Which export, where the pipeline has several.")] = None,
    start: options.Start = None,
    end: options.End = None,
    dates: options.Dates = None,
    dates_file: options.DatesFile = None,
    dry_run: options.DryRun = False,
    as_of: options.AsOf = None,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Write the files of committed dates that are missing or differ, then the index."""
    from backcourt.exports.folder import ExportFolder
    from jobs.exporting import Work, export_dates, find_export
    from jobs.ground import ground_of, new_run_id
    from jobs.selection import select_dates
    from jobs.session import open_session
    from jobs.settings import run_settings
    from jobs.stopping import StopSignals
    from ray_tasks.prepare import read_calendar, read_ledger

    settings = run_settings(config, as_of=as_of)
    wanted = select_dates(start, end, dates, dates_file)
    folder = ExportFolder(to)
    with open_session(settings) as session:
        stop = StopSignals()
        chosen = find_export(session.pipeline, name)
        ground = ground_of(session, new_run_id(session, "export"))
        calendar = read_calendar(ground)
        days = tuple(day for day in wanted.of(calendar)[0] if day <= session.as_of)
        ledger = read_ledger(ground, calendar.dates[0], calendar.dates[-1])
        work = Work(chosen, calendar, ledger, days, session.as_of)
        outcomes = export_dates(ground, work, folder, dry_run=dry_run, stopped=lambda: bool(stop.exit_code))
    _show(outcomes, to, dry_run=dry_run, as_json=as_json)
    found = {outcome.outcome for outcome in outcomes}
    raise typer.Exit(stop.exit_code or next((code for name, code in EXIT_CODES.items() if name in found), 0))


def _show(outcomes: "Sequence[Exported]", to: str, *, dry_run: bool, as_json: bool) -> None:
    from jobs.console import console, grid

    if as_json:
        typer.echo(json.dumps([asdict(outcome) for outcome in outcomes], default=str, indent=2))
        return
    counts = Counter(outcome.outcome for outcome in outcomes)
    verb = "would be written" if dry_run else "written"
    typer.echo(
        f"{counts['written']} dates {verb} to {to}, {counts['unchanged']} unchanged, {counts['blocked']} blocked, "
        f"{counts['failed']} failed."
    )
    bad = [(str(o.day), o.outcome, o.reason) for o in outcomes if o.outcome in EXIT_CODES]
    if bad:
        console().print(grid("Not exported", ("dates", "outcome", "reason"), bad))
    if counts["blocked"]:
        typer.echo("Run `backcourt backfill` for the blocked dates, then export them again.")
