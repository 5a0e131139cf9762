"""`backcourt breaker`: which tables keep failing and are held back from nightly runs, and letting one in again."""

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs import options

if TYPE_CHECKING:
    from backcourt.pipeline.breaker import Breaker
    from jobs.session import Session


class Action(StrEnum):
    """What to do with breakers."""

    LIST = "list"
    RESET = "reset"


Table = Annotated[str | None, typer.Argument(metavar="[TABLE]", help="With reset: the table, by its name.")]


def breaker(
    action: Annotated[Action, typer.Argument(help="list them, or reset one.")] = Action.LIST,
    table: Table = None,
    dry_run: options.DryRun = False,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """A table that failed several runs in a row is skipped by `daily`; `breaker reset TABLE` lets it in again."""
    from backcourt.errors import UsageError
    from jobs.ground import ground_of, new_run_id
    from jobs.session import find_tables, open_session
    from jobs.settings import run_settings
    from ray_tasks.breakers import read_breakers

    if (action is Action.RESET) != (table is not None):
        raise UsageError("`breaker list` takes no table and `breaker reset` one.", "Write `breaker reset TABLE`.")
    with open_session(run_settings(config)) as session:
        ground = ground_of(session, new_run_id(session, "breaker"))
        found = read_breakers(ground)
        if table is not None:
            (name,) = find_tables(session.pipeline, [table])
            told = _reset(session, ground, found, name, dry_run=dry_run)
            typer.echo(json.dumps(told) if as_json else told["told"])
            return
        rows = [_row(session, each) for _, each in sorted(found.items()) if each.failures]
        if as_json:
            typer.echo(json.dumps(rows, indent=2))
        else:
            _show(rows)


def _reset(
    session: "Session", ground: Any, found: "dict[str, Breaker]", table: str, *, dry_run: bool
) -> dict[str, str]:
    """Append a reset where there is anything to forget; what was done, in words."""
    from backcourt.pipeline.breaker import BreakerEvent, Happened
    from ray_tasks.breakers import record

    if table not in found or not found[table].failures:
        return {"table": table, "told": f"{table} has no failures to forget."}
    failures = f"{found[table].failures} failed runs in a row"
    if dry_run:
        return {"table": table, "told": f"{table} would be let in again: {failures}."}
    record(ground, [BreakerEvent(table, Happened.RESET, session.clock.now(), ground.run_id)], "reset")
    return {"table": table, "told": f"{table} is let in again after {failures}."}


def _row(session: "Session", each: "Breaker") -> dict[str, Any]:
    policy, last = session.settings.breaker_policy, each.last_failure
    phase = each.phase(session.clock.now(), policy)
    return {
        "table": each.table,
        "state": phase.value,
        "failures": each.failures,
        "last_failure": f"{last.at:%Y-%m-%d %H:%M}" if last else "",
        "tried_again": f"{last.at + policy.cool_down:%Y-%m-%d %H:%M}" if last and phase.value != "closed" else "",
        "run": last.run_id if last else "",
        "reason": last.reason if last else "",
    }


def _show(rows: list[dict[str, Any]]) -> None:
    from jobs.console import console, grid

    out = console()
    if not rows:
        out.print("No table has failed since it last went through.")
        return
    columns = ("table", "state", "failures", "last failure", "one date from", "run")
    keys = ("table", "state", "failures", "last_failure", "tried_again", "run")
    out.print(grid("Circuit breakers (times in UTC)", columns, [tuple(str(row[k]) for k in keys) for row in rows]))
    for row in rows:
        out.print(f"{row['table']}: {row['reason']}", markup=False)
