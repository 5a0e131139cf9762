"""Shows a run from the lines of its log as a local run shows itself: what JsonProgress wrote is told to the observers.

Lines that are not the run's own (Ray's, a traceback) are passed over, or printed where they were asked for.
"""

import json
from collections import Counter
from contextlib import ExitStack, suppress
from datetime import date
from typing import Any

from rich.console import Console

from backcourt.clock import Clock
from backcourt.pipeline.outcomes import Category, Outcome, Partition, PartitionOutcome
from backcourt.warehouse.requests import Kind
from jobs.progress import BarProgress, LineProgress
from ray_tasks.observing import Observer, Progress
from ray_tasks.permit_book import KindState
from ray_tasks.steps import Telemetry


class FollowedRun:
    """A run's display, fed with lines; use it as a context, so that bars leave the screen."""

    def __init__(self, out: Console, clock: Clock, *, raw: bool = False) -> None:
        """Draw on `out`; `raw` prints the lines as they come instead."""
        self._out, self._clock, self._raw = out, clock, raw
        self._shown = ExitStack()
        self._observer: Observer | None = None
        self._counts: dict[str, Counter[str]] = {}
        self._kinds: tuple[KindState, ...] = ()
        self._total = 0

    def __enter__(self) -> "FollowedRun":
        """Bars appear with the run's first line."""
        return self

    def __exit__(self, *error: object) -> None:
        """Take the bars away."""
        self._shown.close()

    def say(self, sentence: str) -> None:
        """A sentence of our own, above the bars."""
        self._out.print(sentence, markup=False)

    def line(self, text: str) -> None:
        """One line of the log."""
        if self._raw:
            self._out.print(text, markup=False, soft_wrap=True)
            return
        fields = _fields(text)
        with suppress(KeyError, ValueError, TypeError, AttributeError):  # another version's line: show what is known
            match fields.get("event"):
                case "run started":
                    self._begin(fields)
                case "progress":
                    self._kinds = _kinds(fields["permits"], fields["limits"], fields.get("parked", {}))
                    self._move()
                case "partition ended":
                    self._end(_outcome(fields))

    def _begin(self, fields: dict[str, Any]) -> None:
        """A start of the run; a second one begins with bars of its own."""
        self._shown.close()
        to_do = {str(table): int(count) for table, count in fields["to_do"].items()}
        self._total, self._counts = sum(to_do.values()), {table: Counter() for table in to_do}
        if self._out.is_terminal:
            bars = BarProgress(self._out, to_do, self._clock)
            self._shown.enter_context(bars.shown())
            self._observer = bars
        else:
            self._observer = LineProgress(self._out, self._total, self._clock)

    def _end(self, outcome: PartitionOutcome) -> None:
        self._counts.setdefault(outcome.partition.table, Counter())[outcome.outcome.value] += 1
        if self._observer:
            self._observer.ended(outcome)
        self._move()

    def _move(self) -> None:
        if self._observer:
            counts = {table: dict(found) for table, found in self._counts.items()}
            left = self._total - sum(found.total() for found in self._counts.values())
            self._observer.progress(Progress(counts, left, (), (), self._kinds, Telemetry(), 0, 0))


def _fields(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text.startswith("{") else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _outcome(fields: dict[str, Any]) -> PartitionOutcome:
    return PartitionOutcome(
        Partition(fields["table"], date.fromisoformat(fields["date"])),
        Outcome(fields["outcome"]),
        Category(fields.get("category", "")),
        fields.get("reason", ""),
    )


def _kinds(permits: dict[str, int], limits: dict[str, int], parked: dict[str, float]) -> tuple[KindState, ...]:
    return tuple(
        KindState(Kind(name), limits[name], limits[name], held, 0, 0, None, parked.get(name, 0.0), ())
        for name, held in permits.items()
    )
