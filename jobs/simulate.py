"""`backcourt simulate`: a league's files for a machine that has none."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.options import parse_date


def simulate(
    to: Annotated[Path, typer.Option("--to", help="The folder that the files are written to.")],
    start: Annotated[str, typer.Option("--start", help="First date, YYYY-MM-DD.")],
    end: Annotated[str, typer.Option("--end", help="Last date, YYYY-MM-DD.")],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Which league: the same seed, the same games.")] = 7,
    ahead: Annotated[int, typer.Option("--ahead", min=0, help="Days after the last that are scheduled only.")] = 0,
) -> None:
    """Write a simulated league's files."""
    from backcourt.sources.simulator.folder import write_league

    written = write_league(to, seed, parse_date(start, "--start"), parse_date(end, "--end"), ahead)
    typer.echo(
        f"{written.games} games on {written.dates} dates, {written.lines} lines of box scores and {written.shots} "
        f"shots written to {to}. Load them: backcourt ingest --source folder:{to}"
    )
