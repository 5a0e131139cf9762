"""The 256-worker case: the old design and backcourt, the same work, the same limits.

    .venv/bin/python -m benchmarks.deadlock [--dates 24] [--players 64] [--latency 1] [--seconds 600]

The work: for each date and player the average over the 31 days that end there. The local BigQuery enforces the
documented limits and lets every query take `--latency`. The old design (benchmarks/old_design.py) is stopped after
`--seconds`. Rows that are there twice, and dates that lack a player, are counted in the table afterwards.
"""

import argparse
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

from google.cloud import bigquery

from backcourt.clock import SystemClock
from backcourt.warehouse.emulator import LocalBigQuery
from benchmarks.markdown import markdown
from benchmarks.old_design import PROCESSES, THREADS, client
from benchmarks.synthetic import Size, prepare

BUDGET, WORKERS = 16, 2
HEADER = (
    "design",
    "clients",
    "seconds",
    "ended",
    "dates done",
    "requests",
    "refused",
    "queries at once",
    "wrong dates",
)


def main() -> None:
    """Run both and print what the service saw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dates", type=int, default=24)
    parser.add_argument("--players", type=int, default=64)
    parser.add_argument("--latency", type=float, default=1.0, help="Seconds of every query.")
    parser.add_argument("--seconds", type=float, default=600.0, help="When the old design is stopped.")
    given = parser.parse_args()
    with LocalBigQuery(None) as server:
        size = Size(1, given.dates, given.players, 31, WORKERS, BUDGET)
        assert prepare(size, server.endpoint, SystemClock(), "source").go().exit_code == 0
        server.control.change(limits={}, latency=dict.fromkeys(("query", "load", "commit", "read"), given.latency))
        rows = [_old(server, given), _ours(server, given)]
    print(f"{given.dates} dates × {given.players} players, {given.latency:g} s a query.\n")
    print(markdown(HEADER, rows))


def _old(server: LocalBigQuery, given: argparse.Namespace) -> tuple[str, ...]:
    endpoint, clock = server.endpoint, SystemClock()
    _ask(server, "CREATE TABLE bench.old_features (day DATE, key INT64, average FLOAT64) PARTITION BY day")
    server.control.reset()
    words = [endpoint.rest, endpoint.project, str(given.dates), str(given.players)]
    began, ended, told = clock.monotonic(), "finished", ""
    command = [sys.executable, "-m", "benchmarks.old_design", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        told, _ = process.communicate(timeout=given.seconds)
    except subprocess.TimeoutExpired:
        ended = "stopped"
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        told, _ = process.communicate()
    seconds = clock.monotonic() - began
    done = sum(line.startswith("done") for line in told.splitlines())
    clients = f"{PROCESSES} × {THREADS} = {PROCESSES * THREADS}"
    return ("old", clients, f"{seconds:.0f}", ended, str(done), *_seen(server), _wrong(server, "old_features", given))


def _ours(server: LocalBigQuery, given: argparse.Namespace) -> tuple[str, ...]:
    clock = SystemClock()
    size = Size(1, given.dates, given.players, 31, WORKERS, BUDGET, levels=2)
    run = prepare(size, server.endpoint, clock, "ours")
    server.control.reset()
    began = clock.monotonic()
    report = run.go()
    seconds = clock.monotonic() - began
    done = sum(outcome.outcome.value == "committed" for outcome in report.outcomes)
    clients = f"{WORKERS} + driver"
    wrong = _wrong(server, "level1_0", given)
    return ("backcourt", clients, f"{seconds:.0f}", "finished", str(done), *_seen(server), wrong)


def _seen(server: LocalBigQuery) -> tuple[str, ...]:
    counters: dict[str, Any] = server.control.counters()
    requests = counters["requests"]
    return str(requests), str(sum(counters["rejections"].values())), str(counters["max_in_flight"].get("query", 0))


def _wrong(server: LocalBigQuery, table: str, given: argparse.Namespace) -> str:
    """Dates without exactly one row a player."""
    server.control.change(limits=None, latency={})
    counted = f"SELECT day FROM bench.{table} GROUP BY day HAVING COUNT(*) = {given.players}"
    right = len(_ask(server, f"{counted} AND COUNT(DISTINCT key) = {given.players}"))
    server.control.change(limits={}, latency=dict.fromkeys(("query", "load", "commit", "read"), given.latency))
    return str(given.dates - right)


def _ask(server: LocalBigQuery, statement: str) -> list[bigquery.Row]:
    return list(client(server.endpoint.rest, server.endpoint.project).query(statement).result())


if __name__ == "__main__":
    main()
