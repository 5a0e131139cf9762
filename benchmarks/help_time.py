"""How long `--help` takes: the median of five calls of every command, goal under half a second.

.venv/bin/python -m benchmarks.help_time
"""

import subprocess
from statistics import median

import psutil

from backcourt.clock import SystemClock
from benchmarks.markdown import markdown
from benchmarks.season_data import COMMAND
from jobs.cli import COMMANDS

CALLS = 5


def main() -> None:
    """Call each command's help and print the medians."""
    rows = [(name or "(all commands)", *map("{:.2f}".format, _medians(name))) for name in ("", *COMMANDS)]
    print(markdown(("backcourt … --help", "wall s", "CPU s"), rows))


def _medians(name: str) -> tuple[float, float]:
    """Median seconds of the clock and of the processor."""
    clock, walls, cpus = SystemClock(), [], []
    command = [COMMAND, *([name] if name else []), "--help"]
    for _ in range(CALLS):
        started, used = clock.monotonic(), _children_seconds()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        walls.append(clock.monotonic() - started)
        cpus.append(_children_seconds() - used)
    return median(walls), median(cpus)


def _children_seconds() -> float:
    times = psutil.Process().cpu_times()
    return float(times.children_user + times.children_system)


if __name__ == "__main__":
    main()
