"""A run's results as JSON."""

from dataclasses import dataclass
from datetime import date

from backcourt.pipeline.estimate import Estimate
from backcourt.pipeline.plan import Frozen, Plan
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


class ResultsModel(Frozen):
    """`backfill --json`; bytes of queries and commits, planned at most and billed.

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
    partitions: tuple[OutcomeModel, ...]


def results_model(plan: Plan, estimate: Estimate, report: RunReport) -> ResultsModel:
    """The report in a form that scripts can rely on."""
    return ResultsModel(
        run_id=plan.request.run_id,
        start=report.identity.start,
        exit_code=report.exit_code,
        seconds=round(report.seconds, 3),
        ended_early=report.end.stall or ("stopped" if report.end.stopped else ""),
        unknown_commits=report.end.in_flight,
        planned_bytes=estimate.query_bytes,
        billed_bytes=report.billed_bytes,
        partitions=tuple(
            OutcomeModel(
                table=o.partition.table,
                date=o.partition.day,
                outcome=o.outcome,
                category=o.category,
                reason=o.reason,
                missing=o.missing,
                rows=o.row_count,
                expected=o.expected_count,
                present=o.present_count,
                coverage=o.coverage,
                retry_can_help=o.retry_can_help,
                seconds=o.seconds,
                commit_id=o.commit_id,
            )
            for o in report.outcomes
        ),
    )
