"""`status --why TABLE DATE`: reads what an explanation needs and prints it step by step."""

from datetime import timedelta

from rich.console import Console
from rich.text import Text

from backcourt.pipeline.barriers import barriers
from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.processor import Pipeline
from backcourt.pipeline.records import latest
from backcourt.pipeline.why import Grounds, Why, explain
from backcourt.warehouse.history_reads import OutcomeFilter
from jobs.console import console, print_json
from jobs.ground import ground_of, new_run_id
from jobs.known_days import known_days
from jobs.options import parse_date
from jobs.selection import DateSelection
from jobs.session import Session, find_tables
from ray_tasks.breakers import read_breakers
from ray_tasks.holds import read_holds
from ray_tasks.lookback import read_outcomes
from ray_tasks.prepare import read_ledger

HISTORY_DAYS = 400
"""How far back the last outcome of a partition is looked for, in days."""


def tell_why(session: Session, table: str, day_text: str, *, as_json: bool) -> int:
    """Explain one partition on standard output.

    Raises:
        UsageError: an unknown table, a text that is no date, or no schedule.
    """
    (name,) = find_tables(session.pipeline, [table])
    partition = Partition(name, parse_date(day_text, "--why"))
    found = why(session, partition)
    if as_json:
        print_json(found)
    else:
        show_why(console(), found)
    return 0


def why(session: Session, partition: Partition) -> Why:
    """The explanation of one partition, from calendar, ledger and history."""
    ground = ground_of(session, new_run_id(session, "why"))
    calendar = known_days(session, ground, DateSelection(named=(partition.day,)))
    ledger = read_ledger(ground, calendar.dates[0], calendar.dates[-1])
    since = session.clock.now().date() - timedelta(days=HISTORY_DAYS)
    tables = upstream(session.pipeline, partition.table)
    records = read_outcomes(ground, OutcomeFilter(since, tables, newest=True))
    policy, now = session.settings.breaker_policy, session.clock.now()
    kept_off = barriers(read_holds(ground), read_breakers(ground), policy, now)
    return explain(Grounds(session.pipeline, calendar, ledger, session.as_of, latest(records), kept_off), partition)


def upstream(pipeline: Pipeline, table: str) -> tuple[str, ...]:
    """The table and everything that it is made from, directly or not."""
    found = [table]
    for name in found:
        inputs = [i.name for i in pipeline.processor(name).inputs]
        found += [i for i in inputs if i in pipeline and i not in found]
    return tuple(found)


SIGNS = {True: ("✓", "green"), False: ("✗", "red"), None: ("·", "dim")}


def show_why(out: Console, found: Why) -> None:
    """The verdict, the steps that lead to it, and what to do."""
    out.print(Text(f"{found.table} {found.day}: {found.verdict}", style="bold"))
    for number, step in enumerate(found.steps, start=1):
        sign, style = SIGNS[step.ok]
        line = Text(f"{number:>3} ")
        line.append(sign, style=style)
        line.append(f" {step.name}: {step.text}")
        out.print(line)
    if found.remedy:
        out.print(Text(f"What to do: {found.remedy}"))
