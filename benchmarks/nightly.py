"""How long a night takes: `daily` for one new date, on Ray, on a warehouse that is complete to the night before.

    .venv/bin/python -m benchmarks.nightly [--nights 3] [--pool ray|serial] [--no-dashboard] [--refresh-days 0]

A simulated league of seven weeks is brought up to date first. Then each of the last nights is one command as a CronJob
runs it, from the start of its process to its end: ingest, heal, today, history. The goal is 30 s on two cores.
"""

import argparse
import subprocess
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from backcourt.clock import SystemClock
from backcourt.warehouse.emulator import LocalBigQuery
from benchmarks.jobs_seen import SeenJob, jobs_seen
from benchmarks.markdown import markdown
from benchmarks.season_data import COMMAND, environment

START, LAST = date(2023, 10, 24), date(2023, 12, 8)


def main() -> None:
    """Prepare the league, run the nights, print their seconds by phase."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=3)
    parser.add_argument("--pool", choices=("ray", "serial"), default="ray")
    parser.add_argument("--no-dashboard", action="store_true", help="Do not start Ray's dashboard.")
    parser.add_argument("--refresh-days", type=int, default=0, help="Days before it that are ingested anew.")
    given = parser.parse_args()
    clock = SystemClock()
    with TemporaryDirectory() as name, LocalBigQuery(None) as server:
        folder = Path(name)
        files = folder / "files"
        span = ["--start", f"{START}", "--end", f"{LAST}"]
        subprocess.run(
            [COMMAND, "simulate", "--to", files, "--seed", "7", *span], check=True, stdout=subprocess.DEVNULL
        )
        first = LAST - timedelta(days=given.nights)
        source = f"folder:{files}"
        before = environment(server.endpoint, folder, pool="serial", heal_days=60, source=source)
        _night(first, before)
        settings = {"pool": given.pool, "dashboard": not given.no_dashboard, "refresh_days": given.refresh_days}
        variables = environment(server.endpoint, folder, source=source, **settings)
        seen = {job.job_id for job in jobs_seen(server.endpoint)}
        rows = []
        for night in range(1, given.nights + 1):
            day = first + timedelta(days=night)
            began = clock.now().timestamp()
            _night(day, variables)
            ended = clock.now().timestamp()
            jobs = [job for job in jobs_seen(server.endpoint) if job.job_id not in seen]
            seen |= {job.job_id for job in jobs}
            rows.append((f"{day}", f"{ended - began:.1f}", *_phases(jobs, began, ended), f"{len(jobs)}"))
    print(markdown(HEADER, rows))


HEADER = ("night", "seconds", "to the first job", "prepare, plan", "Ray", "work", "record", "end", "jobs")


def _night(day: date, variables: dict[str, str]) -> None:
    subprocess.run([COMMAND, "daily", "--date", f"{day}"], check=True, env=variables, stdout=subprocess.DEVNULL)


def _phases(jobs: list[SeenJob], began: float, ended: float) -> tuple[str, ...]:
    """Seconds of each phase, read off the jobs that mark where it ends."""
    marks = [
        began,
        jobs[0].began,
        next(j.ended for j in jobs if "-prepare-" in j.job_id and "-ledger" in j.job_id),
        next(j.began for j in jobs if "-event-started-" in j.job_id),
        max(j.began for j in jobs if "-outcomes-" in j.job_id),
        max(j.ended for j in jobs),
        ended,
    ]
    return tuple(f"{after - before:.1f}" for before, after in pairwise(marks))


if __name__ == "__main__":
    main()
