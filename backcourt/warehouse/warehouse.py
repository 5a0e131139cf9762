"""The port to BigQuery: eight calls, which the Google clients, the fake of the tests and nothing else implement."""

from typing import Protocol

import pyarrow as pa

from backcourt.warehouse.requests import (
    JobRequest,
    JobResult,
    JobState,
    ReadRequest,
    TableDefinition,
    TableRef,
    TableState,
)


class Warehouse(Protocol):
    """What backcourt asks of BigQuery. Every call is bounded in time and raises only errors of `warehouse/errors.py`.

    No call retries a failed job, sleeps before a retry or takes a permit: that is the caller's.
    """

    def run(self, request: JobRequest) -> JobResult:
        """Insert the job, await its end, return its result. A lost answer is looked up by id and adopted.

        Raises:
            WarehouseError: a leaf that is Retryable, a QuotaSignal or Permanent; JobUnresolved when the time is up
                and the job may still be running.
        """

    def read(self, request: ReadRequest) -> pa.Table:
        """Rows by the Storage Read API, columns in the order asked for."""

    def job(self, job_id: str) -> JobState:
        """Where the job of that id stands (phase MISSING if there is none)."""

    def cancel(self, job_id: str) -> None:
        """Ask for the job's end; best effort, an unknown id is no error."""

    def unfinished_jobs(self, prefix: str) -> tuple[str, ...]:
        """Ids that begin with `prefix` of jobs pending or running."""

    def describe(self, ref: TableRef) -> TableState | None:
        """The table, or None if it does not exist. Raises if its dataset does not."""

    def create(self, definition: TableDefinition) -> None:
        """Create the table; one that exists already is no error."""

    def drop(self, ref: TableRef) -> None:
        """Drop the table; one that is missing is no error."""
