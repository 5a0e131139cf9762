"""How a run shows itself while it works: bars in a terminal, lines elsewhere, and a file for `status`."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from backcourt.clock import Clock
from backcourt.pipeline.outcomes import Outcome, PartitionOutcome
from backcourt.pipeline.plan import Plan
from ray_tasks.driver import Observer
from ray_tasks.driver import Progress as RunProgress

LINE_SECONDS = 10.0
"""Pause between two lines of progress where there is no terminal."""
FILE_SECONDS = 1.0
"""Pause between two writings of the live file."""


class LiveFile:
    """The run's state in a file that `status` reads; replaced as a whole, removed at the end."""

    def __init__(self, folder: Path, run_id: str, clock: Clock) -> None:
        """Write to `<folder>/<run>.json`."""
        self._path, self._run_id, self._clock, self._written = folder / f"{run_id}.json", run_id, clock, -FILE_SECONDS
        folder.mkdir(parents=True, exist_ok=True)

    def progress(self, progress: RunProgress) -> None:
        """Write the state, at most once a second."""
        now = self._clock.monotonic()
        if now - self._written < FILE_SECONDS:
            return
        self._written = now
        state = {"run_id": self._run_id, "pid": os.getpid(), "at": self._clock.now().isoformat(), **asdict(progress)}
        new = self._path.with_suffix(".new")
        new.write_text(json.dumps(state, default=str), encoding="utf-8")
        new.replace(self._path)

    def remove(self) -> None:
        """The run has ended."""
        self._path.unlink(missing_ok=True)


class LineProgress:
    """One line every ten seconds, and one for every date that did not go through."""

    def __init__(self, out: Console, plan: Plan, clock: Clock) -> None:
        """Write to `out`."""
        self._out, self._total, self._clock = out, plan.total, clock
        self._said = clock.monotonic()

    def progress(self, progress: RunProgress) -> None:
        """Say how far it is, now and then."""
        now = self._clock.monotonic()
        if now - self._said < LINE_SECONDS:
            return
        self._said = now
        done = self._total - progress.open_count
        self._out.print(f"{done} of {self._total} partitions; {_activity(progress)}", markup=False)

    def ended(self, outcome: PartitionOutcome) -> None:
        """Say what did not go through."""
        if outcome.outcome in (Outcome.BLOCKED, Outcome.FAILED):
            self._out.print(f"{outcome.outcome}: {outcome.partition}: {outcome.reason}", markup=False)


class BarProgress:
    """A bar for each table and a line of what runs now."""

    def __init__(self, out: Console, plan: Plan) -> None:
        """Draw on `out`, once `shown`."""
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=out,
        )
        self._tasks: dict[str, TaskID] = {
            t.table: self._bars.add_task(t.table.partition(".")[2], total=len(t.to_do), note="")
            for t in plan.tables
            if t.to_do
        }
        self._now = Text("", style="dim", no_wrap=True, overflow="ellipsis")
        self._live = Live(Group(self._bars, self._now), console=out, refresh_per_second=5, transient=True)
        self._out = out

    @contextmanager
    def shown(self) -> Iterator[None]:
        """While the bars are on the screen."""
        with self._live:
            yield

    def progress(self, progress: RunProgress) -> None:
        """Move the bars."""
        for table, task in self._tasks.items():
            counts = progress.counts.get(table, {})
            note = ", ".join(f"{n} {o}" for o, n in counts.items() if o in ("blocked", "failed") and n)
            self._bars.update(task, completed=sum(counts.values()), note=note)
        self._now.plain = _activity(progress)

    def ended(self, outcome: PartitionOutcome) -> None:
        """Say what did not go through, above the bars."""
        if outcome.outcome in (Outcome.BLOCKED, Outcome.FAILED):
            self._out.print(f"{outcome.outcome}: {outcome.partition}: {outcome.reason}", markup=False)


class Watching:
    """Shows a run on the screen and in its live file."""

    def __init__(self, screen: Observer, file: LiveFile) -> None:
        """Tell both."""
        self._screen, self._file = screen, file

    def progress(self, progress: RunProgress) -> None:
        """Tell both."""
        self._screen.progress(progress)
        self._file.progress(progress)

    def ended(self, outcome: PartitionOutcome) -> None:
        """Tell the screen."""
        self._screen.ended(outcome)


@contextmanager
def watching(out: Console, plan: Plan, folder: Path, clock: Clock) -> Iterator[Watching]:
    """An observer that fits the output, for the length of a run."""
    file = LiveFile(folder, plan.request.run_id, clock)
    try:
        if out.is_terminal:
            bars = BarProgress(out, plan)
            with bars.shown():
                yield Watching(bars, file)
        else:
            yield Watching(LineProgress(out, plan, clock), file)
    finally:
        file.remove()


def _activity(progress: RunProgress) -> str:
    permits = ", ".join(f"{k.kind} {k.held + k.orphaned}/{k.limit}" for k in progress.kinds)
    running = ", ".join(step.partition(" on ")[0] for step in progress.running[:3]) or "waiting"
    return f"permits {permits}; {running}"
