"""Ten times as many dates: ten times as long at most, and a driver that holds references and outcomes, never rows.

    .venv/bin/python -m benchmarks.driver_memory [--dates 918 9180] [--rows 50] [--tables 1]

Each run has a process of its own. Of each pair of tables the second has a look-back of a month; every date is computed,
loaded, committed and read again for real.
"""

import argparse
import json
import os
import subprocess
import sys

import psutil

from backcourt.clock import SystemClock
from backcourt.warehouse.emulator import LocalBigQuery
from benchmarks.markdown import markdown
from benchmarks.processes import Sampler, mebibytes
from benchmarks.synthetic import Size, prepare


def main() -> None:
    """Run each number of dates in a process of its own and print the peaks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dates", type=int, nargs="+", default=[918, 9180])
    parser.add_argument("--rows", type=int, default=50, help="Rows of a date.")
    parser.add_argument("--tables", type=int, default=1, help="Pairs of tables.")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        _measure(given.dates[0], given.rows, given.tables)
        return
    print(markdown(HEADER, [_row(dates, given.rows, given.tables) for dates in given.dates]))


HEADER = (
    *("dates", "partitions", "rows computed", "seconds", "partitions a second", "of which the emulator's CPU"),
    *("driver before the run", "driver's peak", "grown by"),
)


def _row(dates: int, rows: int, tables: int) -> tuple[str, ...]:
    alone = [sys.executable, "-m", "benchmarks.driver_memory", "--alone", "--dates", str(dates)]
    command = [*alone, "--rows", str(rows), "--tables", str(tables)]
    # As in the image and as the command sets it, unless told otherwise.
    environment = {"MALLOC_ARENA_MAX": "2", "ARROW_DEFAULT_MEMORY_POOL": "system", **os.environ}
    answer = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    told = json.loads(answer.stdout.splitlines()[-1])
    done, before, peak = told["partitions"], told["before"], told["peak"]
    return (
        *(f"{dates:,}", f"{done:,}", f"{done * rows:,}", f"{told['seconds']:.0f}", f"{done / told['seconds']:.0f}"),
        f"{told['emulator']:.0f}",
        *map(mebibytes, (before, peak, peak - before)),
    )


def _measure(dates: int, rows: int, tables: int) -> None:
    """One run in this process, which is the driver."""
    clock = SystemClock()
    size = Size(tables=tables, dates=dates, rows=rows, chunk_days=31, workers=2, budget=8, levels=2)
    with LocalBigQuery(None) as server:
        run = prepare(size, server.endpoint, clock)
        before = psutil.Process().memory_info().rss
        with Sampler(psutil.Process(), clock) as sampler:
            report = run.go()
    assert report.exit_code == 0, f"the run ended with {report.exit_code}"
    told = {"partitions": len(report.outcomes), "seconds": report.seconds, "before": before}
    used = {role: sampler.usage(role) for role in ("command", "emulator")}
    print(json.dumps(told | {"peak": used["command"].peak_bytes, "emulator": used["emulator"].cpu_seconds}))


if __name__ == "__main__":
    main()
