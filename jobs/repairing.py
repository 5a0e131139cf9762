"""What `dedupe` and `cleanup` have in common: a backup first, commits that a run would notice, nothing left behind.

A repair is a run of its own kind: its commits are announced before they are sent, so that whoever comes after a crash
waits for them; it is a compare-and-swap against the ledger like any other commit; and its rows in the log of operations
appear with its changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from backcourt.errors import DataError
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.table import Table
from backcourt.pipeline.validation import KeyCount
from backcourt.warehouse.commit import CommitBatch
from backcourt.warehouse.errors import AlreadyCommitted
from backcourt.warehouse.key_counts import key_counts_in, key_counts_request
from backcourt.warehouse.operations import Operation
from backcourt.warehouse.repair import backup_request
from backcourt.warehouse.requests import JobRequest, TableRef
from backcourt.warehouse.run_events import COMMIT_SENT, ENDED, STARTED, Event, event_request
from backcourt.warehouse.state import State
from jobs.session import Session
from jobs.version import code_version
from ray_tasks.committer import RunIdentity
from ray_tasks.prepare import Ground

DATES_A_COMMIT = 100
"""Partitions of one repair's commit: its script stays far below the longest that BigQuery takes."""


@dataclass(frozen=True)
class Repair:
    """An operation under way. Its id is its run's."""

    ground: Ground
    identity: RunIdentity
    kind: str
    backup_days: int

    @property
    def operation_id(self) -> str:
        """What the log of operations calls it."""
        return self.identity.run_id

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Work between two events that say so. Without the second, whoever comes next looks for its commits."""
        self._record(Event(self.operation_id, 1, STARTED, details={"kind": self.kind}))
        yield
        self._record(Event(self.operation_id, 1, ENDED))

    def commit_id(self, table: Table, number: int) -> str:
        """The id of the operation's n-th commit of a table."""
        return f"{self.identity.prefix}{table.name}-{number}"

    def batch(
        self,
        table: Table,
        commit_id: str,
        entries: Sequence[LedgerEntry],
        ledger: Mapping[tuple[str, date], LedgerEntry],
        staging: TableRef | None = None,
    ) -> CommitBatch:
        """A commit that fails if one of its partitions has another commit now than `ledger` says."""
        expected = {e.day: ledger[e.table, e.day].commit_id for e in entries}
        return CommitBatch(
            commit_id, self.operation_id, self.identity.code_version, table, staging, tuple(entries), expected
        )

    def operation(self, batch: CommitBatch, before: int, after: int, backup: TableRef | None) -> Operation:
        """The row of the log that goes with a commit."""
        return Operation(
            self.operation_id,
            self.kind,
            batch.table.full_name,
            batch.commit_id,
            batch.dates,
            before,
            after,
            backup.name if backup else "",
            self.identity.code_version,
        )

    def back_up(self, table: Table, counted: Mapping[date, KeyCount]) -> TableRef:
        """Clone the table and see that the clone holds the rows that were counted.

        Raises:
            DataError: it does not; nothing has been changed.
        """
        backup = State(self.ground.state_dataset).backup(table, self.operation_id)
        names = self.ground.warehouse.names
        job_id = self.ground.job_id(f"backup-{table.name}")
        self.ground.attempts.run(backup_request(table, backup, names, self.operation_id, job_id))
        self.ground.attempts.call(lambda: self.ground.warehouse.expire(backup, 24.0 * self.backup_days))
        if key_counts(self.ground, table, sorted(counted), backup) != dict(counted):
            raise DataError(
                f"Backup {backup} does not hold the rows that were counted in {table.full_name}.",
                "Nothing was changed. Run the command again once nobody writes to the table.",
            )
        return backup

    def send(self, request: JobRequest) -> None:
        """Announce a commit, send it and await its end.

        Raises:
            BackcourtError: it was refused; it left no trace.
        """
        announced = Event(self.operation_id, 1, COMMIT_SENT, table=request.table, job_id=request.job_id)
        self._record(announced)
        try:
            self.ground.attempts.run(request)
        except AlreadyCommitted:
            return  # an earlier attempt of this very commit got through

    def _record(self, event: Event) -> None:
        self.ground.attempts.run(event_request(event, self.ground.warehouse.names, self.ground.state_dataset))


def key_counts(
    ground: Ground, table: Table, days: Sequence[date], copy: TableRef | None = None
) -> dict[date, KeyCount]:
    """The rows that a table, or a copy of it, has on these dates; only dates that have some."""
    if not days:
        return {}
    found = key_counts_between(ground, table, min(days), max(days), copy)
    return {day: found[day] for day in days if day in found}


def key_counts_between(
    ground: Ground, table: Table, first: date, last: date, copy: TableRef | None = None
) -> dict[date, KeyCount]:
    """The same of every date from the first to the last."""
    name = copy or TableRef.of(table.full_name)
    instant = f"{ground.clock.monotonic():.6f}".replace(".", "-")
    job_id = ground.job_id(f"count-{name.name}-{first}-{last}-{instant}")
    request = key_counts_request(table, ground.warehouse.names, first, last, ground.run_id, job_id, name)
    return key_counts_in(ground.attempts.run(request).rows)


def in_batches(days: Sequence[date], size: int = DATES_A_COMMIT) -> list[Sequence[date]]:
    """The dates, cut into commits."""
    return [days[at : at + size] for at in range(0, len(days), size)]


def repair_of(session: Session, ground: Ground, kind: str) -> Repair:
    """An operation of this kind, under the ground's run id."""
    return Repair(ground, RunIdentity(ground.run_id, 1, code_version()), kind, session.settings.backup_days)
