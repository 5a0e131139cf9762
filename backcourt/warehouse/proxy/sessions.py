"""Read sessions that are forgotten in the end, in the emulator's process.

bqemulator 1.4 holds the rows of every read session until it ends itself. BigQuery's sessions expire by time; here the
oldest goes when there are more than clients can have open at once.
"""

from typing import Any

from bqemulator.streaming import read_session

MOST_SESSIONS = 200
"""Many times what a run has open by default; with a read budget near that, an open session could be let go."""


class Newest(dict[str, Any]):
    """A dictionary of the newest `most` entries."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def __setitem__(self, name: str, value: Any) -> None:
        """Enter a value; the oldest leaves if there are too many."""
        super().__setitem__(name, value)
        while len(self) > self._most:
            del self[next(iter(self))]


def install() -> None:
    """Let the emulator hold the newest sessions only."""
    read_session._SESSIONS = Newest(MOST_SESSIONS)
