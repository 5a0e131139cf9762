"""Turns of asking one service, over all processes of a machine: one request at a time, and a rest after each.

Every worker of the pool reads its own blocks, so a pause inside one process would be no pause at all. The workers
share a file: whoever holds its lock has the turn, and its content says when the next request may be sent.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from backcourt.clock import Clock
from backcourt.sources.errors import SourceUnavailable

LOOK_SECONDS = 0.25
"""Pause between looks at a turn that another process has."""


@dataclass
class Turn:
    """The right to send one request; `rest` is how many seconds nobody sends another one afterwards."""

    rest: float


class Pace:
    """Gives out turns. `longest_rest` bounds a rest, `patience` the waiting for the others, both in seconds."""

    def __init__(self, file: Path, clock: Clock, longest_rest: float = 300.0, patience: float = 3600.0) -> None:
        self._file, self._clock = file, clock
        self._longest_rest, self._patience = longest_rest, patience

    @contextmanager
    def turn(self, rest: float) -> Iterator[Turn]:
        """Wait for the turn and for the end of the last one's rest; the caller may lengthen its own.

        Raises:
            SourceUnavailable: the others did not let go of it in time.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a+", encoding="utf-8") as handle:
            self._take(handle)
            self._clock.sleep(self._rest_left(handle))
            turn = Turn(rest)
            try:
                yield turn
            finally:
                self._write(handle, self._clock.now().timestamp() + turn.rest)

    def _take(self, handle: IO[str]) -> None:
        """Lock the file; a process that dies lets go of it by itself."""
        deadline = self._clock.monotonic() + self._patience
        while True:
            try:
                return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._clock.monotonic() >= deadline:
                    raise SourceUnavailable(
                        f"No turn came up in {self._patience:g} s: another process holds {self._file}.",
                        "End that process, or give this one a cache folder of its own.",
                    ) from None
                self._clock.sleep(LOOK_SECONDS)

    def _rest_left(self, handle: IO[str]) -> float:
        """Seconds until the next request may be sent; bounded, since the machine's clock may have been set."""
        handle.seek(0)
        try:
            left = float(handle.read() or 0.0) - self._clock.now().timestamp()
        except ValueError:
            return self._longest_rest
        return min(max(left, 0.0), self._longest_rest)

    @staticmethod
    def _write(handle: IO[str], instant: float) -> None:
        handle.seek(0)
        handle.truncate()
        handle.write(repr(instant))
        handle.flush()
