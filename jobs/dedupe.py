"""`backcourt dedupe`: rows that share a date and a key are found and shown; with --apply all but the newest go."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import options

if TYPE_CHECKING:
    from jobs.deduping import Deduped, DoubledDate

DATES_SHOWN = 40
"""How many dates are listed; the totals are always whole."""


def dedupe(
    table: Annotated[str, typer.Argument(help="The table, by name or dataset.name.")],
    start: options.Start = None,
    end: options.End = None,
    apply: Annotated[bool, typer.Option("--apply", help="Take the doubles away; without it they are shown.")] = False,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Find rows that share a date and a key; with --apply leave the newest of each, after a backup."""
    from jobs.deduping import deduplicate, find_doubled
    from jobs.ground import ground_of, new_run_id
    from jobs.repairing import repair_of
    from jobs.selection import select_dates
    from jobs.session import find_tables, open_session
    from jobs.settings import run_settings
    from ray_tasks.prepare import ensure_tables, read_ledger, resolve_unfinished

    wanted = select_dates(start, end, None, None)
    days = (wanted.start or date(1, 1, 1), wanted.end or date(9999, 12, 31))
    with open_session(run_settings(config)) as session:
        (name,) = find_tables(session.pipeline, [table])
        declared = session.pipeline.processor(name).table
        ground = ground_of(session, new_run_id(session, "dedupe"))
        if apply:
            ensure_tables(ground, [name], create_datasets=session.creates_datasets)
            resolve_unfinished(ground, [name], 1)
        ledger = read_ledger(ground, *days)
        found = find_doubled(ground, declared, days, ledger)
        done = deduplicate(repair_of(session, ground, "dedupe"), declared, found, ledger) if apply else ()
        left = find_doubled(ground, declared, days, ledger) if done else found
    if as_json:
        typer.echo(json.dumps({"table": name, "found": _plain(found), "done": _plain(done), "left": _plain(left)}))
    else:
        _show(name, found, done, left, applied=apply)
    raise typer.Exit(3 if left else 0)


def _plain(records: "Sequence[DoubledDate | Deduped]") -> list[dict[str, object]]:
    return [json.loads(json.dumps(asdict(record), default=str)) for record in records]


def _show(
    table: str,
    found: "Sequence[DoubledDate]",
    done: "Sequence[Deduped]",
    left: "Sequence[DoubledDate]",
    *,
    applied: bool,
) -> None:
    from jobs.console import console, grid

    if not found:
        typer.echo(f"{table} has no doubled rows.")
        return
    rows = [
        (str(each.day), str(each.rows), str(each.groups), str(each.surplus), each.example)
        for each in found[:DATES_SHOWN]
    ]
    title = f"{table}: {sum(e.groups for e in found)} keys with more than one row on {len(found)} dates"
    console().print(grid(title, ("dates", "rows", "doubled keys", "rows too many", "key"), rows))
    if len(found) > DATES_SHOWN:
        typer.echo(f"… and {len(found) - DATES_SHOWN} more dates")
    for commit in done:
        typer.echo(f"Took {commit.removed} rows away on {len(commit.dates)} dates in commit {commit.commit_id}.")
    if done:
        typer.echo(f"The table as it was is in {done[0].backup}.")
        typer.echo("Tables made from it are stale now; `backcourt backfill` computes them anew.")
    strays = [each for each in left if not each.committed]
    if strays:
        typer.echo(f"{len(strays)} dates are not committed; `backcourt backfill` replaces what is there.")
    if not applied:
        typer.echo("Nothing was changed; --apply leaves the newest row of each key.")
