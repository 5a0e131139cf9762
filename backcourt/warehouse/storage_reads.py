"""Rows of partitions by the Storage Read API: Arrow from end to end, no query job, no bytes billed as a query.

The generated client is used, because the hand-written one above it resumes a broken stream on its own, for ever.

The service prunes by the row restriction; what comes back is put into the order that was asked for and cast to the
canonical Arrow types, since servers differ in details such as the name of a list's element.
"""

from typing import Any

import pyarrow as pa

from backcourt.clock import Clock
from backcourt.pipeline.table import ARROW_TYPES
from backcourt.warehouse import errors
from backcourt.warehouse.foreign_errors import FOREIGN_ERRORS, About, raised, translated
from backcourt.warehouse.google_clients import BigQueryReadClient
from backcourt.warehouse.google_clients import storage_types as types
from backcourt.warehouse.literals import literal
from backcourt.warehouse.names import Names, column
from backcourt.warehouse.requests import ReadRequest

MAX_STREAMS = 1
"""Streams of one read. The pool reads many blocks at once, and 2,000 concurrent streams a region are shared by all
runs (Quotas, read 2026-11); one stream also keeps its rows together."""


class StorageReads:
    """The read of the port, over a Storage Read client."""

    def __init__(self, client: BigQueryReadClient, names: Names, clock: Clock, call_timeout: float = 60.0) -> None:
        self._client = client
        self._names = names
        self._clock = clock
        self._call_timeout = call_timeout

    def read(self, request: ReadRequest) -> pa.Table:
        """See `Warehouse.read`."""
        about = About(f"Reading {request.table} from {request.start} to {request.end}", table=str(request.table))
        deadline = self._clock.monotonic() + request.timeout
        try:
            session = self._session(request)
            schema = pa.ipc.read_schema(pa.py_buffer(session.arrow_schema.serialized_schema))
            batches: list[pa.RecordBatch] = []
            for stream in session.streams:
                for answer in self._client.read_rows(
                    read_stream=stream.name, offset=0, retry=None, timeout=request.timeout
                ):
                    batches += _batches(answer, schema)
                    if self._clock.monotonic() > deadline:
                        raise raised(errors.TransientError, f"{about.what} took over {request.timeout:g} s.", about)
        except FOREIGN_ERRORS as exc:
            raise translated(exc, about) from exc
        return _canonical(pa.Table.from_batches(batches, schema), request.columns)

    def close(self) -> None:
        """Close the channel."""
        self._client.transport.close()

    def _session(self, request: ReadRequest) -> Any:
        wanted = types.ReadSession(
            table=self._names.path(request.table),
            data_format=types.DataFormat.ARROW,
            read_options=types.ReadSession.TableReadOptions(
                selected_fields=list(request.columns),
                row_restriction=row_restriction(request),
            ),
        )
        return self._client.create_read_session(
            parent=f"projects/{self._names.project}",
            read_session=wanted,
            max_stream_count=MAX_STREAMS,
            retry=None,
            timeout=min(self._call_timeout, request.timeout),
        )


def row_restriction(request: ReadRequest) -> str:
    """The condition on partitions and columns, in the SQL that the Storage API takes."""
    by = column(request.partition_by)
    conditions = [f"{by} >= {literal(request.start)}", f"{by} <= {literal(request.end)}"]
    conditions += [f"{column(name)} = {literal(value)}" for name, value in request.equals]
    return " AND ".join(conditions)


def _batches(answer: Any, schema: pa.Schema) -> list[pa.RecordBatch]:
    serialized = answer.arrow_record_batch.serialized_record_batch
    return [pa.ipc.read_record_batch(pa.py_buffer(serialized), schema)] if serialized else []


def _canonical(table: pa.Table, columns: tuple[str, ...]) -> pa.Table:
    """Columns in the order asked for, in the Arrow types of `ARROW_TYPES`."""
    table = table.select(list(columns))
    return table.cast(pa.schema([pa.field(field.name, _canonical_type(field.type)) for field in table.schema]))


def _canonical_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.list_(pa.field("element", _canonical_type(kind.value_type)))
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz="UTC")
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    return kind if kind in ARROW_TYPES.values() else _widened(kind)


def _widened(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_integer(kind):
        return pa.int64()
    return pa.float64() if pa.types.is_floating(kind) else kind
