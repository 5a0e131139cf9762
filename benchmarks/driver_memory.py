"""The driver's memory over ten times as many dates: it holds references and outcomes, never rows.

    .venv/bin/python -m benchmarks.driver_memory [--dates 155 1550] [--rows 200]

Each run has a process of its own. Two tables, the second with a look-back of a month; every date is computed, loaded,
committed and read again for real.
"""

import argparse
import json
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
    parser.add_argument("--dates", type=int, nargs="+", default=[155, 1550])
    parser.add_argument("--rows", type=int, default=200, help="Rows of a date.")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.alone:
        _measure(given.dates[0], given.rows)
        return
    print(markdown(HEADER, [_row(dates, given.rows) for dates in given.dates]))


HEADER = ("dates", "partitions", "rows computed", "driver before the run", "driver's peak", "grown by")


def _row(dates: int, rows: int) -> tuple[str, ...]:
    command = [sys.executable, "-m", "benchmarks.driver_memory", "--alone", "--dates", str(dates), "--rows", str(rows)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    told = json.loads(answer.stdout.splitlines()[-1])
    computed, before, peak = told["partitions"] * rows, told["before"], told["peak"]
    return f"{dates:,}", f"{told['partitions']:,}", f"{computed:,}", *map(mebibytes, (before, peak, peak - before))


def _measure(dates: int, rows: int) -> None:
    """One run in this process, which is the driver."""
    clock = SystemClock()
    size = Size(tables=1, dates=dates, rows=rows, chunk_days=31, workers=2, budget=8, levels=2)
    with LocalBigQuery(None) as server:
        run = prepare(size, server.endpoint, clock)
        before = psutil.Process().memory_info().rss
        with Sampler(psutil.Process(), clock) as sampler:
            report = run.go()
    assert report.exit_code == 0, f"the run ended with {report.exit_code}"
    peak = sampler.usage("command").peak_bytes
    print(json.dumps({"partitions": len(report.outcomes), "before": before, "peak": peak}))


if __name__ == "__main__":
    main()
