"""Every table of the NBA pipeline over 918 game dates, and what an operator's commands take on a warehouse so full.

    .venv/bin/python -m benchmarks.scale [--start DATE] [--end DATE] [--games 2] [--chunk-days 31] [--keep FOLDER]

Simulated seasons (seed 7) from October 2021 to January 2026, or between other dates, are ingested and computed for real
against the local BigQuery; then `plan`, `status` and `report` are timed from the start of their process to its end.
With --games every date keeps only its first so many games: for ten times the dates (--end 2064-12-04), since the local
BigQuery is what takes the time. It keeps no past of its tables here, which would cost a copy a load, and holds them in
memory: on a disk it would write down each job that it remembers. With --keep the warehouse is in that folder and stays
there, and a second call finds it there and only times the commands.
"""

import argparse
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from backcourt.clock import Clock, SystemClock
from backcourt.warehouse.emulator import LocalBigQuery
from benchmarks.few_games import keep_games
from benchmarks.markdown import markdown
from benchmarks.processes import Sampler, mebibytes, run_sampled
from benchmarks.season_data import COMMAND, environment

ROLES = ("command", "worker", "ray", "emulator", "proxy")
OPERATORS = (("plan", "--json"), ("status",), ("report", "--to", "report.html"))


@dataclass(frozen=True)
class Bench:
    """A server, the variables that point commands at it, and the folder of the league's files."""

    server: LocalBigQuery
    variables: dict[str, str]
    files: Path
    clock: Clock


def main() -> None:
    """Ingest and compute, unless it is done; then time what operators ask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", default="2021-10-19", help="First date of the league.")
    parser.add_argument("--end", type=date.fromisoformat, default=date(2026, 1, 3), help="Last date of the league.")
    parser.add_argument("--games", type=int, help="Games of a date, at most.")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--chunk-days", type=int, default=31, help="As the setting: 366 for a season in one commit.")
    parser.add_argument("--keep", type=Path, help="Keep the warehouse there.")
    given = parser.parse_args()
    clock = SystemClock()
    at = given.keep and given.keep / "warehouse"
    with _folder(given.keep) as folder, LocalBigQuery(at, time_travel=False) as server:
        told = {"workers": given.workers, "chunk_days": given.chunk_days, "as_of": given.end + timedelta(days=1)}
        variables = environment(server.endpoint, folder, **told)
        bench = Bench(server, variables, folder / "league", clock)
        if not bench.files.exists():
            words = ["--to", str(bench.files), "--seed", "7", "--start", given.start, "--end", str(given.end)]
            subprocess.run([COMMAND, "simulate", *words], check=True, stdout=subprocess.DEVNULL)
            if given.games:
                keep_games(bench.files, given.games)
            print(markdown(HEADER, [_measured(bench, command) for command in ("ingest", "backfill")]), flush=True)
        print("\n" + markdown(("command", "seconds", "peak memory"), [_asked(bench, folder, w) for w in OPERATORS]))


HEADER = (
    *("", "partitions", "rows", "seconds", "partitions a second"),
    *("queries", "loads", "commits", "reads", "bytes read"),
    *(f"{role}: CPU s, peak" for role in ROLES),
    "object store's peak",
)


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.absolute()
        return
    with TemporaryDirectory() as name:
        yield Path(name)


def _measured(bench: Bench, command: str) -> tuple[str, ...]:
    """Run `ingest` or `backfill` to its end; one row of figures."""
    source = ["--source", f"folder:{bench.files}"] if command == "ingest" else []
    bench.server.control.reset()
    with Sampler(psutil.Process(), bench.clock) as all_of_it:
        run, seconds, output = run_sampled([COMMAND, command, *source, "--yes", "--json"], bench.variables, bench.clock)
    told = json.loads(output)["partitions"]
    counters = bench.server.control.counters()
    servers = ("emulator", "proxy")
    usages = [(all_of_it if role in servers else run).usage(role) for role in ROLES]
    return (
        command,
        f"{len(told):,}",
        f"{sum(p['rows'] for p in told):,}",
        f"{seconds:.0f}",
        f"{len(told) / seconds:.0f}",
        *(f"{counters['jobs'][kind]:,}" for kind in ("query", "load", "commit", "read")),
        mebibytes(counters["bytes_read"]),
        *(f"{usage.cpu_seconds:.0f}, {mebibytes(usage.peak_bytes)}" for usage in usages),
        mebibytes(run.object_store_bytes),
    )


def _asked(bench: Bench, folder: Path, words: tuple[str, ...]) -> tuple[str, ...]:
    command = [str(folder / word) if word.endswith(".html") else word for word in words]
    run, seconds, _ = run_sampled([COMMAND, *command], bench.variables, bench.clock)
    return f"`backcourt {' '.join(words)}`", f"{seconds:.1f}", mebibytes(run.usage("command").peak_bytes)


if __name__ == "__main__":
    main()
