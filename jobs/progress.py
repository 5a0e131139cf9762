"""How a run shows itself while it works: bars in a terminal, lines elsewhere, and a file for `status`."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from backcourt.clock import Clock
from backcourt.pipeline.outcomes import Category, Outcome, PartitionOutcome
from backcourt.pipeline.plan import Plan
from backcourt.warehouse.run_reads import budget_details
from jobs.budget_words import parked_until
from jobs.console import console
from jobs.settings import Settings
from ray_tasks.budget_curve import BudgetCurve
from ray_tasks.json_lines import json_lines
from ray_tasks.observing import Observer, Together
from ray_tasks.observing import Progress as RunProgress

LINE_SECONDS = 10.0
"""Pause between two lines of progress where there is no terminal."""
DASHBOARD_HINT = "it asks for the token that `ray get-auth-token` prints"
"""Ray's dashboard is behind Ray's token authentication."""
FILE_SECONDS = 1.0
"""Pause between two writings of the live file."""


class LiveFile:
    """The run's state in a file that `status` reads; replaced as a whole, removed at the end."""

    def __init__(self, folder: Path, run_id: str, clock: Clock) -> None:
        """Write to `<folder>/<run>.json`."""
        self._path, self._run_id, self._clock, self._written = folder / f"{run_id}.json", run_id, clock, -FILE_SECONDS
        self._curve = BudgetCurve(clock)
        folder.mkdir(parents=True, exist_ok=True)

    def opened(self, dashboard_url: str) -> None:
        """Nothing to write yet."""

    def ended(self, outcome: PartitionOutcome) -> None:
        """Written with the state as a whole."""

    def progress(self, progress: RunProgress) -> None:
        """Write the state and the budget's curve so far, at most once a second."""
        self._curve.progress(progress)
        now = self._clock.monotonic()
        if now - self._written < FILE_SECONDS:
            return
        self._written = now
        told = {"run_id": self._run_id, "pid": os.getpid(), "at": self._clock.now().isoformat()}
        state = {**told, "budget": budget_details(self._curve.samples), **asdict(progress)}
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(state, default=str), encoding="utf-8")
        new.replace(self._path)

    def remove(self) -> None:
        """The run has ended."""
        self._path.unlink(missing_ok=True)


class Misses:
    """Says what did not go through; a reason that many dates of a table share is said of the first, the end counts."""

    def __init__(self, out: Console) -> None:
        """Write to `out`."""
        self._out, self._told = out, set[tuple[str, str]]()

    def tell(self, outcome: PartitionOutcome) -> None:
        """A line for a date that is blocked or failed by itself, for a reason that is new."""
        bad = outcome.outcome in (Outcome.BLOCKED, Outcome.FAILED) and outcome.category is not Category.UPSTREAM
        reason = (outcome.partition.table, outcome.reason)
        if bad and reason not in self._told:
            self._told.add(reason)
            self._out.print(f"{outcome.outcome}: {outcome.partition}: {outcome.reason}", markup=False)


class LineProgress:
    """One line every ten seconds, and one for every date that did not go through."""

    def __init__(self, out: Console, total: int, clock: Clock) -> None:
        """Write to `out`; `total` partitions are to be done."""
        self._out, self._total, self._clock = out, total, clock
        self._said = clock.monotonic()
        self._misses = Misses(out)

    def opened(self, dashboard_url: str) -> None:
        """Say where Ray's dashboard is."""
        if dashboard_url:
            self._out.print(f"Ray dashboard: http://{dashboard_url} ({DASHBOARD_HINT})", markup=False)

    def progress(self, progress: RunProgress) -> None:
        """Say how far it is, now and then."""
        now = self._clock.monotonic()
        if now - self._said < LINE_SECONDS:
            return
        self._said = now
        done = self._total - progress.open_count
        self._out.print(f"{done} of {self._total} partitions; {_activity(progress, self._clock.now())}", markup=False)

    def ended(self, outcome: PartitionOutcome) -> None:
        """Say what did not go through."""
        self._misses.tell(outcome)


class BarProgress:
    """A bar for each table and a line of what runs now."""

    def __init__(self, out: Console, to_do: Mapping[str, int], clock: Clock) -> None:
        """Draw on `out`, once `shown`; `to_do` counts the partitions of each table."""
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=out,
        )
        self._tasks: dict[str, TaskID] = {
            table: self._bars.add_task(table.partition(".")[2], total=count, note="") for table, count in to_do.items()
        }
        self._now = Text("", style="dim", no_wrap=True, overflow="ellipsis")
        self._live = Live(Group(self._bars, self._now), console=out, refresh_per_second=5, transient=True)
        self._out, self._clock = out, clock
        self._misses = Misses(out)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """While the bars are on the screen."""
        with self._live:
            yield

    def opened(self, dashboard_url: str) -> None:
        """Say where Ray's dashboard is."""
        if dashboard_url:
            self._out.print(f"Ray dashboard: http://{dashboard_url} ({DASHBOARD_HINT})", markup=False)

    def progress(self, progress: RunProgress) -> None:
        """Move the bars."""
        for table, task in self._tasks.items():
            counts = progress.counts.get(table, {})
            note = ", ".join(f"{n} {o}" for o, n in counts.items() if o in ("blocked", "failed") and n)
            self._bars.update(task, completed=sum(counts.values()), note=note)
        self._now.plain = _activity(progress, self._clock.now())

    def ended(self, outcome: PartitionOutcome) -> None:
        """Say what did not go through, above the bars."""
        self._misses.tell(outcome)


class JsonProgress:
    """One JSON line for every date and every ten seconds, for a log collector; run, table and date on each."""

    def __init__(self, plan: Plan, clock: Clock) -> None:
        """Write to standard output."""
        self._log = json_lines(run=plan.request.run_id)
        self._to_do, self._total = counted(plan), plan.total
        self._clock, self._said = clock, clock.monotonic()

    def opened(self, dashboard_url: str) -> None:
        """The pool is up."""
        self._log.info("run started", partitions=self._total, to_do=self._to_do, dashboard=dashboard_url)

    def progress(self, progress: RunProgress) -> None:
        """How far it is, now and then."""
        now = self._clock.monotonic()
        if now - self._said >= LINE_SECONDS:
            self._said = now
            permits = {k.kind.value: k.held + k.orphaned for k in progress.kinds}
            limits = {k.kind.value: k.ceiling for k in progress.kinds}
            parked = {k.kind.value: round(k.parked_seconds) for k in progress.kinds if k.parked_seconds > 0}
            more = {"parked": parked} if parked else {}
            left = progress.open_count
            self._log.info("progress", left=left, total=self._total, permits=permits, limits=limits, **more)

    def ended(self, outcome: PartitionOutcome) -> None:
        """A date's end; a warning where it did not go through."""
        bad = outcome.outcome in (Outcome.BLOCKED, Outcome.FAILED)
        (self._log.warning if bad else self._log.info)(
            "partition ended",
            table=outcome.partition.table,
            date=outcome.partition.day.isoformat(),
            outcome=outcome.outcome.value,
            category=outcome.category.value,
            reason=outcome.reason,
            rows=outcome.row_count,
            coverage=round(outcome.coverage, 4),
            commit=outcome.commit_id,
            notes=outcome.notes,
        )


@contextmanager
def watching(settings: Settings, plan: Plan, clock: Clock) -> Iterator[Observer]:
    """An observer that fits the output, for the length of a run."""
    out = console()
    file = LiveFile(settings.run_folder, plan.request.run_id, clock)
    in_pod = "KUBERNETES_SERVICE_HOST" in os.environ
    try:
        if settings.log_format == "json" or (settings.log_format == "auto" and in_pod):
            yield Together(JsonProgress(plan, clock), file)
        elif out.is_terminal:
            bars = BarProgress(out, counted(plan), clock)
            with bars.shown():
                yield Together(bars, file)
        else:
            yield Together(LineProgress(out, plan.total, clock), file)
    finally:
        file.remove()


def counted(plan: Plan) -> dict[str, int]:
    """Partitions to do, by table, in the plan's order."""
    return {t.table: len(t.to_do) for t in plan.tables if t.to_do}


def _activity(progress: RunProgress, now: datetime) -> str:
    rests = {k.kind: parked_until(k.parked_seconds, now) for k in progress.kinds}
    permits = ", ".join(
        f"{k.kind} {k.held + k.orphaned}/{k.ceiling}" + (f" ({rests[k.kind]})" if rests[k.kind] else "")
        for k in progress.kinds
    )
    running = ", ".join(step.partition(" on ")[0] for step in progress.running[:3]) or "waiting"
    return f"permits {permits}; {running}"
