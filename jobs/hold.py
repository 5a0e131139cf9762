"""`backcourt hold`: keeps every run off a table while somebody repairs it, lets it go again, lists what is held."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from backcourt.pipeline.holds import Hold
    from jobs.session import Session

HOLD_TRIES = 40
"""How often a hold is sent while commits are in flight that it conflicts with: about five minutes."""

Table = Annotated[str | None, typer.Argument(metavar="[TABLE]", help="The table, by its name.")]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="When it ends by itself: 2026-11-21T03:30 (UTC), or 4h.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why; plans and errors tell it.")]
Release = Annotated[bool, typer.Option("--release", help="Let the table go now.")]
List = Annotated[bool, typer.Option("--list", help="List what is held.")]


def hold(
    table: Table = None,
    until: Until = None,
    reason: Reason = "",
    release: Release = False,
    listed: List = False,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Plans leave a held table out, and commits of runs that were planned before are refused."""
    from backcourt.errors import UsageError
    from jobs.ground import ground_of, new_run_id
    from jobs.session import find_tables, open_session
    from jobs.settings import run_settings
    from ray_tasks.holds import read_holds

    if (table is None) != listed or (table is not None and (until is None) != release):
        raise UsageError(
            "`hold` takes a table with --until or --release, or --list alone.", "Write `hold TABLE --until 4h`."
        )
    with open_session(run_settings(config)) as session:
        ground = ground_of(session, new_run_id(session, "hold"))
        if table is not None:
            (name,) = find_tables(session.pipeline, [table])
            told = _change(session, name, until, reason, dry_run=dry_run)
            typer.echo(json.dumps({"table": name, "told": told}) if as_json else told)
            return
        _show(read_holds(ground), as_json=as_json)


def _change(session: "Session", table: str, until: str | None, reason: str, *, dry_run: bool) -> str:
    """Set or end a hold; what was done, in words."""
    from backcourt.pipeline.holds import Hold
    from backcourt.warehouse.holds import HoldEvent, hold_request
    from jobs.ground import ground_of, new_run_id
    from jobs.instants import parse_instant
    from ray_tasks.attempts import Patience
    from ray_tasks.holds import read_holds
    from ray_tasks.prepare import ensure_tables

    now = session.clock.now()
    end = parse_instant(until, "--until", now, ahead=True) if until else now
    ground = ground_of(session, new_run_id(session, "hold"), Patience(tries=HOLD_TRIES, longest=8.0))
    if not until and table not in {each.table for each in read_holds(ground)}:
        return f"{table} is not held."
    words = str(Hold(table, end, reason)) if until else "let go"
    if dry_run:
        return f"{table} would be {words}."
    ensure_tables(ground, [table], create_datasets=session.creates_datasets)
    event = HoldEvent(session.pipeline.processor(table).table, end, reason, released=until is None)
    ground.attempts.run(hold_request(event, session.warehouse.names, session.state_dataset, ground.run_id))
    return f"{table} is {words}." if until else f"{table} is let go; the next run takes up what it left."


def _show(holds: "Sequence[Hold]", *, as_json: bool) -> None:
    from jobs.console import console, grid

    if as_json:
        rows = [{"table": h.table, "until": f"{h.until:%Y-%m-%dT%H:%MZ}", "reason": h.reason} for h in holds]
        typer.echo(json.dumps(rows, indent=2))
    elif not holds:
        typer.echo("No table is held.")
    else:
        shown = [
            (h.table, f"{h.until:%Y-%m-%d %H:%M}", f"{h.at:%Y-%m-%d %H:%M}" if h.at else "", h.reason) for h in holds
        ]
        console().print(grid("Held tables (times in UTC)", ("table", "until", "since", "reason"), shown))
