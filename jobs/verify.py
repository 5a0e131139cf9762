"""`backcourt verify`: a sample of partitions is recomputed with one worker and compared with what is published."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import options

if TYPE_CHECKING:
    from jobs.verifying import Verified

CELLS_SHOWN = 20
"""Cells of a partition that are shown; the number is always whole."""


def verify(
    sample: Annotated[int, typer.Option("--sample", min=1, help="Partitions to recompute.")] = 10,
    seed: Annotated[int, typer.Option("--seed", help="The same seed chooses the same partitions.")] = 0,
    tables: options.Tables = None,
    as_of: options.AsOf = None,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Recompute a sample of partitions with one worker; compare content hashes, then cell by cell."""
    from jobs.ground import ground_of, new_run_id
    from jobs.options import split_names
    from jobs.session import find_tables, open_session
    from jobs.settings import run_settings
    from jobs.verifying import Verifier
    from ray_tasks.prepare import read_calendar, read_ledger

    with open_session(run_settings(config, as_of=as_of)) as session:
        ground = ground_of(session, new_run_id(session, "verify"))
        calendar = read_calendar(ground)
        ledger = read_ledger(ground, calendar.dates[0], calendar.dates[-1])
        verifier = Verifier(ground, calendar, ledger, session.as_of, session.clock)
        names = find_tables(session.pipeline, split_names(tables)) or tuple(p.name for p in session.pipeline.processors)
        found = [verifier.verify(partition) for partition in verifier.choose(names, sample, seed)]
    if as_json:
        typer.echo(json.dumps({"seed": seed, "partitions": [asdict(each) for each in found]}, default=str, indent=2))
    else:
        _show(found, seed)
    outcomes = {each.outcome for each in found}
    raise typer.Exit(5 if "failed" in outcomes else 3 if outcomes - {"same"} else 0)


def _show(found: "Sequence[Verified]", seed: int) -> None:
    from jobs.console import console, grid

    if not found:
        typer.echo("No partition can be verified: none is committed by today's processors from today's inputs.")
        return
    rows = [
        (each.table, str(each.day), each.outcome, str(len(each.cells)), f"{each.seconds:.1f}", each.reason)
        for each in found
    ]
    columns = ("table", "dates", "outcome", "cells that differ", "seconds", "reason")
    console().print(grid(f"Recomputed {len(found)} partitions, seed {seed}", columns, rows))
    for each in found:
        if each.cells:
            title = f"{each.table} {each.day}: {each.outcome}"
            cells = [(c.key, c.column, c.published, c.recomputed) for c in each.cells[:CELLS_SHOWN]]
            console().print(grid(title, ("key", "column", "published", "recomputed"), cells))
            if len(each.cells) > CELLS_SHOWN:
                typer.echo(f"… and {len(each.cells) - CELLS_SHOWN} more cells")
    counts = Counter(each.outcome for each in found)
    if counts["changed"]:
        typer.echo(
            "changed: somebody wrote to the table beside backcourt; `backcourt backfill --rewrite` mends its dates."
        )
    if counts["differs"]:
        typer.echo("differs: the code gives other rows than it did; give the processor a new version, then backfill.")
