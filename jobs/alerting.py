"""Tells people of a run's troubles: gathers them, and sends one message where a webhook is set.

Nothing here ends a run or changes its exit code: what cannot be read or sent is told on standard error.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import typer

from backcourt.clock import Clock, SystemClock
from backcourt.errors import BackcourtError
from backcourt.pipeline.breaker import HeldBack
from backcourt.pipeline.drift import drift_sentences
from backcourt.pipeline.outcomes import PartitionOutcome
from backcourt.pipeline.validation import Finding
from backcourt.reporting.alerts import (
    Kind,
    Trouble,
    breaker_troubles,
    budget_troubles,
    drift_troubles,
    finding_troubles,
    message,
    partition_troubles,
    silence_troubles,
)
from backcourt.reporting.webhook import Webhook
from jobs.settings import Settings
from jobs.version import code_version
from ray_tasks.lookback import read_code_versions, read_runs
from ray_tasks.observing import Progress
from ray_tasks.prepare import Ground

LOOKED_BACK = timedelta(days=30)
"""How far back the run before this one is looked for."""


class LowBudget:
    """An Observer that measures how long the budget of each kind stayed below its setting at a stretch, in seconds."""

    def __init__(self, clock: Clock) -> None:
        """Measure by this clock."""
        self._clock = clock
        self._since: dict[str, float] = {}
        self.longest: dict[str, float] = {}

    def opened(self, dashboard_url: str) -> None:
        """Nothing to measure."""

    def ended(self, outcome: PartitionOutcome) -> None:
        """Nothing to measure."""

    def progress(self, progress: Progress) -> None:
        """Look at every kind's limit."""
        now = self._clock.monotonic()
        for state in progress.kinds:
            kind = state.kind.value
            if state.limit >= state.setting:
                self._since.pop(kind, None)
                continue
            stretch = now - self._since.setdefault(kind, now)
            self.longest[kind] = max(stretch, self.longest.get(kind, 0.0))


def webhook_of(settings: Settings, clock: Clock) -> Webhook | None:
    """Where alerts go; None where no webhook is set, or its file cannot be read."""
    url = settings.alert_webhook.get_secret_value().strip()
    if not url and settings.alert_webhook_file is not None:
        url = _read(settings.alert_webhook_file)
    return Webhook(url, clock) if url else None


def alert_of_run(
    settings: Settings,
    ground: Ground,
    exit_code: int,
    outcomes: Collection[PartitionOutcome],
    held: Sequence[HeldBack],
    low_budget: LowBudget,
    drift: Sequence[str],
    *,
    nightly: bool,
) -> None:
    """Send what is to be told of a run that ended; `nightly` runs look for the one that ought to have been before."""
    webhook = webhook_of(settings, ground.clock)
    if webhook is None:
        return
    troubles = (
        *partition_troubles(ground.run_id, outcomes),
        *breaker_troubles(held),
        *budget_troubles(low_budget.longest),
        *drift_troubles(drift),
        *(_missed_night(ground) if nightly else ()),
    )
    if troubles:
        _send(webhook, message(ground.pipeline.name, ground.run_id, exit_code, troubles))


def alert_of_findings(settings: Settings, clock: Clock, findings: Sequence[Finding]) -> None:
    """Send what the nightly `validate` found, if anything."""
    webhook, troubles = webhook_of(settings, clock), finding_troubles(findings)
    if webhook is not None and troubles:
        _send(webhook, message(settings.pipeline, "validate", 3, troubles))


@contextmanager
def errors_told(settings: Settings, command: str, *, wanted: bool = True) -> Iterator[None]:
    """While an error of a command is sent before it goes on its way to the exit code."""
    try:
        yield
    except BackcourtError as error:
        if wanted:
            alert_of_error(settings, SystemClock(), command, error)
        raise


def alert_of_error(settings: Settings, clock: Clock, command: str, error: BackcourtError) -> None:
    """Send that a command ended with an error, before a run of its own began or without one."""
    webhook = webhook_of(settings, clock)
    if webhook is not None:
        trouble = Trouble(Kind.ERROR, f"`backcourt {command}` ended with an error: {error.what.rstrip('.')}", error.do)
        _send(webhook, message(settings.pipeline, command, error.exit_code, (trouble,)))


def old_code(ground: Ground) -> tuple[str, ...]:
    """That newer code wrote to the ledger than runs here, in sentences; none where that cannot be told."""
    try:
        return drift_sentences(code_version(), read_code_versions(ground))
    except BackcourtError as error:
        typer.echo(f"backcourt: the versions of the code were not compared: {error}", err=True)
        return ()


def _missed_night(ground: Ground) -> tuple[Trouble, ...]:
    now = ground.clock.now()
    try:
        earlier = (r for r in read_runs(ground, (now - LOOKED_BACK).date()) if r.run_id != ground.run_id)
        return silence_troubles(max((r.ended_at or r.started_at for r in earlier), default=None), now)
    except BackcourtError as error:
        typer.echo(f"backcourt: earlier runs were not looked for: {error}", err=True)
        return ()


def _send(webhook: Webhook, text: str) -> None:
    delivery = webhook.send(text)
    if not delivery.sent:
        typer.echo(f"backcourt: the alert was not delivered: {delivery.how}.", err=True)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        typer.echo(f"backcourt: {file} cannot be read ({type(error).__name__}): no alerts are sent.", err=True)
        return ""
