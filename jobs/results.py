"""A run's results as JSON."""

from dataclasses import dataclass
from datetime import date

from pydantic import TypeAdapter

from backcourt.pipeline.estimate import Estimate
from backcourt.pipeline.outcomes import PartitionOutcome
from backcourt.pipeline.plan import Frozen, Plan
from jobs.console import print_long_json
from ray_tasks.run import RunReport


@dataclass(frozen=True, slots=True)
class OutcomeModel:
    """One partition. Coverage is a share, 0 to 1; seconds are of computing. Slim, because there may be many."""

    table: str
    date: date
    outcome: str
    category: str
    reason: str
    missing: tuple[str, ...]
    rows: int
    expected: int
    present: int
    coverage: float
    retry_can_help: bool
    seconds: float
    commit_id: str


_OUTCOMES = TypeAdapter(list[OutcomeModel])


class ResultsModel(Frozen):
    """`backfill --json`, which goes on with `partitions`; bytes of queries and commits, planned at most and billed.

    `unknown_commits` may have been published or not: BigQuery did not say before the run ended.
    """

    run_id: str
    start: int
    exit_code: int
    seconds: float
    ended_early: str
    unknown_commits: tuple[str, ...]
    planned_bytes: int
    billed_bytes: int


def print_results(plan: Plan, estimate: Estimate, report: RunReport) -> None:
    """The report on standard output, in a form that scripts can rely on."""
    results = ResultsModel(
        run_id=plan.request.run_id,
        start=report.identity.start,
        exit_code=report.exit_code,
        seconds=round(report.seconds, 3),
        ended_early=report.end.stall or ("stopped" if report.end.stopped else ""),
        unknown_commits=report.end.in_flight,
        planned_bytes=estimate.query_bytes,
        billed_bytes=report.billed_bytes,
    )
    print_long_json(results, "partitions", _OUTCOMES, map(_outcome, report.outcomes))


def _outcome(outcome: PartitionOutcome) -> OutcomeModel:
    return OutcomeModel(
        table=outcome.partition.table,
        date=outcome.partition.day,
        outcome=outcome.outcome,
        category=outcome.category,
        reason=outcome.reason,
        missing=outcome.missing,
        rows=outcome.row_count,
        expected=outcome.expected_count,
        present=outcome.present_count,
        coverage=outcome.coverage,
        retry_can_help=outcome.retry_can_help,
        seconds=outcome.seconds,
        commit_id=outcome.commit_id,
    )
