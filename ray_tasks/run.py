"""One start of a run, from its number to its record."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from itertools import islice
from math import ceil

from backcourt.clock import Clock
from backcourt.errors import BackcourtError, LimitReached, QuotaSignal, Retryable
from backcourt.pipeline.board import Board
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.coverage import Thresholds
from backcourt.pipeline.estimate import Estimate
from backcourt.pipeline.outcomes import Partition, PartitionOutcome, exit_code
from backcourt.pipeline.plan import Plan, Seen
from backcourt.pipeline.processor import Pipeline
from backcourt.warehouse.client import BigQueryWarehouse
from backcourt.warehouse.definitions import STAGING_HOURS
from backcourt.warehouse.history import append_outcomes
from backcourt.warehouse.requests import JobRequest, Kind
from backcourt.warehouse.run_events import (
    ENDED,
    LEFT_RUNNING,
    STARTED,
    Event,
    event_request,
    starts_in,
    starts_request,
)
from backcourt.warehouse.run_reads import budget_details
from ray_tasks.attempts import Attempts
from ray_tasks.budget_curve import BudgetCurve
from ray_tasks.committer import Committer, RunIdentity
from ray_tasks.driver import Driver, DriverSettings, RunEnd, StopRequest
from ray_tasks.engine import Engine
from ray_tasks.observing import Observer, Together

STARTS_TRIED = 50
"""How many numbers are tried before something must be wrong."""
RECORDED_AFTER, STALLED_RECORD_SECONDS = 21.0, 60.0
"""Seconds after a run was asked to stop until which its record is waited for: all of a stop takes 25 s at most. And
those for the record of a run that stood still: what stalled it may hold the permits that it needs, until cancelled."""
OUTCOMES_A_LOAD = 10_000
"""Outcomes of one history load: few, for a start that was told to stop has only seconds left to write them all."""


@dataclass(frozen=True)
class RunSetup:
    """What a start works with, besides its engine. `estimate` is what the plan said that it needs at most."""

    pipeline: Pipeline
    warehouse: BigQueryWarehouse
    clock: Clock
    state_dataset: str
    thresholds: Thresholds
    chunk_days: int
    workers: int
    driver: DriverSettings
    staging_hours: float = STAGING_HOURS
    estimate: Estimate | None = None


@dataclass(frozen=True)
class RunReport:
    """How a start ended, with every partition of its plan. Not `recorded`: its history could not be written in time.

    `billed_bytes` is what BigQuery said of the run's queries and commits; Storage reads and loads do not say.
    """

    identity: RunIdentity
    outcomes: Collection[PartitionOutcome]
    end: RunEnd
    seconds: float
    exit_code: int
    recorded: bool = True
    billed_bytes: int = 0


def claim_start(run_id: str, warehouse: BigQueryWarehouse, attempts: Attempts, clock: Clock, state: str) -> int:
    """The number of this start: the first that no start of the run has claimed.

    A number is claimed by a job id, which BigQuery gives away once. Where the answer is not plainly ours, the number
    is left alone: a gap does no harm, a number used twice would.

    Raises:
        LimitReached: no number could be claimed.
    """
    known = starts_in(
        attempts.run(starts_request(warehouse.names, state, run_id, f"{run_id}-starts-{clock.now():%Y%m%d%H%M%S%f}"))
    )
    first = max(known, default=0) + 1
    for number in range(first, first + STARTS_TRIED):
        claim = JobRequest(f"{run_id}-{number}-claim", Kind.QUERY, run_id, "runs", sql="SELECT 1 AS claimed")
        try:
            if not attempts.once(claim).adopted:
                return number
        except BackcourtError as error:
            if not isinstance(error, Retryable | QuotaSignal):
                raise
            clock.sleep(1.0)
    raise LimitReached(
        f"Run {run_id} could not claim a start number among {first} to {first + STARTS_TRIED - 1}.",
        "Start it under another --run.",
    )


def execute(
    setup: RunSetup,
    identity: RunIdentity,
    calendar: Calendar,
    plan: Plan,
    seen: Seen,
    open_engine: Callable[[], AbstractContextManager[Engine]],
    stop: StopRequest,
    observer: Observer,
    earlier: Mapping[Partition, str],
) -> RunReport:
    """Run the plan and record what became of it; `earlier` explains inputs that are not in the plan."""
    started = setup.clock.monotonic()
    board = Board(
        setup.pipeline,
        calendar,
        plan,
        seen,
        setup.thresholds,
        setup.chunk_days,
        lookahead=2 * setup.workers + 2,
        earlier=earlier,
    )
    with open_engine() as engine:
        observer = Together(observer, *engine.observers)
        observer.opened(engine.dashboard_url)
        recorder = Recorder(setup, identity, engine.attempts)
        recorder.started(plan)
        curve = BudgetCurve(setup.clock)
        committer = Committer(
            identity,
            setup.pipeline,
            setup.warehouse,
            setup.warehouse.names,
            engine.attempts,
            setup.state_dataset,
            setup.staging_hours,
        )
        driver = Driver(
            setup.pipeline,
            plan,
            board,
            engine.pool,
            committer,
            setup.driver,
            setup.clock,
            stop,
            Together(observer, curve),
            engine.kinds,
        )
        end = driver.run()
        outcomes = board.outcomes.values()
        code = exit_code(outcomes, limit_reached=bool(end.stall), stopped=end.stopped)
        billed = engine.attempts.count.billed_bytes
        recorded = _record(lambda: recorder.ended(outcomes, code, end.in_flight, curve), end, setup.clock)
    return RunReport(identity, outcomes, end, setup.clock.monotonic() - started, code, recorded, billed)


def _record(write: Callable[[], None], end: RunEnd, clock: Clock) -> bool:
    """Write a start's record; whether it is written. A start that was ended early waits for it only so long."""
    if not end.stopped and not end.stall:
        try:
            write()
        except BackcourtError:  # what was committed is committed; the report says that its record is missing
            return False
        return True
    done = threading.Event()

    def write_and_tell() -> None:
        with suppress(Exception):  # the run has ended either way; the report says that its record is missing
            write()
            done.set()

    thread = threading.Thread(target=write_and_tell, name="record", daemon=True)
    thread.start()
    patience = RECORDED_AFTER - (clock.monotonic() - end.since) if end.stopped else STALLED_RECORD_SECONDS
    thread.join(max(patience, 1.0))
    return done.is_set()


class Recorder:
    """Writes a start's beginning, end and outcomes: two rows of `runs` and one load of history."""

    def __init__(self, setup: RunSetup, identity: RunIdentity, attempts: Attempts) -> None:
        """Take what it writes with."""
        self._setup, self._identity, self._attempts = setup, identity, attempts

    def started(self, plan: Plan) -> None:
        """The run has begun; the plan in short goes into the details."""
        counts = {t.table: len(t.to_do) for t in plan.tables}
        reasons = {t.table: Counter(p.reason.value for p in t.to_do) for t in plan.tables if t.to_do}
        asked = {"as_of": plan.request.as_of.isoformat(), "request": plan.request.digest}
        self._event(STARTED, {**asked, "to_do": counts, "reasons": reasons, "planned": _planned(self._setup.estimate)})

    def ended(
        self, outcomes: Collection[PartitionOutcome], code: int, in_flight: Sequence[str], curve: BudgetCurve
    ) -> None:
        """The run has ended: history first, so that an `ended` event always has its outcomes.

        With commits still in flight it is no end that a later run may rely on, and is recorded under another name.
        """
        left = iter(outcomes)
        for number in range(1, 1 + ceil(len(outcomes) / OUTCOMES_A_LOAD)):
            job_id = f"{self._identity.prefix}outcomes-{number}"
            now = self._setup.clock.now()
            self._attempts.run(
                append_outcomes(
                    islice(left, OUTCOMES_A_LOAD),
                    self._identity.run_id,
                    self._identity.start,
                    now,
                    self._setup.state_dataset,
                    job_id,
                )
            )
        details = {
            "exit_code": code,
            "in_flight": list(in_flight),
            "budget": budget_details(curve.samples),
            "billed_bytes": self._attempts.count.billed_bytes,
        }
        self._event(LEFT_RUNNING if in_flight else ENDED, details)

    def _event(self, name: str, details: dict[str, object]) -> None:
        details = {"code_version": self._identity.code_version, **json.loads(json.dumps(details))}
        event = Event(self._identity.run_id, self._identity.start, name, details=details)
        self._attempts.run(event_request(event, self._setup.warehouse.names, self._setup.state_dataset))


def _planned(estimate: Estimate | None) -> dict[str, float]:
    """What the plan said that the run needs at most, as an event's details hold it."""
    if estimate is None:
        return {}
    return {"read_bytes": estimate.read_bytes, "query_bytes": estimate.query_bytes, "dollars": estimate.dollars}
