"""`backcourt backfill`: compute, gate and commit every missing or stale partition."""

import typer

from jobs import options


def backfill(
    tables: options.Tables = None,
    start: options.Start = None,
    end: options.End = None,
    dates: options.Dates = None,
    dates_file: options.DatesFile = None,
    recompute: options.Recompute = False,
    rewrite: options.Rewrite = False,
    stale: options.Stale = False,
    only_failed: options.OnlyFailed = None,
    force: options.Force = False,
    no_fallback: options.NoFallback = False,
    dry_run: options.DryRun = False,
    yes: options.Yes = False,
    run: options.Run = None,
    workers: options.Workers = None,
    budget: options.Budget = None,
    pool: options.Pool = None,
    chunk_days: options.ChunkDays = None,
    as_of: options.AsOf = None,
    models: options.Models = None,
    skip_preflight: options.SkipPreflight = None,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Compute, gate and commit. Exit codes: 0 done, 3 blocked, 4 not ready, 5 failed, 6 a limit, 130/143 stopped."""
    from jobs.flow import carry_out
    from jobs.planning import Wish, show_only
    from jobs.preflight import require_ready
    from jobs.selection import select_dates
    from jobs.session import open_session
    from jobs.settings import run_settings

    wish = Wish(
        "backfill",
        tables,
        select_dates(start, end, dates, dates_file),
        recompute=recompute,
        rewrite=rewrite,
        stale=stale,
        only_failed=only_failed,
        force=force,
        options=("no_fallback",) if no_fallback else (),
        run_id=run,
    )
    settings = run_settings(config, workers, budget, pool, chunk_days, as_of, models)
    with open_session(settings) as session:
        if dry_run:
            raise typer.Exit(show_only(session, wish, as_json=as_json))
        require_ready(session, options.split_names(skip_preflight))
        raise typer.Exit(carry_out(session, wish, yes=yes, as_json=as_json))
