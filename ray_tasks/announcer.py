"""Announcing commits: the job ids of scripts go into `runs` before the scripts are sent, many in one statement.

One statement is under way at a time. What comes meanwhile waits for the next one, together; so announcements cost a few
statements however many tables commit at once, and none of them waits for more than one statement before its own.
"""

import threading
from concurrent.futures import Future
from dataclasses import dataclass, field

from backcourt.errors import BackcourtError
from backcourt.warehouse.errors import UnknownError
from backcourt.warehouse.names import Names
from backcourt.warehouse.run_events import Event, events_request
from ray_tasks.attempts import Attempts


@dataclass(frozen=True)
class _Group:
    """Events that are recorded together."""

    events: list[Event] = field(default_factory=list)
    recorded: Future[None] = field(default_factory=Future)


class Announcer:
    """Records events in a thread of its own, which lives while there is something to record."""

    def __init__(self, attempts: Attempts, names: Names, state_dataset: str) -> None:
        """Take what it records with."""
        self._attempts, self._names, self._state_dataset = attempts, names, state_dataset
        self._lock = threading.Lock()
        self._next = _Group()
        self._working = False

    def announce(self, event: Event) -> Future[None]:
        """Record the event soon; the future is done once that is, or holds the BackcourtError that prevented it.

        Args:
            event: of the same name and start as every other.
        """
        with self._lock:
            group = self._next
            group.events.append(event)
            if not self._working:
                self._working = True
                # a daemon: a stopped run must not wait for a call that hangs
                threading.Thread(target=self._work, name="announcer", daemon=True).start()
        return group.recorded

    def _work(self) -> None:
        while group := self._taken():
            try:
                self._attempts.run(events_request(group.events, self._names, self._state_dataset))
            except BackcourtError as error:
                group.recorded.set_exception(error)
            except Exception as error:  # noqa: BLE001 (a thread that dies silently would leave commits waiting for ever)
                what = f"Announcing commits ended in {type(error).__name__}: {error}."
                group.recorded.set_exception(UnknownError(what, "Run again: nothing was sent."))
            else:
                group.recorded.set_result(None)

    def _taken(self) -> _Group | None:
        """What waits, as one group; None, and the thread ends, when nothing does."""
        with self._lock:
            group, self._next = self._next, _Group()
            self._working = bool(group.events)
        return group if group.events else None
