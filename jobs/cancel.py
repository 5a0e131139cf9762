"""`backcourt cancel`: asks a run that is alive to stop cleanly: here by a signal, elsewhere by its events."""

import json
import os
import signal
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs import options

if TYPE_CHECKING:
    from jobs.settings import Settings

LOOKED_BACK_DAYS = 60
"""How long ago a run that is alive may have started."""
FRESH_SECONDS = 60.0
"""A live file that is older was left by a process that was killed, and its number may be another's now."""

RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id, as `backcourt history` and `status` tell it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with the run's events.")]


def cancel(
    run: RunId,
    reason: Reason = "",
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """The run ends its commits in flight and exits 130; the same run id goes on with what is left."""
    from backcourt.clock import SystemClock
    from jobs.settings import run_settings

    settings = run_settings(config)
    here = alive_here(settings.run_folder, run, SystemClock().now())
    if here is not None:
        if not dry_run:
            os.kill(int(here["pid"]), signal.SIGINT)
        how, told = "signal", f"process {here['pid']} of this machine"
    else:
        how, told = "event", _ask_elsewhere(settings, run, reason, dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps({"run_id": run, "asked_by": how, "told": told, "dry_run": dry_run}))
    else:
        typer.echo(f"Run {run} {'would be' if dry_run else 'is'} asked to stop: {told}.")
        typer.echo("What is left is done by the same command again, on Kubernetes under another name.")


def alive_here(folder: Path, run: str, now: datetime) -> dict[str, Any] | None:
    """What the live file in a folder says of a run whose process is alive on this machine."""
    from jobs.status import live_runs

    for state in live_runs(folder):
        written = datetime.fromisoformat(str(state["at"]))
        if state["run_id"] == run and now - written < timedelta(seconds=FRESH_SECONDS):
            return state
    return None


def _ask_elsewhere(settings: "Settings", run: str, reason: str, *, dry_run: bool) -> str:
    """Append the wish to the run's events; what follows, in words.

    Raises:
        UsageError: no such run has started lately, or it has ended.
    """
    from backcourt.errors import UsageError
    from backcourt.warehouse.run_events import CANCEL_ASKED, Event, event_request
    from jobs.ground import ground_of, new_run_id
    from jobs.session import open_session
    from ray_tasks.lookback import read_runs

    with open_session(settings) as session:
        ground = ground_of(session, new_run_id(session, "cancel"))
        since = session.clock.now().date() - timedelta(days=LOOKED_BACK_DAYS)
        found = next((each for each in read_runs(ground, since) if each.run_id == run), None)
        if found is None:
            where, elsewhere = f"project {session.connection.endpoint.project}", ""
            if settings.is_embedded:
                where = f"local BigQuery {settings.local_folder}"
                elsewhere = " Set BACKCOURT_PROJECT, or give --config, if it runs elsewhere."
            raise UsageError(
                f"No run {run} has started lately in {where}.", f"`backcourt history` lists the runs.{elsewhere}"
            )
        if found.ended_at is not None:
            raise UsageError(
                f"Run {run} ended on {found.ended_at:%Y-%m-%d %H:%M} UTC with {found.exit_code}.",
                "There is nothing to stop.",
            )
        if not dry_run:
            details = {"reason": reason} if reason else {}
            event = Event(run, found.start, CANCEL_ASKED, nonce=ground.nonce, details=details)
            ground.attempts.run(event_request(event, session.warehouse.names, session.state_dataset))
    return f"start {found.start}, which looks at its events every 12 seconds"
