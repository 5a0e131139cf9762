"""Reading what earlier runs left behind: outcomes, runs, versions of the code. What was never written is empty."""

from collections.abc import Collection
from datetime import date
from hashlib import sha256

from backcourt.errors import UsageError
from backcourt.pipeline.drift import VersionUse
from backcourt.pipeline.outcomes import Outcome, Partition
from backcourt.pipeline.records import OutcomeRecord, RunRecord
from backcourt.warehouse.history_reads import OutcomeFilter, outcomes_in, outcomes_request
from backcourt.warehouse.ledger_reads import code_versions_in, code_versions_request
from backcourt.warehouse.run_reads import runs_in, runs_request
from ray_tasks.prepare import Ground, own_rows

EVER = date(1970, 1, 1)
"""Before every run."""


def read_outcomes(ground: Ground, wanted: OutcomeFilter) -> tuple[OutcomeRecord, ...]:
    """The recorded outcomes that are wanted, newest first."""
    digest = sha256(repr(wanted).encode()).hexdigest()[:12]
    names, job_id = ground.warehouse.names, ground.job_id(f"history-{digest}")
    request = outcomes_request(names, ground.state_dataset, wanted, ground.run_id, job_id)
    return outcomes_in(own_rows(ground, request))


def read_failures(ground: Ground, since: date) -> dict[Partition, str]:
    """Partitions that were blocked or failed when they were last tried, since a date, and why, in words."""
    tables = tuple(p.name for p in ground.pipeline.processors)
    return {
        o.partition: f"{o.outcome} in run {o.run_id}, {o.reason}"
        for o in read_outcomes(ground, OutcomeFilter(since, tables, newest=True, left=True))
        if o.outcome in (Outcome.BLOCKED, Outcome.FAILED)
    }


def read_runs(ground: Ground, since: date) -> tuple[RunRecord, ...]:
    """The runs that were recorded on or after a date (UTC), the last first."""
    names, job_id = ground.warehouse.names, ground.job_id(f"runs-{since}")
    return runs_in(own_rows(ground, runs_request(names, ground.state_dataset, since, ground.run_id, job_id)))


def read_code_versions(ground: Ground) -> tuple[VersionUse, ...]:
    """Every version of the code in the ledger, with its first and last commit."""
    names, job_id = ground.warehouse.names, ground.job_id("versions")
    request = code_versions_request(names, ground.state_dataset, ground.run_id, job_id)
    return code_versions_in(own_rows(ground, request))


def read_not_through(ground: Ground, run_id: str, tables: Collection[str]) -> tuple[Partition, ...]:
    """The partitions of `tables` that a run blocked, failed or left undone in the last start that had them.

    Raises:
        UsageError: there is no history of that run, or it had none of the tables.
    """
    found = read_outcomes(ground, OutcomeFilter(EVER, run_id=run_id))
    if not found:
        raise UsageError(
            f"There is no history of a run {run_id}.",
            "`backcourt history` lists the runs; a run that was killed has none: start it again under its id.",
        )
    of_tables = [r for r in found if r.partition.table in tables]
    if not of_tables:
        raise UsageError(
            f"Run {run_id} had none of these tables: it made {', '.join(sorted({r.partition.table for r in found}))}.",
            "Raw tables are taken up by `backcourt ingest --only-failed`, others by `backfill --only-failed`.",
        )
    return tuple(sorted(r.partition for r in of_tables if not r.went_through))
