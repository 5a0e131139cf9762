"""Who watches a run: the port, and several watchers at once."""

from dataclasses import dataclass
from typing import Protocol

from backcourt.pipeline.outcomes import PartitionOutcome
from ray_tasks.permit_book import KindState
from ray_tasks.steps import Telemetry


@dataclass(frozen=True)
class Progress:
    """How a run stands. `counts` are partitions by table and outcome; `commits` those that are done."""

    counts: dict[str, dict[str, int]]
    open_count: int
    running: tuple[str, ...]
    committing: tuple[str, ...]
    kinds: tuple[KindState, ...]
    totals: Telemetry
    blocks_read: int
    commits: int


class Observer(Protocol):
    """Who watches a run."""

    def opened(self, dashboard_url: str) -> None:
        """The pool is up; the address of Ray's dashboard, "" without one."""

    def progress(self, progress: Progress) -> None:
        """The run's state; called a few times a second."""

    def ended(self, outcome: PartitionOutcome) -> None:
        """A partition has an outcome."""


class Together:
    """Several watchers as one."""

    def __init__(self, *observers: Observer) -> None:
        """Tell all of them, in this order."""
        self._observers = observers

    def opened(self, dashboard_url: str) -> None:
        """See Observer."""
        for each in self._observers:
            each.opened(dashboard_url)

    def progress(self, progress: Progress) -> None:
        """See Observer."""
        for each in self._observers:
            each.progress(progress)

    def ended(self, outcome: PartitionOutcome) -> None:
        """See Observer."""
        for each in self._observers:
            each.ended(outcome)
