"""What a season's backfill asks of BigQuery, beside the least that it could ask.

    .venv/bin/python -m benchmarks.statements

The least: one read a block, one load and one script a commit. Whatever is more is listed with its reason.
"""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from backcourt.clock import SystemClock
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.chunks import all_blocks, chunks_of
from backcourt.pipeline.plan import Plan, Request, build_plan
from backcourt.sources.folder import FolderSource
from backcourt.warehouse.emulator import LocalBigQuery
from benchmarks.jobs_seen import jobs_seen
from benchmarks.markdown import markdown
from benchmarks.processes import run_sampled
from benchmarks.season_data import AS_OF, END, START, backfill_command, environment, games, ingest_command
from nba.pipeline import PIPELINE
from tests.plain_loop import run_in_memory

CHUNK_DAYS = 31


def main() -> None:
    """Run a season and print what was counted."""
    clock = SystemClock()
    with games() as found, TemporaryDirectory() as folder, LocalBigQuery(Path(folder) / "warehouse") as server:
        variables = environment(server.endpoint, Path(folder), chunk_days=CHUNK_DAYS, dashboard=False)
        run_sampled(ingest_command(found.folder), variables, clock)
        before = {job.job_id for job in jobs_seen(server.endpoint)}
        server.control.reset()
        run_sampled(backfill_command(), variables, clock)
        counters = server.control.counters()
        ids = [job.job_id for job in jobs_seen(server.endpoint) if job.job_id not in before]
        blocks, tables = _blocks(str(found.folder))
    print(f"A backfill of {found.name}: {tables} tables, {blocks} blocks.\n")
    print(_statements(ids, counters, blocks))
    print("\n" + _bytes(counters))
    requests = sorted(counters["requests_by_method"].items(), key=lambda item: -item[1])
    print("\n" + markdown(("REST requests", "count"), requests))


def _blocks(folder: str) -> tuple[int, int]:
    """Blocks of the plan of a first backfill, and its tables."""
    schedule, calendar_of = PIPELINE.schedule, PIPELINE.calendar
    assert schedule is not None
    assert calendar_of is not None
    frames = run_in_memory(PIPELINE, FolderSource(folder), START, END, AS_OF, CHUNK_DAYS)
    calendar: Calendar = calendar_of(frames[schedule.full_name].select(PIPELINE.schedule_columns))
    tables = tuple(p.name for p in PIPELINE.processors if not p.is_raw)
    request = Request(run_id="count", tables=tables, days=calendar.between(START, END), as_of=AS_OF)
    plan: Plan = build_plan(PIPELINE, calendar, request, {})
    return len(all_blocks(PIPELINE, calendar, chunks_of(plan, CHUNK_DAYS))), len(tables)


def _statements(ids: list[str], counters: dict[str, Any], blocks: int) -> str:
    kinds = Counter(_purpose(job_id) for job_id in ids)
    sessions = counters["jobs"]["read"]
    heads = [verbs for name, verbs in counters["dml"].items() if ".head__" in name]
    commits, tables = len({_commit_of(job_id) for job_id in ids if "-commit-" in job_id}), len(heads)
    rows = [
        ("Storage reads", sessions, blocks, "two looks at the ledger around each block; one of the schedule"),
        ("commits", commits, tables, "one a table would do; a commit takes what is ready and waits for nothing"),
        ("loads of rows", kinds["load"], commits, "none: one a commit"),
        ("commit scripts", kinds["commit"], commits, "none: one a commit"),
        ("DML on published tables", sum(_dml(counters, "MERGE")), commits, "none: one MERGE in each script"),
        ("announcements of a commit", kinds["announcement"], 0, "the job id must be known before the script is sent"),
        ("preparing: state, ledger, start number", kinds["preparing"], 0, "four queries, and a seed for each new head"),
        ("started, ended, outcomes", kinds["record"], 0, "the run's own record"),
    ]
    return markdown(("statement", "run", "least", "why more"), rows)


def _purpose(job_id: str) -> str:
    """What a job is for, by its id."""
    marks = {"-commit-": "commit", "-load-": "load", "-event-commit_sent-": "announcement", "-outcomes-": "record"}
    marks |= {"-event-": "record"}
    return next((purpose for mark, purpose in marks.items() if mark in job_id), "preparing")


def _commit_of(job_id: str) -> str:
    """The commit that a script's job id belongs to, without the attempt's number."""
    return job_id.partition("-commit-")[0]


def _dml(counters: dict[str, Any], verb: str) -> list[int]:
    return [verbs.get(verb, 0) for verbs in counters["dml"].values()]


def _bytes(counters: dict[str, Any]) -> str:
    rows = [(name, f"{counters[name]:,}") for name in ("bytes_read", "bytes_loaded")]
    return markdown(("bytes", "count"), rows)


if __name__ == "__main__":
    main()
