"""`backcourt restore`: puts one partition back as an earlier commit made it: a backup, then a commit like any other."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import options

if TYPE_CHECKING:
    from jobs.restoring import Restored

Table = Annotated[str, typer.Argument(metavar="TABLE", help="The table, by its name.")]
Day = Annotated[str, typer.Argument(metavar="DATE", help="The partition's date, YYYY-MM-DD.")]
To = Annotated[str, typer.Option("--to", metavar="COMMIT", help="The commit whose rows to put back.")]


def restore(
    table: Table,
    day: Day,
    to: To,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Find the rows by time travel or in a backup, prove them by the ledger's hash, publish them again."""
    from jobs.ground import ground_of, new_run_id
    from jobs.options import parse_date
    from jobs.repairing import repair_of
    from jobs.restoring import restore_partition
    from jobs.session import find_tables, open_session
    from jobs.settings import run_settings
    from ray_tasks.prepare import ensure_tables, resolve_unfinished

    date = parse_date(day, "DATE")
    with open_session(run_settings(config)) as session:
        (name,) = find_tables(session.pipeline, [table])
        ground = ground_of(session, new_run_id(session, "restore"))
        if not dry_run:
            ensure_tables(ground, [name], create_datasets=session.creates_datasets)
            resolve_unfinished(ground, [name], 1)
        declared = session.pipeline.processor(name).table
        done = restore_partition(repair_of(session, ground, "restore"), declared, date, to, apply=not dry_run)
    if as_json:
        typer.echo(json.dumps(asdict(done), default=str))
    else:
        _show(done)


def _show(done: "Restored") -> None:
    typer.echo(f"{done.table} {done.day} as {done.restored} made it: {done.rows_after} rows, found in {done.source}.")
    if not done.commit_id:
        typer.echo(f"Nothing was changed; it has {done.rows_before} rows of {done.replaced}.")
        return
    typer.echo(f"Commit {done.commit_id} put them in the place of {done.rows_before} rows of {done.replaced}.")
    typer.echo(f"The table as it was is in {done.backup}.")
    typer.echo(
        f"A run computes the date anew where its inputs have changed since; `backcourt hold {done.table} --until TIME` "
        "keeps runs off. Tables made from it are stale until the next `backcourt backfill`."
    )
