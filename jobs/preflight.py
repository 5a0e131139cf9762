"""`backcourt preflight`: is everything there that a run needs? Also asked, in its cheap form, before every run."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import options

if TYPE_CHECKING:
    from jobs.checking import Check, Checked
    from jobs.session import Session

Skip = Annotated[list[str] | None, typer.Option("--skip", help="A check not to ask; repeat it or separate by commas.")]
Deadline = Annotated[float, typer.Option("--deadline", min=1, help="Seconds until an unanswered check has failed.")]


def preflight(
    start: options.Start = None,
    end: options.End = None,
    skip: Skip = None,
    deadline: Deadline = 30.0,
    as_of: options.AsOf = None,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Ask every check at once. Exit codes: 0 ready (warnings included), 4 a check failed."""
    import json

    from jobs.checking import Verdict, run_checks
    from jobs.selection import select_dates
    from jobs.session import open_session
    from jobs.settings import run_settings

    dates = select_dates(start, end, None, None)
    with open_session(run_settings(config, as_of=as_of)) as session:
        first = dates.start or session.as_of - timedelta(days=session.settings.heal_days)
        checks = _checks(session, first, dates.end or session.as_of)
        found = run_checks(checks, session.clock, options.split_names(skip), deadline)
        if as_json:
            typer.echo(json.dumps([{"check": c.name, **asdict(c.finding)} for c in found], indent=2))
        else:
            _show(found)
    raise typer.Exit(4 if any(c.finding.verdict is Verdict.FAIL for c in found) else 0)


def require_ready(session: "Session", skip: Sequence[str]) -> None:
    """Ask the cheap checks before a run; warnings go to standard error.

    Raises:
        PreflightError: a check failed.
        UsageError: a check to skip does not exist.
    """
    from jobs.checking import Verdict, require, run_checks, skipped_of

    checks = _checks(session, session.as_of, session.as_of)
    wanted = skipped_of(skip, checks)
    found = run_checks([c for c in checks if c.cheap], session.clock, [n for n in wanted if _is_cheap(checks, n)])
    for each in found:
        if each.finding.verdict is Verdict.WARN:
            typer.echo(f"backcourt: {each.name}: {each.finding.what}. {each.finding.do}", err=True)
    require(found)


def _is_cheap(checks: "Sequence[Check]", name: str) -> bool:
    return any(c.cheap for c in checks if c.name == name)


def _checks(session: "Session", start: date, end: date) -> "list[Check]":
    from backcourt.warehouse.inspection import Inspection
    from jobs.checks import Site, all_checks
    from jobs.ground import ground_of, new_run_id

    ground = ground_of(session, new_run_id(session, "preflight"))
    inspection = Inspection(session.connection.endpoint, session.warehouse.names)
    return all_checks(Site(session, ground, inspection, start, end))


def _show(found: "Sequence[Checked]") -> None:
    """A line a check, and below it what to do."""
    from jobs.console import console

    out = console()
    width = max(len(each.name) for each in found)
    for each in found:
        out.print(f"{each.name:<{width}}  {each.finding.verdict}: {each.finding.what}", markup=False)
        if each.finding.do:
            out.print(f"{'':<{width}}  → {each.finding.do}", markup=False)
