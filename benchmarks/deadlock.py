"""The 256-worker case: the old design and backcourt, the same work, the same limits.

    .venv/bin/python -m benchmarks.deadlock [--dates 24] [--players 187] [--latency 1] [--limit 420] [--json FILE]

The work: for each date and player the average over the 31 days that end there. The local BigQuery enforces the
documented limits and lets every job take `--latency`. Each design has a server of its own and is stopped after
`--limit` seconds. Rows of the target are compared with the truth afterwards. `--json` keeps the figures and the course
of both runs, from which `benchmarks.deadlock_plot` draws.
"""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.averages.contest import Outcome, Trial
from benchmarks.averages.ground import Ground, backfill, ground
from benchmarks.averages.work import Work
from benchmarks.markdown import markdown
from benchmarks.old_design import PROCESSES, THREADS
from benchmarks.recorded import record

KINDS = ("query", "script", "commit", "load", "read")
SAMPLES_KEPT = 200
"""Samples of a run that are kept at most: enough for a picture."""
OLD, OURS = "old design", "backcourt"
CLIENTS = {OLD: f"{PROCESSES} × {THREADS} = {PROCESSES * THREADS}", OURS: "workers + driver"}
HEADER = (
    "design",
    "clients",
    "ended",
    "seconds",
    "requests",
    "refused",
    "jobs",
    "most in flight",
    "rows missing",
    "doubled or wrong",
)


def main() -> None:
    """Run both and print what the service saw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dates", type=int, default=24)
    parser.add_argument("--players", type=int, default=187)
    parser.add_argument("--latency", type=float, default=1.0, help="Seconds of every job.")
    parser.add_argument("--limit", type=float, default=420.0, help="Seconds after which a design is stopped.")
    parser.add_argument("--only", choices=(OLD, OURS), help="Run one of them.")
    parser.add_argument("--json", type=Path, help="Keep figures and course of each run in this file.")
    given = parser.parse_args()
    work = Work(given.dates, given.players)
    rows = []
    for design in (OLD, OURS) if given.only is None else (given.only,):
        with ground(work) as place:
            trial = Trial(place, _command(design, place), {}, given.limit, starts=1, reader=False)
            outcome = trial.run({"limits": {}, "latency": dict.fromkeys(KINDS, given.latency)})
        rows.append(_row(design, outcome))
        if given.json:
            record(given.json, design, _figures(outcome, given))
    print(f"{work.dates} dates × {work.players} players, {given.latency:g} s a job.\n")
    print(markdown(HEADER, rows))


def _command(design: str, place: Ground) -> list[str]:
    if design == OURS:
        return backfill(place.work)
    words = [place.endpoint.project, str(place.work.dates), str(place.work.players)]
    return [sys.executable, "-m", "benchmarks.old_design", *words]


def _figures(outcome: Outcome, given: argparse.Namespace) -> dict[str, Any]:
    work = {"dates": given.dates, "players": given.players, "latency": given.latency, "limit": given.limit}
    every = len(outcome.samples) // SAMPLES_KEPT + 1
    return work | outcome.as_json() | {"samples": [asdict(each) for each in outcome.samples[::-every][::-1]]}


def _row(design: str, outcome: Outcome) -> tuple[str, ...]:
    ended = {0: "finished", None: "stopped"}.get(outcome.codes[-1], "failed")
    figures = (outcome.requests, outcome.refused, outcome.statements, outcome.most_in_flight, outcome.missing)
    wrong = str(outcome.doubled + outcome.wrong)
    return (design, CLIENTS[design], ended, f"{outcome.seconds:.0f}", *map(str, figures), wrong)


if __name__ == "__main__":
    main()
