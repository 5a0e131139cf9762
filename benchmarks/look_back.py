"""What `plan`, `status` and `report` take on a warehouse that holds more than 10,000 partitions.

    .venv/bin/python -m benchmarks.look_back [--seasons 5]

The schedule is that of simulated seasons from 2021 to 3 January of the last, ingested: 5 of them have 918 game dates.
For every other table and date the ledger and the history are filled with rows as a run would have written them,
versions of the inputs included, without computing anything: these commands read records, not tables. Each command is
timed from the start of its process to its end, after one that is not.
"""

import argparse
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from backcourt.clock import Clock, SystemClock
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.ledger import LEDGER_COLUMNS, InputVersion, LedgerEntry, inputs_to_json
from backcourt.pipeline.outcomes import Outcome, Partition, PartitionOutcome
from backcourt.pipeline.plan import Ledger, Plan, Request, build_plan, versions_of
from backcourt.sources.simulator import tables
from backcourt.sources.simulator.playing import SeasonPlay
from backcourt.warehouse.emulator import LocalBigQuery
from backcourt.warehouse.history import append_outcomes
from backcourt.warehouse.requests import JobRequest, Kind
from backcourt.warehouse.state import State
from benchmarks.markdown import markdown
from benchmarks.processes import mebibytes, run_sampled
from benchmarks.season_data import COMMAND, environment
from jobs.ground import ground_of
from jobs.session import Session, open_session
from jobs.settings import Settings
from nba.pipeline import PIPELINE
from ray_tasks.prepare import ensure_tables, read_calendar, read_ledger

FIRST = 2021
RUN, STATE = "first-night", "nba_orchestration"
ASKED = (("plan",), ("status",), ("report", "--to", "report.html"), ("history", "--days", "30"))


def main() -> None:
    """Fill the records, then time what reads them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--seasons", type=int, default=5, choices=range(1, 61), help="The last so many; 4 for 12,000 partitions."
    )
    given = parser.parse_args()
    clock, last = SystemClock(), date(FIRST + given.seasons, 1, 3)
    as_of = last + timedelta(days=1)
    with TemporaryDirectory() as name, LocalBigQuery(None) as server:
        folder = Path(name)
        variables = environment(server.endpoint, folder, as_of=as_of, pool="serial", shares="none")
        _write_schedule(folder, last)
        ingest = ["ingest", "--source", f"folder:{folder}", "--tables", "schedule", "--yes"]
        run_sampled([COMMAND, *ingest], variables, clock)
        told = {"endpoint": server.endpoint.rest, "storage_endpoint": server.endpoint.storage, "as_of": str(as_of)}
        with open_session(Settings.model_validate(told)) as session:
            filled = _fill(session, clock, as_of)
        rows = []
        for words in (ASKED[0], *ASKED):
            command = [str(folder / word) if word.endswith(".html") else word for word in words]
            run, seconds, _ = run_sampled([COMMAND, *command], variables, clock)
            rows.append(
                (f"`backcourt {' '.join(words)}`", f"{seconds:.1f}", mebibytes(run.usage("command").peak_bytes))
            )
        size = (folder / "report.html").stat().st_size
    print(f"{filled:,} partitions of {len(PIPELINE.processors)} tables; the report has {mebibytes(size)}.\n")
    print(markdown(("command", "seconds", "peak memory"), rows[1:]))


def _write_schedule(folder: Path, last: date) -> None:
    for year in range(FIRST, last.year):
        play = SeasonPlay(7, year)
        games = tables.within(play.schedule, date.min, last)
        games += [p.game for p in play.played(date.min, last) if p.game.season_type != "regular"]
        tables.schedule(play.season, games, {}).write_parquet(folder / f"schedule_{year}.parquet")


def _fill(session: Session, clock: Clock, as_of: date) -> int:
    """Ledger and history of every partition that a plan of everything has to do; how many there are then."""
    ground = ground_of(session, RUN)
    names = tuple(p.name for p in PIPELINE.processors)
    ensure_tables(ground, names, create_datasets=True)
    calendar = read_calendar(ground)
    known = read_ledger(ground, calendar.dates[0], calendar.dates[-1])
    request = Request(run_id=RUN, tables=names, days=calendar.dates, as_of=as_of)
    ledger = _ledger_of(build_plan(PIPELINE, calendar, request, known), calendar, known)
    new = [entry for key, entry in ledger.items() if key not in known]
    now, state = clock.now(), State(STATE)
    rows = [
        {c.name: getattr(entry, c.name, None) for c in LEDGER_COLUMNS}
        | {"partition_date": entry.day, "table_name": entry.table, "committed_at": now}
        | {"input_versions": inputs_to_json(entry.inputs)}
        for entry in new
    ]
    table = pa.Table.from_pylist(rows, pa.schema([c.arrow for c in LEDGER_COLUMNS]))
    load = JobRequest(
        f"{RUN}-ledger", Kind.LOAD, RUN, "ledger", destination=state.ledger, rows=table, columns=LEDGER_COLUMNS
    )
    outcomes = [
        PartitionOutcome(Partition(e.table, e.day), Outcome.COMMITTED, row_count=e.row_count, commit_id=e.commit_id)
        for e in new
    ]
    session.warehouse.run(load)
    session.warehouse.run(append_outcomes(outcomes, RUN, 1, now, STATE, f"{RUN}-outcomes"))
    return len(ledger)


def _ledger_of(plan: Plan, calendar: Calendar, known: Ledger) -> Ledger:
    """The ledger with an entry for each date of the plan, table after table, from the versions of its inputs."""
    ledger = dict(known)
    for each in plan.tables:
        processor = PIPELINE.processor(each.table)
        versions = versions_of(PIPELINE, calendar, ledger, plan.request.as_of)
        for day in each.days:
            inputs = {}
            for i in processor.table_inputs:
                seen = versions[i.name].window(i.window.first(day, calendar), i.window.last(day))
                inputs[i.name] = InputVersion(seen.digest, seen.dates, seen.holes)
            commit = f"{RUN}-1-{each.table.rpartition('.')[2]}-{day:%Y%m}"
            ledger[each.table, day] = LedgerEntry(
                each.table, day, 1, commit, commit, RUN, "bench", processor.version, 200, 200, 200, inputs=inputs
            )
    return ledger


if __name__ == "__main__":
    main()
