"""Carries a budget that is changed while a run is alive to the permits: one thread of the driver.

On Kubernetes the budget is a mounted ConfigMap, which the kubelet renews under our feet. The file is read again and
again rather than watched, and its budget is given to the authority each time, changed or not: an authority that was
restarted meanwhile has forgotten it. A file that cannot be read or used leaves the budget as it is.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress

from ray.exceptions import GetTimeoutError

from backcourt.errors import UsageError
from backcourt.warehouse.requests import Kind
from ray_tasks.ray_errors import GONE

LOOK_SECONDS = 15.0
"""Pause between looks at the file."""


class BudgetWatch:
    """Looks from `start` to `stop`."""

    def __init__(self, read: Callable[[], Mapping[Kind, int]], apply: Callable[[Mapping[Kind, int]], None]) -> None:
        """Take both ends.

        Args:
            read: the budget as it is wished now; raises UsageError where that cannot be told.
            apply: gives it to the permits.
        """
        self._read, self._apply = read, apply
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_until_stopped, name="budget-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more; a look that is under way is awaited."""
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        """Read once and apply; what cannot be read or applied now is left to the next look."""
        with suppress(UsageError, *GONE, GetTimeoutError):
            self._apply(self._read())

    def _look_until_stopped(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self.look()
