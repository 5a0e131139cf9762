"""How full the budget is kept when every job takes one second: jobs in flight against a budget of 16 of each kind.

    .venv/bin/python -m benchmarks.in_flight [--latency 1] [--budget 16] [--tables 72] [--dates 60] [--spare 8]

The proxy in front of the local BigQuery answers every load, query and commit itself, after the given latency, so that
only the engine is measured. Many small tables: a table has one commit at a time. Each commit takes one load and one
script, so that the two kinds are needed equally; one query announces the job ids of many. With `--spare` loads and
queries have more permits than commits, so that it is commits that bound the run, and nothing but the engine keeps them
from being full. There are half as many workers as commits may be in flight: each stages up to four batches at once.

Counted from the first job of a kind to its last, the start of the workers and the end included, and once more for the
middle half of that time.
"""

import argparse

from backcourt.clock import SystemClock
from backcourt.warehouse.emulator import LocalBigQuery
from benchmarks.jobs_seen import SeenJob, average_in_flight, jobs_seen
from benchmarks.markdown import markdown
from benchmarks.synthetic import Size, prepare

KINDS = {"loads": "-load-", "announcements": "-event-commit_sent-", "commits": "-commit-"}
"""What each kind's job ids hold."""


def main() -> None:
    """Run it and print the averages."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=1.0, help="Seconds of every job.")
    parser.add_argument("--budget", type=int, default=16, help="Jobs of each kind in flight.")
    parser.add_argument("--tables", type=int, default=72)
    parser.add_argument("--dates", type=int, default=60)
    parser.add_argument("--spare", type=int, default=0, help="Permits that loads and queries have more.")
    given = parser.parse_args()
    workers, computing = max(1, given.budget // 2), 0.1 * given.latency
    size = Size(given.tables, given.dates, 5, 1, workers, given.budget, seconds_a_date=computing, spare=given.spare)
    clock = SystemClock()
    with LocalBigQuery(None) as server:
        run = prepare(size, server.endpoint, clock)
        latency = dict.fromkeys(("load", "query", "script", "commit"), given.latency)
        server.control.change(stub=True, latency=latency)
        report = run.go()
        jobs = jobs_seen(server.endpoint)
    assert report.exit_code == 0, f"the run ended with {report.exit_code}"
    print(f"{size.tables} tables × {size.dates} dates, {size.workers} workers, {given.latency:g} s a job.\n")
    print(markdown(HEADER, [_row(name, mark, jobs, size) for name, mark in KINDS.items()]))


HEADER = ("kind", "jobs", "seconds", "most in flight", "average in flight", "of the budget", "middle half")


def _row(name: str, mark: str, jobs: list[SeenJob], size: Size) -> tuple[str, ...]:
    budget = size.budget if name == "commits" else size.budget + size.spare
    chosen = [job for job in jobs if mark in job.job_id]
    average, most, seconds = average_in_flight(chosen)
    middle = _middle_average(chosen)
    return (
        name,
        str(len(chosen)),
        f"{seconds:.1f}",
        str(most),
        f"{average:.1f}",
        f"{average / budget:.2f}",
        f"{middle / budget:.2f}",
    )


def _middle_average(jobs: list[SeenJob]) -> float:
    """Average in flight without the first and the last quarter of the time."""
    first, last = min(j.began for j in jobs), max(j.ended for j in jobs)
    start, end = first + (last - first) / 4, last - (last - first) / 4
    return sum(max(0.0, min(j.ended, end) - max(j.began, start)) for j in jobs) / (end - start)


if __name__ == "__main__":
    main()
