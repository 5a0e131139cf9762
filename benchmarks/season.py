"""Time, memory and statements of a season's backfill of all tables, beside the same processors in a plain loop.

    .venv/bin/python -m benchmarks.season [--no-dashboard]

The goal is a run of at most 1.25 times the plain loop plus the local BigQuery's own time. That server works on one call
at a time, so that its CPU seconds are about the seconds that somebody waited for it.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from backcourt.clock import Clock, SystemClock
from backcourt.warehouse.emulator import LocalBigQuery
from benchmarks.jobs_seen import SeenJob, jobs_seen
from benchmarks.markdown import markdown
from benchmarks.processes import Sampler, Usage, mebibytes, run_sampled
from benchmarks.season_data import backfill_command, environment, games, ingest_command
from nba.pipeline import PIPELINE

CHUNK_DAYS = 31


@dataclass(frozen=True)
class Measured:
    """A backfill: what each side used, its seconds by phase, and its jobs at BigQuery by kind."""

    command: Usage
    workers: Usage
    ray: Usage
    emulator: Usage
    proxy: Usage
    seconds: float
    phases: dict[str, float]
    statements: dict[str, int]


def main() -> None:
    """Run the plain loop, then the product, and print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-dashboard", action="store_true", help="Do not start Ray's dashboard.")
    dashboard = not parser.parse_args().no_dashboard
    clock = SystemClock()
    with games() as found, TemporaryDirectory() as folder:
        plain = _plain(str(found.folder))
        measured = _backfill(found.folder, Path(folder), clock, dashboard=dashboard)
    tables = sum(not processor.is_raw for processor in PIPELINE.processors)
    print(f"A backfill of {found.name}: {plain['partitions']} partitions of {tables} tables, {plain['rows']:,} rows.\n")
    print(_table(plain, measured))
    emulator = measured.emulator.cpu_seconds
    goal = 1.25 * plain["seconds"] + emulator
    print(f"\nGoal: 1.25 × {plain['seconds']:.1f} s + {emulator:.1f} s of the local BigQuery = {goal:.1f} s.")
    _print_run(measured, goal)
    print("\n" + markdown(["phase of the run", "s"], [(name, f"{s:.1f}") for name, s in measured.phases.items()]))
    print("\n" + markdown(["jobs at BigQuery", "count"], [(k, f"{n:,}") for k, n in measured.statements.items()]))


def _print_run(run: Measured, goal: float) -> None:
    """How the run compares with the goal, and what bounds it: the processors of this machine, or waiting."""
    work = run.phases["work"]
    print(f"The run's work took {work:.1f} s, {work / goal:.2f} times that; with start and end {run.seconds:.1f} s.")
    busy = sum(u.cpu_seconds for u in (run.command, run.workers, run.ray, run.emulator, run.proxy))
    cores = psutil.cpu_count() or 1
    print(f"All sides together used {busy:.1f} s of CPU, at least {busy / cores:.1f} s on the {cores} cores here.")
    print(f"The machine's load was {psutil.getloadavg()[1]:.1f} over the last five minutes, this run included.")


def _plain(folder: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.plain_season", folder, str(CHUNK_DAYS)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(answer.stdout))


def _backfill(source: Path, folder: Path, clock: Clock, *, dashboard: bool) -> Measured:
    with LocalBigQuery(folder / "warehouse") as server:
        variables = environment(server.endpoint, folder, dashboard=dashboard, chunk_days=CHUNK_DAYS)
        run_sampled(ingest_command(source), variables, clock)
        before = {job.job_id for job in jobs_seen(server.endpoint)}
        server.control.reset()
        with Sampler(psutil.Process(), clock) as all_of_it:
            began = clock.now().timestamp()
            run, seconds, _ = run_sampled(backfill_command(), variables, clock)
            ended = clock.now().timestamp()
        reads = server.control.counters()["jobs"]["read"]
        jobs = [job for job in jobs_seen(server.endpoint) if job.job_id not in before]
    roles = (run.usage("command"), run.usage("worker"), run.usage("ray"))
    servers = (all_of_it.usage("emulator"), all_of_it.usage("proxy"))
    return Measured(*roles, *servers, seconds, _phases(jobs, began, ended), _statements(jobs, reads))


def _statements(jobs: list[SeenJob], reads: int) -> dict[str, int]:
    """Jobs by kind; `benchmarks.statements` compares them with the least that would do."""
    counts = Counter(job.kind.value for job in jobs)
    return {"storage reads": reads, **{f"{kind} jobs": counts[kind] for kind in sorted(counts)}}


def _phases(jobs: list[SeenJob], began: float, ended: float) -> dict[str, float]:
    """Seconds of each phase, read off the jobs that mark where it ends."""
    up = next(j.began for j in jobs if "-event-started-" in j.job_id)
    asked = max(j.ended for j in jobs if j.began < up)
    recorded = max(j.ended for j in jobs)
    return {
        "start of the command, what it asks": asked - began,
        "plan, start of Ray": up - asked,
        "work": recorded - up,
        "end": ended - recorded,
    }


def _table(plain: dict[str, Any], run: Measured) -> str:
    rows = [
        ("plain loop", f"{plain['seconds']:.1f}", f"{plain['cpu_seconds']:.1f}", mebibytes(plain["peak_bytes"])),
        ("backfill", f"{run.seconds:.1f}", "", ""),
    ]
    for name, usage in (
        ("– command and driver", run.command),
        (f"– {run.workers.most_processes} workers", run.workers),
        (f"– Ray's own {run.ray.most_processes} processes", run.ray),
        ("– local BigQuery: emulator", run.emulator),
        ("– local BigQuery: proxy", run.proxy),
    ):
        rows.append((name, "", f"{usage.cpu_seconds:.1f}", mebibytes(usage.peak_bytes)))
    return markdown(["", "wall s", "CPU s", "peak memory"], rows)


if __name__ == "__main__":
    main()
