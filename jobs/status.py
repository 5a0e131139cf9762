"""`backcourt status`: what is committed, missing, blocked and stale, and the run that is alive."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs import options

if TYPE_CHECKING:
    from rich.console import Console

    from backcourt.pipeline.plan import TablePlan
    from backcourt.pipeline.records import RunRecord
    from backcourt.warehouse.history_reads import LastOutcome
    from jobs.session import Session
    from jobs.sharing import ShareStatus

Why = Annotated[
    tuple[str, str] | None,
    typer.Option("--why", metavar="TABLE DATE", help="Tell step by step why this partition is not there."),
]
RepositoryVersion = Annotated[
    str | None, typer.Option("--repository-version", help="The version that ought to run; told where it is another.")
]
WIDE = 140
"""Columns of a screen that has room for the tables' datasets and last runs."""
LAST_RUN_DAYS = 30
"""How far back it looks for the last run that has ended."""
HISTORY_DAYS = 365
"""How far back `status` looks for the last outcome of a partition."""


@dataclass(frozen=True)
class TableStatus:
    """One table: partitions of the calendar by their state. `last_run` is the newest run that touched it.

    `other_version` counts partitions, done or stale, that another version of the processor made.
    """

    table: str
    done: int
    missing: int
    stale: int
    blocked: int
    failed: int
    bootstrap: int
    not_due: int
    last_run: str
    last_run_at: str
    blocked_dates: tuple[date, ...]
    other_version: int = 0


@dataclass(frozen=True)
class LastRun:
    """A run that has ended; bytes of its queries and commits, planned at most and billed, where they were recorded."""

    run_id: str
    ended_at: str
    exit_code: int | None
    planned_bytes: int | None
    billed_bytes: int | None

    @classmethod
    def of(cls, runs: Iterable["RunRecord"]) -> "LastRun | None":
        """The one that ended last."""
        ended = [(run.ended_at, run) for run in runs if run.ended_at]
        if not ended:
            return None
        at, run = max(ended, key=lambda pair: pair[0])
        return cls(run.run_id, f"{at:%Y-%m-%d %H:%M}", run.exit_code, run.planned_bytes, run.billed_bytes)

    def __str__(self) -> str:
        from jobs.console import bytes_text

        billed = f"; it billed {bytes_text(self.billed_bytes)}" if self.billed_bytes else ""
        planned = f", its plan said at most {bytes_text(self.planned_bytes)}" if billed and self.planned_bytes else ""
        return f"Last run: {self.run_id} ended at {self.ended_at} with {self.exit_code}{billed}{planned}."


@dataclass(frozen=True)
class Found:
    """What `status` read: the tables, what is to be said of the code that runs here, the last run that has ended."""

    tables: tuple[TableStatus, ...]
    code_version: str
    drift: tuple[str, ...]
    last_run: LastRun | None


def status(
    tables: options.Tables = None,
    start: options.Start = None,
    end: options.End = None,
    why: Why = None,
    repository_version: RepositoryVersion = None,
    as_of: options.AsOf = None,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Per table: done, missing, stale, blocked, last run; and progress and permits of runs that are alive."""
    from jobs.console import console
    from jobs.selection import select_dates
    from jobs.session import open_session
    from jobs.settings import run_settings
    from jobs.sharing import read_shares
    from jobs.why import tell_why

    settings = run_settings(config, as_of=as_of)
    dates = select_dates(start, end, None, None)
    with open_session(settings) as session:
        if why:
            raise typer.Exit(tell_why(session, *why, as_json=as_json))
        found = _look(session, tables, dates, repository_version or settings.repository_version)
        shares, unknown = read_shares(settings, session.clock)
    runs = live_runs(settings.run_folder)
    if unknown:
        typer.echo(f"backcourt: {unknown}", err=True)
    if as_json:
        told = {**asdict(found), "runs": runs, "shares": [asdict(share) for share in shares]}
        typer.echo(json.dumps(told, default=str, indent=2))
        return
    out = console()
    _show_tables(out, found.tables)
    for sentence in found.drift:
        out.print(sentence, markup=False)
    if found.last_run and found.last_run.billed_bytes:
        out.print(str(found.last_run), markup=False)
    if shares:
        _show_shares(out, shares)
    for run in runs:
        _show_run(out, run)


def live_runs(folder: Path) -> list[dict[str, Any]]:
    """The state of every run on this machine whose process is alive, as its live file tells."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            os.kill(int(state["pid"]), 0)
        except (OSError, ValueError, KeyError):
            continue
        found.append(state)
    return found


def _look(session: "Session", tables: list[str] | None, dates: Any, wanted_version: str) -> Found:
    from backcourt.pipeline.drift import drift_sentences
    from backcourt.pipeline.plan import Request, build_plan
    from backcourt.warehouse.history_reads import last_outcomes_in, last_outcomes_request
    from jobs.ground import ground_of, new_run_id
    from jobs.known_days import known_days
    from jobs.options import split_names
    from jobs.session import find_tables
    from jobs.version import code_version
    from ray_tasks.lookback import read_code_versions, read_runs
    from ray_tasks.prepare import own_rows, read_ledger

    ground = ground_of(session, new_run_id(session, "status"))
    names = find_tables(session.pipeline, split_names(tables)) or tuple(p.name for p in session.pipeline.processors)
    calendar = known_days(session, ground, dates)
    days, _ = dates.of(calendar)
    ledger = read_ledger(ground, calendar.dates[0], calendar.dates[-1])
    request = Request(run_id=ground.run_id, tables=names, days=days, as_of=session.as_of)
    plan = build_plan(session.pipeline, calendar, request, ledger)
    since = session.as_of - timedelta(days=HISTORY_DAYS)
    query = last_outcomes_request(
        session.warehouse.names, session.state_dataset, names, since, ground.run_id, ground.job_id("outcomes")
    )
    last = last_outcomes_in(own_rows(ground, query))
    versions = {p.name: p.version for p in session.pipeline.processors}
    asked = set(days)
    other = Counter(
        table for (table, day), e in ledger.items() if day in asked and e.processor_version != versions[table]
    )
    found = [_table_status(t, [o for o in last if o.table == t.table], other[t.table]) for t in plan.tables]
    drift = drift_sentences(code_version(), read_code_versions(ground), wanted_version)
    ended = LastRun.of(read_runs(ground, session.as_of - timedelta(days=LAST_RUN_DAYS)))
    return Found(tuple(found), code_version(), drift, ended)


def _table_status(table: "TablePlan", last: Sequence["LastOutcome"], other_version: int) -> TableStatus:
    ended = {o.day: o.outcome for o in last}
    missing = [p.day for p in table.to_do if p.reason == "missing"]
    counts = Counter(ended.get(day, "") for day in missing)
    stale = sum(p.reason == "stale" for p in table.to_do)
    newest = max(last, key=lambda o: o.recorded_at, default=None)
    return TableStatus(
        table.table,
        # What is planned only because an input of it is missing or stale is there, from its inputs as they are.
        table.done + len(table.to_do) - len(missing) - stale,
        len(missing) - counts["blocked"] - counts["failed"],
        stale,
        counts["blocked"],
        counts["failed"],
        table.bootstrap,
        table.not_due,
        newest.run_id if newest else "",
        f"{newest.recorded_at:%Y-%m-%d %H:%M}" if newest else "",
        tuple(day for day in missing if ended.get(day) == "blocked"),
        other_version,
    )


def _show_tables(out: "Console", found: Sequence[TableStatus]) -> None:
    from jobs.console import grid

    is_wide = out.width >= WIDE
    columns = ("table", "done", "missing", "stale", "blocked", "failed")
    behind = ("bootstrap", "not due", "last run") if is_wide else ()
    rows = [
        (
            t.table if is_wide else t.table.rpartition(".")[2],
            *map(str, (t.done, t.missing, t.stale, t.blocked, t.failed)),
            *(
                (str(t.bootstrap), str(t.not_due), f"{t.last_run} {t.last_run_at}".strip() or "never")
                if is_wide
                else ()
            ),
        )
        for t in found
    ]
    out.print(grid("Partitions", (*columns, *behind), rows))
    for t in found:
        if t.blocked_dates:
            shown = ", ".join(map(str, t.blocked_dates[:10]))
            more = f" and {len(t.blocked_dates) - 10} more" if len(t.blocked_dates) > 10 else ""
            out.print(f"blocked: {t.table}: {shown}{more}")
    for t in found:
        if t.other_version:
            out.print(f"{t.other_version} dates of {t.table} were made by another version: `backcourt plan --stale`.")


def _show_shares(out: "Console", shares: Sequence["ShareStatus"]) -> None:
    """What every run that shares the budget has of it."""
    from jobs.console import grid

    kinds = tuple(dict.fromkeys(kind for share in shares for kind in share.permits))
    rows = [
        (
            share.run,
            share.priority,
            *(str(share.permits.get(kind, 0)) for kind in kinds),
            "ended; its jobs are awaited" if share.left else f"renewed {share.renewed_at} UTC",
        )
        for share in shares
    ]
    out.print(grid("Shares of the budget", ("run", "priority", *kinds, ""), rows))


def _show_run(out: "Console", run: dict[str, Any]) -> None:
    """A run that is alive: how far, what it does, its permits, and how their limits went."""
    from jobs.budget_words import limit_curve, parked_until

    at = datetime.fromisoformat(run["at"])
    done = {table: sum(counts.values()) for table, counts in run["counts"].items()}
    out.print(
        f"\nRun {run['run_id']} (process {run['pid']}), {sum(done.values())} partitions done, {run['open_count']} to go"
    )
    out.print("  " + ("; ".join(run["running"]) or "nothing runs"), markup=False)
    for kind in run["kinds"]:
        signal = kind["seconds_since_signal"]
        said = f", last quota signal {signal:.0f} s ago" if signal is not None else ""
        if kind.get("share") is not None:
            said = f", share {kind['share']}{' (lapsed)' if kind['lapsed'] else ''}{said}"
        rest = parked_until(kind["parked_seconds"], at)
        said += f", {rest}" if rest else ""
        out.print(
            f"  {kind['kind']}: {kind['held']} held, {kind['orphaned']} orphaned of {kind['limit']} "
            f"(setting {kind['setting']}), {kind['waiting']} waiting{said}"
        )
        if curve := limit_curve(run["budget"].get(kind["kind"], ()), kind["setting"]):
            out.print(f"    {curve}", markup=False)
        for holder in kind["holders"]:
            out.print(f"    held by {holder}", markup=False)
        for waiter in kind["waiters"][:10]:
            out.print(f"    awaited by {waiter}", markup=False)
