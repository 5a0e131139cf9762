"""`backcourt spot-check`: figures of a random sample of rows, recomputed a second way from the rows behind them."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import options

if TYPE_CHECKING:
    from jobs.spot_checking import Checked

SHOWN = 20
"""Figures that are shown; the number is always whole."""


def spot_check(
    sample: Annotated[int, typer.Option("--sample", min=1, help="Rows of each check.")] = 20,
    seed: Annotated[int, typer.Option("--seed", help="The same seed chooses the same rows.")] = 0,
    as_of: options.AsOf = None,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Recompute rolling averages and the like from raw rows, without the processors' code, and compare."""
    from backcourt.errors import UsageError
    from jobs.ground import ground_of, new_run_id
    from jobs.session import open_session
    from jobs.settings import run_settings
    from jobs.spot_checking import spot_check as checked
    from ray_tasks.prepare import read_calendar, read_ledger

    with open_session(run_settings(config, as_of=as_of)) as session:
        checks = session.pipeline.spot_checks
        if not checks:
            raise UsageError(
                f"Pipeline {session.pipeline.name} declares no spot checks.", "Declare a SpotCheck in its Pipeline."
            )
        ground = ground_of(session, new_run_id(session, "spot-check"))
        calendar = read_calendar(ground)
        ledger = read_ledger(ground, calendar.dates[0], calendar.dates[-1])
        found = [checked(ground, calendar, ledger, check, sample, seed) for check in checks]
    if as_json:
        typer.echo(json.dumps({"seed": seed, "checks": [asdict(each) for each in found]}, default=str, indent=2))
    else:
        _show(found, seed)
    raise typer.Exit(3 if any(each.mismatches for each in found) else 0)


def _show(found: "Sequence[Checked]", seed: int) -> None:
    from jobs.console import console, grid, spans

    columns = ("check", "table", "dates", "rows", "figures", "not equal")
    rows = [(c.check, c.table, spans(c.dates), str(c.rows), str(c.figures), str(len(c.mismatches))) for c in found]
    console().print(grid(f"Spot checks, seed {seed}", columns, rows))
    wrong = [each for check in found for each in check.mismatches]
    if wrong:
        cells = [(m.check, f"{m.day} {m.key}", m.column, repr(m.published), repr(m.recomputed)) for m in wrong[:SHOWN]]
        console().print(grid("Figures that are not equal", ("check", "key", "column", "published", "raw rows"), cells))
        if len(wrong) > SHOWN:
            typer.echo(f"… and {len(wrong) - SHOWN} more")
        typer.echo("Run `backcourt validate daily DATE` for those dates: it tells whether somebody changed the rows.")
