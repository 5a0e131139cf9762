"""SIGINT and SIGTERM: the first asks the run to stop cleanly, a second SIGINT ends the process at once."""

import os
import signal
from types import FrameType


class StopSignals:
    """Remembers the first signal; a StopRequest for the driver."""

    def __init__(self) -> None:
        """Take over both signals of this process."""
        self._code = 0
        signal.signal(signal.SIGINT, self._received)
        signal.signal(signal.SIGTERM, self._received)

    @property
    def exit_code(self) -> int:
        """0, or 130 and 143 after SIGINT and SIGTERM."""
        return self._code

    def _received(self, number: int, _frame: FrameType | None) -> None:
        if self._code and number == signal.SIGINT:
            os._exit(130)
        self._code = self._code or 128 + number
