"""Publishing: one commit at a time for each table, everything that waits goes into the next.

    take      gated partitions of a table                    board
    stage     their rows into a staging table of its own     a pool worker, load permit
    announce  the commit's job id in `runs`, meanwhile       query permit
    script    BEGIN; head; check; MERGE; ledger; COMMIT      commit permit
    drop      staging, once the commit is known to be done

A commit ends in one of three ways: published, superseded in part (those dates are dropped, the rest goes into the next
commit), or failed for good. A lost answer is none of them: the job is looked up by its id.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import date
from queue import Empty, SimpleQueue

from backcourt.errors import BackcourtError
from backcourt.pipeline.processor import Pipeline
from backcourt.pipeline.triage import Passed
from backcourt.warehouse.commit import CommitBatch, commit_request, fits
from backcourt.warehouse.definitions import STAGING_HOURS
from backcourt.warehouse.errors import AlreadyCommitted, JobUnresolved, Stopped, Superseded, UnknownError
from backcourt.warehouse.ledger_reads import commits_of, newest_commits
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import JobRequest, TableRef
from backcourt.warehouse.run_events import COMMIT_SENT, Event
from backcourt.warehouse.warehouse import Warehouse
from ray_tasks.announcer import Announcer
from ray_tasks.attempts import Attempts
from ray_tasks.steps import StageStep


@dataclass(frozen=True)
class RunIdentity:
    """Which run, which start of it, by which code."""

    run_id: str
    start: int
    code_version: str

    @property
    def prefix(self) -> str:
        """What every job id of this start begins with."""
        return f"{self.run_id}-{self.start}-"


@dataclass(frozen=True)
class Batch:
    """One commit on its way. `staging` is None where no partition has new rows; `announced` is done once that is."""

    commit_id: str
    table: str
    passed: tuple[Passed, ...]
    staging: TableRef | None
    announced: Future[None] = field(default_factory=Future, compare=False)

    @property
    def with_rows(self) -> tuple[Passed, ...]:
        """The partitions whose rows are published; the rest only renew their ledger row."""
        return tuple(p for p in self.passed if p.reference is not None)

    @property
    def references(self) -> tuple[object, ...]:
        """The computed chunks that hold the rows, each once."""
        return tuple({id(p.reference): p.reference for p in self.with_rows}.values())


@dataclass(frozen=True)
class CommitEnded:
    """How a commit ended. Exactly one of: published, superseded dates with their present commits, an error."""

    batch: Batch
    superseded: dict[date, str] | None = None
    error: BackcourtError | None = None


class Committer:
    """Sends commit scripts from threads of the driver, at most one a table; the driver's loop polls `ended`."""

    def __init__(
        self,
        identity: RunIdentity,
        pipeline: Pipeline,
        warehouse: Warehouse,
        names: Names,
        attempts: Attempts,
        state_dataset: str,
        staging_hours: float = STAGING_HOURS,
    ) -> None:
        """Take what it works with; staging tables expire after so many hours."""
        self._identity, self._pipeline = identity, pipeline
        self._warehouse, self._names, self._attempts = warehouse, names, attempts
        self._state_dataset, self._staging_hours = state_dataset, staging_hours
        self._announcer = Announcer(attempts, names, state_dataset)
        self._ended: SimpleQueue[CommitEnded] = SimpleQueue()
        self._busy: dict[str, Batch] = {}
        self._sent: set[str] = set()
        self._numbers: dict[str, int] = {}

    @property
    def busy(self) -> dict[str, Batch]:
        """The commit under way of each table, staging included."""
        return dict(self._busy)

    @property
    def sent(self) -> tuple[str, ...]:
        """Commit ids whose script may be at BigQuery now."""
        return tuple(sorted(self._sent))

    def begin(self, table: str, passed: Sequence[Passed]) -> tuple[Batch, Sequence[Passed]]:
        """Give the partitions a commit id; from now on the table is busy until `ended` tells.

        Returns:
            The batch, and the partitions that did not fit into one script.
        """
        number = self._numbers[table] = self._numbers.get(table, 0) + 1
        name = table.partition(".")[2]
        commit_id = f"{self._identity.prefix}{name}-{number}"
        fitting = len(passed)
        batch = self._batch(commit_id, table, passed)
        while fitting > 1 and not fits(self._commit_batch(batch), self._names, self._state_dataset):
            fitting //= 2
            batch = self._batch(commit_id, table, passed[:fitting])
        self._busy[table] = batch = replace(batch, announced=self._announced(batch))
        return batch, passed[fitting:]

    def stage_step(self, batch: Batch) -> StageStep | None:
        """The step that loads the batch's rows, or None when it has no rows to publish."""
        if batch.staging is None:
            return None
        days = tuple(p.entry.day for p in batch.with_rows)
        return StageStep(self._identity.run_id, batch.commit_id, batch.table, batch.staging, days, self._staging_hours)

    def send(self, batch: Batch) -> None:
        """Send the script, in a thread of its own; at most one a table."""
        self._sent.add(batch.commit_id)
        _in_thread(self._publish, batch)

    def abandon(self, batch: Batch) -> None:
        """Staging failed: the table is free again; the half-filled staging table is dropped."""
        self._busy.pop(batch.table, None)
        _in_thread(self._drop, batch)

    def ended(self) -> Iterable[CommitEnded]:
        """Commits that ended since the last call."""
        while True:
            try:
                done = self._ended.get_nowait()
            except Empty:
                return
            self._busy.pop(done.batch.table, None)
            self._sent.discard(done.batch.commit_id)
            yield done

    def _batch(self, commit_id: str, table: str, passed: Sequence[Passed]) -> Batch:
        has_rows = any(p.reference is not None for p in passed)
        staging = TableRef(self._state_dataset, f"staging__{commit_id}".replace("-", "_")) if has_rows else None
        return Batch(commit_id, table, tuple(passed), staging)

    def _publish(self, batch: Batch) -> None:
        try:
            self._ended.put(self._published(batch))
        except BackcourtError as error:
            if not isinstance(error, JobUnresolved):
                self._drop(batch)
            self._ended.put(CommitEnded(batch, error=error))
        except Exception as error:  # noqa: BLE001 (a thread that dies silently would leave its table busy for ever)
            what = f"Commit {batch.commit_id} ended in {type(error).__name__}: {error}."
            self._ended.put(CommitEnded(batch, error=UnknownError(what, "Run again: the ledger tells how it ended.")))

    def _published(self, batch: Batch) -> CommitEnded:
        request = self._request(batch)
        batch.announced.result()
        try:
            self._attempts.run(request)
        except AlreadyCommitted:
            pass  # an earlier attempt of this very commit got through
        except Stopped:
            if batch.commit_id not in self._newest(batch).values():
                raise
        except Superseded as error:
            self._drop(batch)
            return CommitEnded(batch, superseded=self._present_commits(batch, self._beaten(batch, error)))
        self._drop(batch)
        return CommitEnded(batch)

    def _announced(self, batch: Batch) -> Future[None]:
        """Announce the script's job id: whoever comes after a crash looks for it, sent or not."""
        run, job_id = self._identity, self._request(batch).job_id
        return self._announcer.announce(Event(run.run_id, run.start, COMMIT_SENT, table=batch.table, job_id=job_id))

    def _request(self, batch: Batch) -> JobRequest:
        return commit_request(self._commit_batch(batch), self._names, self._state_dataset)

    def _commit_batch(self, batch: Batch) -> CommitBatch:
        entries = tuple(
            replace(
                p.entry,
                commit_id=batch.commit_id,
                run_id=self._identity.run_id,
                code_version=self._identity.code_version,
                rows_commit=batch.commit_id if p.reference is not None else p.entry.rows_commit,
            )
            for p in batch.passed
        )
        return CommitBatch(
            commit_id=batch.commit_id,
            run_id=self._identity.run_id,
            code_version=self._identity.code_version,
            table=self._pipeline.processor(batch.table).table,
            staging=batch.staging,
            entries=entries,
            expected={p.entry.day: p.seen_commit for p in batch.passed},
        )

    def _beaten(self, batch: Batch, error: Superseded) -> Sequence[date]:
        """The dates that another run committed; where the error's text was cut short, the ledger tells."""
        if error.dates:
            return error.dates
        newest = self._newest(batch)
        return [p.entry.day for p in batch.passed if newest.get(p.entry.day, "") != p.seen_commit]

    def _newest(self, batch: Batch) -> dict[date, str]:
        days = [p.entry.day for p in batch.passed]
        return self._attempts.reading(
            batch.table,
            lambda: newest_commits(self._warehouse, self._state_dataset, batch.table, min(days), max(days)),
        )

    def _present_commits(self, batch: Batch, days: Sequence[date]) -> dict[date, str]:
        if not days:
            return {}
        found = self._attempts.reading(
            batch.table,
            lambda: commits_of(self._warehouse, self._state_dataset, batch.table, min(days), max(days)),
        )
        return {day: found.get(day, "") for day in days}

    def _drop(self, batch: Batch) -> None:
        """Staging expires by itself, so that a failure to drop it is no failure of the commit."""
        if batch.staging is not None:
            staging = batch.staging
            try:
                self._attempts.call(lambda: self._warehouse.drop(staging))
            except BackcourtError:
                return


def _in_thread(work: Callable[[Batch], None], batch: Batch) -> None:
    """A daemon thread: a stopped run must not wait for a call that hangs."""
    threading.Thread(target=work, args=(batch,), name=f"commit {batch.commit_id}", daemon=True).start()
