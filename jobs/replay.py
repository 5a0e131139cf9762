"""`backcourt replay`: recomputes a partition from its inputs as they were, as after an incident; publishes nothing."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import options

if TYPE_CHECKING:
    from backcourt.pipeline.coverage import Judgement
    from jobs.replaying import Replayed

CELLS_SHOWN = 20
"""Cells that are shown and, in JSON, listed; the number is always whole."""

Day = Annotated[str, typer.Argument(metavar="DATE", help="The partition's date, YYYY-MM-DD.")]
Table = Annotated[str, typer.Option("--table", help="The table to recompute, by its name.")]
AsOf = Annotated[
    str, typer.Option("--as-of", metavar="TIME", help="When its inputs are looked at: 2026-11-21T03:30 (UTC), or 4h.")
]


def replay(
    day: Day,
    table: Table,
    as_of: AsOf,
    models: options.Models = None,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Gate on and off side by side, and what differs from the rows published now. Exit codes: 0 the same, 3 others."""
    from zoneinfo import ZoneInfo

    from backcourt.pipeline.coverage import Thresholds
    from jobs.ground import ground_of, new_run_id
    from jobs.instants import parse_instant
    from jobs.options import parse_date
    from jobs.planning import models_option
    from jobs.replaying import Replayer
    from jobs.session import find_tables, open_session
    from jobs.settings import run_settings
    from ray_tasks.prepare import read_calendar

    date, settings = parse_date(day, "DATE"), run_settings(config, models=models)
    with open_session(settings) as session:
        (name,) = find_tables(session.pipeline, [table])
        instant = parse_instant(as_of, "--as-of", session.clock.now(), ahead=False)
        ground = ground_of(session, new_run_id(session, "replay"))
        replayer = Replayer(
            ground,
            read_calendar(ground),
            Thresholds(settings.block_below, settings.warn_below, settings.implausible == "block"),
            instant.astimezone(ZoneInfo(settings.timezone or session.pipeline.timezone)).date(),
            models_option(settings.models),
            24.0 * settings.backup_days,
        )
        done = replayer.replay(session.pipeline.processor(name), date, instant)
    if as_json:
        typer.echo(json.dumps(_plain(done), default=str, indent=2))
    else:
        _show(done)
    raise typer.Exit(3 if done.cells or not done.scratch else 0)


def _plain(done: "Replayed") -> dict[str, object]:
    return {
        "table": done.table,
        "date": str(done.day),
        "as_of": f"{done.instant:%Y-%m-%dT%H:%M:%SZ}",
        "inputs": [
            {"table": i.name, "dates": i.dates, "rows": i.rows.height, "from": i.places, "foreign": i.foreign}
            for i in done.inputs
        ],
        "gate_on": {"verdict": done.gate_on.verdict, "reason": done.gate_on.reason},
        "gate_off": {"verdict": done.gate_off.verdict, "reason": done.gate_off.reason},
        "rows": done.measured.row_count,
        "coverage": done.measured.coverage,
        "published": {"rows": done.published_rows, "commit": done.published_commit},
        "cells_that_differ": len(done.cells),
        "cells": [asdict(cell) for cell in done.cells[:CELLS_SHOWN]],
        "scratch": done.scratch,
    }


def _show(done: "Replayed") -> None:
    from jobs.console import console, grid

    out, measured = console(), done.measured
    inputs = [
        (i.name, str(i.dates), f"{i.rows.height:,}", "; ".join(i.places), ", ".join(map(str, i.foreign[:5])))
        for i in done.inputs
    ]
    title = f"{done.table} {done.day} from its inputs of {done.instant:%Y-%m-%d %H:%M:%S} UTC"
    out.print(grid(title, ("input", "dates", "rows", "found", "not as committed"), inputs))
    rows = [
        ("verdict", done.gate_on.verdict, done.gate_off.verdict, done.published_commit or "nothing"),
        ("rows published", _published(done, done.gate_on), _published(done, done.gate_off), str(done.published_rows)),
        ("coverage", f"{measured.coverage:.1%}", f"{measured.coverage:.1%}", ""),
    ]
    out.print(grid("The gate", ("", "gate on", "gate off", "published now"), rows))
    if done.gate_on.reason:
        out.print(done.gate_on.reason, markup=False)
    if done.cells:
        cells = [(c.key, c.column, c.published, c.recomputed) for c in done.cells[:CELLS_SHOWN]]
        out.print(grid(f"{len(done.cells)} cells differ", ("key", "column", "published", "recomputed"), cells))
    elif done.scratch:
        out.print("Not a cell differs from what is published.")
    if done.scratch:
        out.print(f"The rows are in {done.scratch}; nothing was published.", markup=False)


def _published(done: "Replayed", judgement: "Judgement") -> str:
    """How many rows the gate lets through."""
    return str(done.measured.row_count if judgement.publish else 0)
