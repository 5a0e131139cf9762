"""BigQuery behind the port: the Google clients, put together for one project and one endpoint."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

import grpc
import pyarrow as pa
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import NotFound as HttpNotFound
from google.auth.credentials import AnonymousCredentials

from backcourt.clock import Clock, SystemClock
from backcourt.warehouse.endpoint import Endpoint
from backcourt.warehouse.foreign_errors import FOREIGN_ERRORS, About, translated
from backcourt.warehouse.google_clients import BigQueryReadClient, BigQueryReadGrpcTransport, bigquery
from backcourt.warehouse.jobs_api import NO_RETRY, Jobs, JobSettings
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import (
    JobRequest,
    JobResult,
    JobState,
    ReadRequest,
    TableDefinition,
    TableRef,
    TableState,
)
from backcourt.warehouse.storage_reads import StorageReads
from backcourt.warehouse.tables_api import found_table, new_table, widened

UNLIMITED = -1
"""gRPC's word for a message of any size: one Arrow batch may pass its default of 4 MB."""


class BigQueryWarehouse:
    """The `Warehouse` that speaks to BigQuery, the real one or one on this machine.

    One instance may serve several threads. It holds connections, so a process makes its own instead of shipping it.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        datasets: Mapping[str, str] | None = None,
        *,
        clock: Clock | None = None,
        location: str | None = None,
        priority: str = "INTERACTIVE",
        maximum_bytes_billed: int | None = None,
        call_timeout: float = 60.0,
    ) -> None:
        """Connect lazily: nothing is sent before the first call, except to find default credentials.

        Args:
            endpoint: the project and where its interfaces answer.
            datasets: logical dataset to real one, where they differ.
            clock: time; the machine's by default.
            location: where the datasets are, needed outside the multi-regions US and EU.
            priority: INTERACTIVE or BATCH, for queries and commits.
            maximum_bytes_billed: queries that would bill more are refused; commits are not bound by it.
            call_timeout: seconds for one request.

        Raises:
            AccessDenied: no usable credentials.
        """
        clock = clock or SystemClock()
        self.names = Names(endpoint.project, dict(datasets or {}))
        self._clock = clock
        self._timeout = call_timeout
        settings = JobSettings(location, priority, maximum_bytes_billed, call_timeout)
        try:
            self._client = rest_client(endpoint, location)
            reads = _storage_client(endpoint)
        except FOREIGN_ERRORS as exc:
            raise translated(exc, About(f"Connecting to project {endpoint.project}")) from exc
        self._jobs = Jobs(self._client, self.names, clock, settings)
        self._reads = StorageReads(reads, self.names, clock, call_timeout)

    def run(self, request: JobRequest) -> JobResult:
        """Insert the job, await its end, return its result. See `Warehouse.run`."""
        return self._jobs.run(request)

    def read(self, request: ReadRequest) -> pa.Table:
        """Rows by the Storage Read API, columns in the order asked for."""
        return self._reads.read(request)

    def job(self, job_id: str) -> JobState:
        """Where the job of that id stands (phase MISSING if there is none)."""
        return self._jobs.state(job_id)

    def cancel(self, job_id: str) -> None:
        """Ask for the job's end; best effort, an unknown id is no error."""
        self._jobs.cancel(job_id)

    def unfinished_jobs(self, prefix: str) -> tuple[str, ...]:
        """Ids that begin with `prefix` of jobs pending or running."""
        return self._jobs.unfinished(prefix)

    def describe(self, ref: TableRef) -> TableState | None:
        """The table, or None if it does not exist.

        Raises:
            NotFound: its dataset does not exist.
        """
        about = About(f"Describing table {self.names.full(ref)}", table=str(ref))
        try:
            return found_table(ref, self._client.get_table(self.names.full(ref), retry=NO_RETRY, timeout=self._timeout))
        except HttpNotFound:
            self._require_dataset(ref.dataset, about)
            return None
        except FOREIGN_ERRORS as exc:
            raise translated(exc, about) from exc

    def create(self, definition: TableDefinition) -> None:
        """Create the table; one that exists already is no error."""
        table = new_table(definition, self.names, self._clock.now())
        try:
            self._client.create_table(table, exists_ok=True, retry=NO_RETRY, timeout=self._timeout)
        except FOREIGN_ERRORS as exc:
            about = About(f"Creating table {self.names.full(definition.ref)}", table=str(definition.ref))
            raise translated(exc, about) from exc

    def drop(self, ref: TableRef) -> None:
        """Drop the table; one that is missing is no error."""
        try:
            self._client.delete_table(self.names.full(ref), not_found_ok=True, retry=NO_RETRY, timeout=self._timeout)
        except FOREIGN_ERRORS as exc:
            raise translated(exc, About(f"Dropping table {self.names.full(ref)}", table=str(ref))) from exc

    def ensure_datasets(self, datasets: Iterable[str]) -> None:
        """Create those logical datasets that are missing. Outside the port: meant for the local BigQuery."""
        for logical in sorted(set(datasets)):
            name = f"{self.names.project}.{self.names.dataset(logical)}"
            try:
                self._client.create_dataset(name, exists_ok=True, retry=NO_RETRY, timeout=self._timeout)
            except FOREIGN_ERRORS as exc:
                raise translated(exc, About(f"Creating dataset {name}")) from exc

    def tables(self, dataset: str, prefix: str) -> tuple[TableRef, ...]:
        """Tables of a logical dataset whose names begin with `prefix`. Outside the port: for clearing up."""
        name = f"{self.names.project}.{self.names.dataset(dataset)}"
        try:
            found = self._client.list_tables(name, retry=NO_RETRY, timeout=self._timeout)
            return tuple(TableRef(dataset, t.table_id) for t in found if t.table_id.startswith(prefix))
        except FOREIGN_ERRORS as exc:
            raise translated(exc, About(f"Listing tables of {name}")) from exc

    def widen(self, definition: TableDefinition) -> None:
        """Give a table the declared columns that it lacks, and the declared version. Outside the port: for upgrades."""
        name = self.names.full(definition.ref)
        try:
            table = self._client.get_table(name, retry=NO_RETRY, timeout=self._timeout)
            self._client.update_table(
                widened(table, definition), ["schema", "labels"], retry=NO_RETRY, timeout=self._timeout
            )
        except FOREIGN_ERRORS as exc:
            raise translated(exc, About(f"Adding columns to {name}", table=str(definition.ref))) from exc

    def expire(self, ref: TableRef, hours: float) -> None:
        """Have a table deleted in so many hours. Outside the port: for backups."""
        table = bigquery.Table(self.names.full(ref))
        table.expires = self._clock.now() + timedelta(hours=hours)
        try:
            self._client.update_table(table, ["expires"], retry=NO_RETRY, timeout=self._timeout)
        except FOREIGN_ERRORS as exc:
            raise translated(exc, About(f"Setting when {self.names.full(ref)} expires", table=str(ref))) from exc

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._reads.close()

    def _require_dataset(self, logical: str, about: About) -> None:
        name = f"{self.names.project}.{self.names.dataset(logical)}"
        try:
            self._client.get_dataset(name, retry=NO_RETRY, timeout=self._timeout)
        except FOREIGN_ERRORS as exc:
            raise translated(exc, about) from exc


def rest_client(endpoint: Endpoint, location: str | None) -> bigquery.Client:
    """Google's client of the REST interface, for the real service or one on this machine."""
    if not endpoint.is_local:
        return bigquery.Client(project=endpoint.project, location=location)
    return bigquery.Client(
        project=endpoint.project,
        location=location,
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=endpoint.rest),
    )


def _storage_client(endpoint: Endpoint) -> BigQueryReadClient:
    if not endpoint.storage:
        return BigQueryReadClient()
    options = [("grpc.max_receive_message_length", UNLIMITED), ("grpc.max_send_message_length", UNLIMITED)]
    channel = grpc.insecure_channel(endpoint.storage, options=options)
    return BigQueryReadClient(transport=BigQueryReadGrpcTransport(channel=channel))
