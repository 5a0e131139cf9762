"""`backcourt plan`: what a backfill would do, before it does it."""

from typing import Annotated

import typer

from jobs import options

StaleOnly = Annotated[
    bool,
    typer.Option("--stale", help="Only list what another processor version or older inputs made, and what reads it."),
]


def plan(
    tables: options.Tables = None,
    start: options.Start = None,
    end: options.End = None,
    dates: options.Dates = None,
    dates_file: options.DatesFile = None,
    recompute: options.Recompute = False,
    rewrite: options.Rewrite = False,
    stale: StaleOnly = False,
    only_failed: options.OnlyFailed = None,
    force: options.Force = False,
    no_fallback: options.NoFallback = False,
    chunk_days: options.ChunkDays = None,
    as_of: options.AsOf = None,
    models: options.Models = None,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Show dates to do, done and skipped, what is read and written at most, and what it costs at most."""
    from jobs.planning import Wish, show_only
    from jobs.selection import select_dates
    from jobs.session import open_session
    from jobs.settings import run_settings
    from jobs.stale import tell_stale

    wish = Wish(
        "plan",
        tables,
        select_dates(start, end, dates, dates_file),
        recompute=recompute,
        rewrite=rewrite,
        only_failed=only_failed,
        force=force,
        options=("no_fallback",) if no_fallback else (),
    )
    settings = run_settings(config, chunk_days=chunk_days, as_of=as_of, models=models)
    with open_session(settings) as session:
        if stale:
            raise typer.Exit(tell_stale(session, tables, wish.dates, as_json=as_json))
        raise typer.Exit(show_only(session, wish, as_json=as_json))
