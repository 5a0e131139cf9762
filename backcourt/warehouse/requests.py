"""A call to BigQuery as a value: built without I/O, its job id chosen beforehand, executed in one place.

The job id makes a lost answer safe: ids are used at most once, so a job that may or may not have been created is looked
up by its id and adopted, never repeated (bq:reliability-intro, read 2026-11).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import pyarrow as pa

from backcourt.pipeline.table import Column

Value = str | int | float | bool | date | datetime | None


class Kind(StrEnum):
    """What a permit is for. A read has no job; the others have one."""

    READ = "read"
    QUERY = "query"
    LOAD = "load"
    COMMIT = "commit"


@dataclass(frozen=True)
class TableRef:
    """A table by its logical dataset and name; the client knows project and real dataset."""

    dataset: str
    name: str

    def __str__(self) -> str:
        return f"{self.dataset}.{self.name}"

    @classmethod
    def of(cls, full_name: str) -> "TableRef":
        """From `dataset.name`."""
        dataset, _, name = full_name.partition(".")
        return cls(dataset, name)


@dataclass(frozen=True)
class Parameter:
    """A named query parameter; a tuple makes it an ARRAY."""

    name: str
    type: str
    value: Value | tuple[Value, ...]


@dataclass(frozen=True)
class JobRequest:
    """One BigQuery job: a query, a load or a commit script.

    `job_id` has no default on purpose. `table` and `dates` say what it is about, for labels, errors and logs. Loads
    append `rows` (columns in the order of `columns`) to `destination`, an existing table. `run_id` and `table`
    become the job's labels. `timeout` bounds the whole call in seconds, queueing at BigQuery included.
    """

    job_id: str
    kind: Kind
    run_id: str
    table: str
    sql: str = ""
    parameters: tuple[Parameter, ...] = ()
    dates: tuple[date, ...] = ()
    destination: TableRef | None = None
    rows: pa.Table | None = field(default=None, compare=False, repr=False)
    columns: tuple[Column, ...] = ()
    timeout: float = 600.0

    def attempt(self, number: int) -> "JobRequest":
        """The same request under the id of its n-th attempt: a finished id cannot be used again."""
        return replace(self, job_id=f"{self.job_id}-{number}")


@dataclass(frozen=True)
class JobResult:
    """What a finished job says of itself. `adopted`: its answer was lost and it was found by its id."""

    job_id: str
    rows: tuple[Mapping[str, Any], ...] = ()
    output_rows: int | None = None
    bytes_processed: int = 0
    bytes_billed: int = 0
    adopted: bool = False


class JobPhase(StrEnum):
    """Where a job stands. MISSING: the service knows no job of that id."""

    MISSING = "missing"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class JobState:
    """A job looked up by id; `error` is the translated error of a FAILED one."""

    job_id: str
    phase: JobPhase
    error: Exception | None = None


@dataclass(frozen=True)
class ReadRequest:
    """Rows of a table's partitions from `start` to `end`, both included, read by the Storage API as Arrow.

    `equals` adds conditions `column = 'string'`, ANDed, so that the service prunes.
    """

    table: TableRef
    columns: tuple[str, ...]
    partition_by: str
    start: date
    end: date
    equals: tuple[tuple[str, str], ...] = ()
    timeout: float = 600.0


@dataclass(frozen=True)
class TableDefinition:
    """A table as it is created or found. `expires_hours` counts from creation.

    `schema_version` is that of the engine's own tables, which are upgraded in place; 0 for all others.
    """

    ref: TableRef
    columns: tuple[Column, ...]
    description: str = ""
    partition_by: str | None = None
    clustering: tuple[str, ...] = ()
    expires_hours: float | None = None
    schema_version: int = 0


@dataclass(frozen=True)
class TableState:
    """A table that exists: its definition and its size (bytes and rows as the service reports them).

    `foreign_columns` are columns of types that backcourt does not write (name → type); the definition leaves them out.
    """

    definition: TableDefinition
    num_rows: int = 0
    num_bytes: int = 0
    has_streaming_buffer: bool = False
    foreign_columns: Mapping[str, str] = field(default_factory=dict)
