"""A process that takes turns: a module of its own, so that starting one imports next to nothing."""

from pathlib import Path

from backcourt.clock import SystemClock
from backcourt.sources.pace import Pace


def take_turns(folder: str, log: str) -> None:
    """Five turns; in each, an opening and a closing parenthesis are written one after the other."""
    pace = Pace(Path(folder) / "pace", SystemClock())
    for _ in range(5):
        with pace.turn(0.0), Path(log).open("a") as file:
            file.write("(")
            file.flush()
            file.write(")")
