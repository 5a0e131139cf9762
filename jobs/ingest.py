"""`backcourt ingest`: raw tables from a source, through the same gate, staging and ledger."""

from typing import Annotated

import typer

from jobs import options


def ingest(
    source: Annotated[
        str,
        typer.Option(
            "--source",
            help="folder:PATH with CSV or Parquet files (gs:// works), stats.nba.com[:CACHE_FOLDER], or "
            "simulator[:SEED] with --start and --end.",
        ),
    ],
    tables: options.Tables = None,
    start: options.Start = None,
    end: options.End = None,
    dates: options.Dates = None,
    dates_file: options.DatesFile = None,
    recompute: options.Recompute = False,
    rewrite: options.Rewrite = False,
    only_failed: options.OnlyFailed = None,
    force: options.Force = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    run: options.Run = None,
    workers: options.Workers = None,
    budget: options.Budget = None,
    pool: options.Pool = None,
    chunk_days: options.ChunkDays = None,
    as_of: options.AsOf = None,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Load what is missing, and the last days again: their games may have become final."""
    from backcourt.clock import SystemClock
    from jobs.flow import carry_out
    from jobs.planning import Wish, show_only
    from jobs.selection import select_dates
    from jobs.session import open_session
    from jobs.settings import run_settings
    from jobs.sources import find_source

    wanted = select_dates(start, end, dates, dates_file)
    wish = Wish(
        "ingest",
        tables,
        wanted,
        recompute=recompute,
        rewrite=rewrite,
        only_failed=only_failed,
        force=force,
        run_id=run,
        source=find_source(source, wanted, SystemClock()),
    )
    settings = run_settings(config, workers, budget, pool, chunk_days, as_of)
    with open_session(settings) as session:
        if dry_run:
            raise typer.Exit(show_only(session, wish, as_json=as_json))
        raise typer.Exit(carry_out(session, wish, yes=yes, as_json=as_json))
