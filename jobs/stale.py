"""`plan --stale`: partitions of another processor version or from older inputs, and what hangs on them."""

from rich.console import Console

from backcourt.pipeline.plan import Frozen
from backcourt.pipeline.stale import OLDER_INPUTS, StaleGroup, stale_groups
from jobs.console import console, print_json, spans
from jobs.ground import ground_of, new_run_id
from jobs.known_days import known_days
from jobs.options import split_names
from jobs.selection import DateSelection
from jobs.session import Session, find_tables
from ray_tasks.prepare import read_ledger


class StaleOutput(Frozen):
    """`plan --stale --json`."""

    stale: tuple[StaleGroup, ...]


def find_stale(session: Session, tables: list[str] | None, dates: DateSelection) -> tuple[StaleGroup, ...]:
    """The stale groups of the tables (all by default) and dates."""
    ground = ground_of(session, new_run_id(session, "stale"))
    names = find_tables(session.pipeline, split_names(tables)) or tuple(p.name for p in session.pipeline.processors)
    calendar = known_days(session, ground, dates)
    days, _ = dates.of(calendar)
    ledger = read_ledger(ground, calendar.dates[0], calendar.dates[-1])
    return stale_groups(session.pipeline, calendar, ledger, session.as_of, names, days)


def tell_stale(session: Session, tables: list[str] | None, dates: DateSelection, *, as_json: bool) -> int:
    """Print the stale groups and what to do; change nothing."""
    found = find_stale(session, tables, dates)
    if as_json:
        print_json(StaleOutput(stale=found))
        return 0
    raw = {p.name for p in session.pipeline.processors if p.is_raw}
    show_stale(console(), found, raw)
    return 0


def show_stale(out: Console, found: tuple[StaleGroup, ...], raw: set[str]) -> None:
    """A line a group, its readers below it, and the command that makes them again."""
    if not found:
        out.print("Every committed partition is of its processor's version, from its inputs as they are.")
        return
    for group in found:
        out.print(f"{group.table}: {len(group.days)} dates, {spans(group.days)}, {group.cause}", markup=False)
        for reader in group.downstream:
            out.print(f"  → {reader.table}: {len(reader.days)} dates, {spans(reader.days)}", markup=False)
    reached = sum(g.reached for g in found)
    out.print(f"{sum(len(g.days) for g in found)} stale partitions; {reached} partitions downstream read them.")
    made = {g.table for g in found} - raw
    if any(g.cause == OLDER_INPUTS for g in found if g.table in made):
        out.print("Older inputs: `backcourt backfill` makes them again.")
    if any(g.cause != OLDER_INPUTS for g in found if g.table in made):
        out.print("Another version: `backcourt backfill --stale` makes them again; readers only where rows change.")
    if {g.table for g in found} & raw:
        out.print("Raw tables: `backcourt ingest --recompute` with their source makes them again.")
