"""`backcourt daily`: what a CronJob runs every night. It ingests, heals the last days, and does today; it asks nothing.

One run for all of it: the plan holds the raw tables, where a source is set, and all that is made from them, over the
last days and today. What the ledger lacks, what was blocked, what is stale and what a foreign hand changed is computed;
the rest is left alone.
"""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import options

if TYPE_CHECKING:
    from backcourt.sources.source import Source
    from jobs.selection import DateSelection
    from jobs.settings import Settings

Date = Annotated[str | None, typer.Option("--date", help="The day that it is; by default today.")]
Days = Annotated[int | None, typer.Option("--days", min=0, help="Days before it that are healed; by default 14.")]
SourceName = Annotated[
    str | None, typer.Option("--source", help="Source to ingest from, as in `ingest`; by default the setting's.")
]


def daily(
    day: Date = None,
    days: Days = None,
    source: SourceName = None,
    dry_run: options.DryRun = False,
    run: options.Run = None,
    workers: options.Workers = None,
    pool: options.Pool = None,
    models: options.Models = None,
    skip_preflight: options.SkipPreflight = None,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Ingest, heal, do today. Exit codes: 0 done, 3 blocked, 4 not ready, 5 failed, 6 a limit, 130/143 stopped."""
    from jobs.alerting import errors_told
    from jobs.settings import run_settings

    if day:
        options.parse_date(day, "--date")
    settings = run_settings(config, workers, None, pool, None, day, models)
    window = settings.heal_days if days is None else days
    with errors_told(settings, "daily", wanted=not dry_run):
        code = _night(settings, source, window, run, options.split_names(skip_preflight), dry_run, as_json)
    raise typer.Exit(code)


def _night(
    settings: "Settings",
    source: str | None,
    days: int,
    run: str | None,
    skipped: list[str],
    dry_run: bool,
    as_json: bool,
) -> int:
    """One night; its exit code. A source that gives nothing keeps nobody from healing what is there."""
    from backcourt.errors import DataError
    from backcourt.sources.errors import SourceUnavailable
    from jobs.alerting import alert_of_error
    from jobs.flow import carry_out
    from jobs.planning import Wish, show_only
    from jobs.preflight import require_ready
    from jobs.selection import DateSelection
    from jobs.session import open_session
    from jobs.stopping import StopSignals

    with open_session(settings) as session:
        last = session.as_of
        dates = DateSelection(last - timedelta(days=days), last, may_be_empty=True)
        wish = Wish("daily", dates=dates, run_id=run, source=_source(source or settings.source, dates), nightly=True)
        if dry_run:
            return show_only(session, wish, as_json=as_json)
        require_ready(session, skipped)
        stop = StopSignals()
        try:
            return carry_out(session, wish, yes=True, as_json=as_json, stop=stop)
        except (SourceUnavailable, DataError) as error:
            if wish.source is None:
                raise
            typer.echo(f"backcourt: {error} What is there is healed without it.", err=True)
            alert_of_error(settings, session.clock, "daily", error)
            without = replace(wish, source=None, run_id=None)
            healed = carry_out(session, without, yes=True, as_json=as_json, stop=stop)
            return healed if healed not in (0, 3) else error.exit_code


def _source(name: str, dates: "DateSelection") -> "Source | None":
    from backcourt.clock import SystemClock
    from jobs.sources import find_source

    return find_source(name, dates, SystemClock()) if name else None
