"""`backcourt cleanup`: rows about games long played, and what dead starts left; shown, and with --apply taken away."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import options

if TYPE_CHECKING:
    from backcourt.warehouse.orphans import Orphans
    from backcourt.warehouse.retention import OldRows
    from jobs.cleaning import Cleaned, StaleTable


def cleanup(
    apply: Annotated[bool, typer.Option("--apply", help="Take it away; without it, it is only shown.")] = False,
    restore: Annotated[
        str | None, typer.Option("--restore", metavar="OPERATION", help="Give back what that cleanup took away.")
    ] = None,
    as_of: options.AsOf = None,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Take away stale rows of short-lived tables, after a backup, and what runs that died left behind."""
    from backcourt.warehouse.retention import Retention
    from jobs.alerting import errors_told
    from jobs.cleaning import clear_orphans, find_orphans, give_back, stale_tables, take_away
    from jobs.ground import ground_of, new_run_id
    from jobs.repairing import repair_of
    from jobs.retaining import delete_old, find_old
    from jobs.session import open_session
    from jobs.settings import run_settings
    from jobs.status import live_runs
    from ray_tasks.prepare import ensure_tables, read_calendar, read_ledger, resolve_unfinished

    settings = run_settings(config, as_of=as_of)
    with errors_told(settings, "cleanup", wanted=apply), open_session(settings) as session:
        kind = "restore" if restore else "cleanup"
        ground = ground_of(session, new_run_id(session, kind))
        names = [p.name for p in session.pipeline.processors]
        if apply or restore:
            ensure_tables(ground, names, create_datasets=session.creates_datasets)
            resolve_unfinished(ground, names, 1)
        calendar = read_calendar(ground)
        ledger = read_ledger(ground, calendar.dates[0], calendar.dates[-1])
        repair = repair_of(session, ground, kind)
        if restore:
            _show_done(give_back(repair, restore, ledger), ground.run_id, as_json=as_json)
            return
        stale = stale_tables(ground, calendar, ledger, session.as_of, settings.stale_days)
        alive = [run["run_id"] for run in live_runs(settings.run_folder)]
        orphans = find_orphans(ground, settings.orphan_hours, alive)
        retention = Retention(settings.history_days, settings.ledger_days)
        old = find_old(ground, retention)
        if not as_json:
            _show_old(old, applied=apply)
            _show_found(stale, orphans, settings.stale_days, applied=apply)
        done: Sequence[Cleaned] = ()
        if apply:
            clear_orphans(ground, orphans)
            delete_old(ground, retention, old)
            done = take_away(repair, stale, ledger) if any(each.counts for each in stale) else ()
    if as_json:
        found = {"stale": [_plain(each) for each in stale], "orphans": [asdict(each) for each in orphans]}
        found["old"] = [asdict(each) for each in old]
        told = {**found, "operation": ground.run_id if done else "", "done": [asdict(each) for each in done]}
        typer.echo(json.dumps(told, default=str, indent=2))
    elif apply:
        _show_done(done, ground.run_id, as_json=False)


def _plain(stale: "StaleTable") -> dict[str, object]:
    return {
        "table": stale.table,
        "dates": [str(day) for day in sorted(stale.counts)],
        "rows": stale.rows,
        "needed": [str(day) for day in stale.needed],
        "strays": stale.strays,
    }


def _show_found(stale: "Sequence[StaleTable]", orphans: "Sequence[Orphans]", days: int, *, applied: bool) -> None:
    from jobs.console import console, grid, spans

    out = console()
    if stale:
        rows = [(s.table, str(s.rows), spans(sorted(s.counts)), str(len(s.needed)), str(s.strays)) for s in stale]
        columns = ("table", "rows", "dates", "dates still needed", "stray rows")
        out.print(grid(f"Rows older than {days} days", columns, rows))
    else:
        typer.echo(f"No table has stale rows older than {days} days.")
    if orphans:
        left = [(o.start.run_id, str(o.start.number), str(len(o.staging)), str(len(o.loads))) for o in orphans]
        out.print(grid("Left by starts that are dead", ("run", "start", "staging tables", "loads"), left))
    else:
        typer.echo("No dead start has left anything.")
    if any(s.needed for s in stale):
        typer.echo("Dates still needed are kept: `backcourt status` tells which tables are not computed from them yet.")
    if any(s.strays for s in stale):
        typer.echo("Stray rows are of no commit and are kept: `backcourt validate range` names them.")
    if (stale or orphans) and not applied:
        typer.echo("Nothing was changed; --apply takes it away.")


def _show_old(old: "Sequence[OldRows]", *, applied: bool) -> None:
    for each in old:
        verb = "are deleted" if applied else "would be deleted"
        typer.echo(f"{each.rows} rows of {each.table} are older than the settings keep them and {verb}.")


def _show_done(done: "Sequence[Cleaned]", operation: str, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"operation": operation, "done": [asdict(each) for each in done]}, default=str, indent=2))
        return
    for each in done:
        verb = "Took away" if each.removed >= 0 else "Gave back"
        typer.echo(f"{verb} {abs(each.removed)} rows of {each.table} on {len(each.dates)} dates; backup {each.backup}.")
    if any(each.removed > 0 for each in done):
        typer.echo(f"To have them back: backcourt cleanup --restore {operation}")
    elif done:
        typer.echo("Tables made from them are stale until the next `backcourt backfill`, which finds the same rows.")
    else:
        typer.echo("No rows were changed.")
