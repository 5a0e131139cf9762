"""What starts that died left at BigQuery: staging tables and loads, told apart from those of runs that are alive.

A staging table's name and a load's job id begin with the start that made them. A start is dead when it has recorded
its end, when a later start of the same run exists, or when it has shown no sign of life for long. Being wrong costs
work and never rows: a start that is alive stages anew.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import JobRequest, Kind, Parameter, TableRef
from backcourt.warehouse.run_events import ENDED
from backcourt.warehouse.state import State

STAGING = "staging__"


@dataclass(frozen=True, order=True)
class Start:
    """One start of a run: its last sign of life, and whether it recorded its end."""

    run_id: str
    number: int
    last_seen: datetime
    ended: bool

    @property
    def prefix(self) -> str:
        """What its job ids begin with."""
        return f"{self.run_id}-{self.number}-"

    @property
    def staging_prefix(self) -> str:
        """What its staging tables begin with."""
        return f"{STAGING}{self.prefix}".replace("-", "_")


@dataclass(frozen=True)
class Orphans:
    """What one dead start left."""

    start: Start
    staging: tuple[TableRef, ...]
    loads: tuple[str, ...]


def starts_request(names: Names, state_dataset: str, since: date, run_id: str, job_id: str) -> JobRequest:
    """The query for every start with an event on or after `since`; `starts_in` reads its rows."""
    sql = (
        "SELECT run_id, start_number, MAX(`at`) AS last_seen, LOGICAL_OR(event = @ended) AS ended\n"
        f"FROM {names.quoted(State(state_dataset).runs)}\n"
        "WHERE event_date >= @since\n"
        "GROUP BY run_id, start_number"
    )
    parameters = (Parameter("ended", "STRING", ENDED), Parameter("since", "DATE", since))
    return JobRequest(job_id, Kind.QUERY, run_id, "runs", sql=sql, parameters=parameters)


def starts_in(rows: Iterable[Mapping[str, Any]]) -> tuple[Start, ...]:
    """Rows of `starts_request`."""
    return tuple(sorted(Start(row["run_id"], row["start_number"], row["last_seen"], row["ended"]) for row in rows))


def dead_starts(
    starts: Iterable[Start], now: datetime, silent_hours: float, alive: Collection[str]
) -> tuple[Start, ...]:
    """The starts that will do nothing any more.

    Args:
        starts: all that are known.
        now: UTC.
        silent_hours: how long a start may be silent before it counts as dead.
        alive: ids of runs whose process is known to live.
    """
    known = tuple(starts)
    newest = {start.run_id: max(s.number for s in known if s.run_id == start.run_id) for start in known}
    silent_since = now - timedelta(hours=silent_hours)

    def is_dead(start: Start) -> bool:
        replaced = start.number < newest[start.run_id]
        silent = start.last_seen < silent_since and start.run_id not in alive
        return start.ended or replaced or silent

    return tuple(start for start in known if is_dead(start))


def orphans_of(
    dead: Iterable[Start], staging: Iterable[TableRef], unfinished: Iterable[str], tables: Iterable[str]
) -> tuple[Orphans, ...]:
    """What each dead start left, of the staging tables and unfinished jobs that are there.

    Ids of run `r-2` begin like those of start 2 of run `r`: the name of a table follows the start's number.

    Args:
        dead: starts that are dead.
        staging: tables of the state dataset.
        unfinished: ids of jobs pending or running.
        tables: names of the pipeline's tables, without dataset.
    """
    names, there, jobs = tuple(tables), tuple(staging), tuple(unfinished)
    found = []
    for start in dead:
        ours = tuple(f"{start.prefix}{name}-" for name in names)
        staged = tuple(f"{start.staging_prefix}{name}_" for name in names)
        left = Orphans(
            start,
            tuple(table for table in there if table.name.startswith(staged)),
            tuple(job for job in jobs if job.startswith(ours) and "load" in job.split("-")[-2:]),
        )
        if left.staging or left.loads:
            found.append(left)
    return tuple(found)
