"""Notices that an operator has cancelled the run, wherever the command was given: one thread of the driver.

The wish is a row of the run's events, for the start that was alive then; a later start of the same run goes on.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta

from ray.exceptions import GetTimeoutError

from backcourt.errors import BackcourtError
from backcourt.warehouse.errors import NotFound
from backcourt.warehouse.requests import ReadRequest
from backcourt.warehouse.run_events import CANCEL_ASKED
from backcourt.warehouse.state import State
from backcourt.warehouse.warehouse import Warehouse
from ray_tasks.attempts import Attempts
from ray_tasks.committer import RunIdentity
from ray_tasks.driver import StopRequest
from ray_tasks.ray_errors import GONE

LOOK_SECONDS = 12.0
"""Pause between looks at the run's events."""
END_SECONDS = 2.0
"""How long a look that is under way is awaited at the run's end."""
CANCELLED = 130
"""The exit code of a run that an operator cancelled: the same as for an interrupt at the terminal."""
LONGEST_RUN_DAYS = 60
"""A wish is looked for among the events of so many days."""


class CancelWatch:
    """A stop request that holds once `stop` or a cancel asks for it."""

    def __init__(self, stop: StopRequest, pause: float = LOOK_SECONDS) -> None:
        """Take the other reason to stop, and the seconds between two looks."""
        self._stop, self._pause = stop, pause
        self._cancelled, self._over = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def exit_code(self) -> int:
        """0, or what the run ends with."""
        return self._stop.exit_code or (CANCELLED if self._cancelled.is_set() else 0)

    def start(self, is_asked: Callable[[], bool]) -> None:
        """Begin to look."""
        self._thread = threading.Thread(
            target=self._look_until_over, args=(is_asked,), name="cancel-watch", daemon=True
        )
        self._thread.start()

    def end(self) -> None:
        """Look no more. A look under way is awaited for a moment, so that its permit is back; a stop must not hang."""
        self._over.set()
        if self._thread:
            self._thread.join(END_SECONDS)

    def look(self, is_asked: Callable[[], bool]) -> None:
        """Look once; what cannot be read now is left to the next look."""
        with suppress(BackcourtError, *GONE, GetTimeoutError):
            if is_asked():
                self._cancelled.set()

    def _look_until_over(self, is_asked: Callable[[], bool]) -> None:
        while not self._cancelled.is_set() and not self._over.wait(self._pause):
            self.look(is_asked)


def cancel_is_asked(
    warehouse: Warehouse, attempts: Attempts, state_dataset: str, identity: RunIdentity, today: date
) -> bool:
    """Whether somebody asked this start of the run to stop: a Storage read, which costs less than a query."""
    request = ReadRequest(
        State(state_dataset).runs,
        ("event_date", "start_number"),
        "event_date",
        today - timedelta(days=LONGEST_RUN_DAYS),
        today + timedelta(days=1),
        equals=(("run_id", identity.run_id), ("event", CANCEL_ASKED)),
    )
    try:
        found = attempts.reading("runs", lambda: warehouse.read(request))
    except NotFound:
        return False
    return identity.start in found.column("start_number").to_pylist()
