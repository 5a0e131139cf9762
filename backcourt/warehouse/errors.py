"""What BigQuery answered, by class. `foreign_errors.py` decides which class an answer is.

    WarehouseError
    ├── Retryable: the same work may succeed under a new job id
    │   ├── TransientError         the service failed, or the line did; no job is left running
    │   ├── Unreachable            nothing was sent: refused, unknown host, no token
    │   ├── TransactionAborted     another transaction on the table won; all is rolled back
    │   └── JobTimedOut            the service ended the job for its time
    ├── QuotaSignal: the same, and the budget shrinks
    │   ├── RateLimited            too fast: seconds
    │   ├── QuotaExceeded          too much for the day: park for `park_seconds`
    │   └── TooManyStatements      more than 22 DML statements on one table
    └── Permanent: trying again cannot help
        ├── JobUnresolved          nobody knows how the job ended: look it up by `job_id`, never send it anew
        ├── Superseded             another commit published `dates` since the plan
        ├── Held                   an operator keeps runs off the table
        ├── AlreadyCommitted       this very commit is in the ledger: success
        ├── StagingMismatch        staging does not hold the rows that were sent
        ├── RowsChanged            the table holds other rows than a repair saw
        ├── HeadMissing            the table's generation counter has no row
        ├── InvalidQuery           SQL, schema or rows that BigQuery refuses
        ├── AccessDenied           missing right, missing or expired credentials
        ├── NotFound               no such project, dataset, table or location
        ├── AlreadyExists          the name is taken
        ├── BytesBilledLimit       the query would cost more than allowed
        ├── Stopped                somebody cancelled the job
        └── UnknownError           a reason that the table does not know; never retried

`fields` carry what is known of the call: job_id, table, dates, reason.
"""

from datetime import date
from typing import Any, ClassVar

from backcourt.errors import BackcourtError, Permanent, QuotaSignal, Retryable


class WarehouseError(BackcourtError):
    """Root of what the warehouse raises; only its leaves are raised."""

    exit_code = 5

    @property
    def job_id(self) -> str:
        """The job that the error is about, "" if there was none."""
        return str(self.fields.get("job_id", ""))

    @property
    def dates(self) -> tuple[date, ...]:
        """The partitions that the error is about."""
        return tuple(self.fields.get("dates", ()))

    @property
    def reason(self) -> str:
        """BigQuery's own word for it, "" if the answer had none."""
        return str(self.fields.get("reason", ""))


class TransientError(WarehouseError, Retryable):
    """Raised when the service failed (5xx, backendError, …) and it is known that no job is left running."""


class Unreachable(WarehouseError, Retryable):
    """Raised when nothing reached the service: connection refused, unknown host, no token to be had."""

    exit_code = 4


class TransactionAborted(WarehouseError, Retryable):
    """Raised when a transaction lost against another that changes rows of the same table; it left no trace."""


class JobTimedOut(WarehouseError, Retryable):
    """Raised when a job was ended because its time was up, by the service or by us."""


class RateLimited(WarehouseError, QuotaSignal):
    """Raised when requests, reads or jobs come too fast; the limit is free again within seconds."""


class QuotaExceeded(WarehouseError, QuotaSignal):
    """Raised when a quota of the day is used up. Fields: `park_seconds`, how long to leave the table alone."""

    PARK_SECONDS: ClassVar[float] = 600.0
    """At least ten minutes (Troubleshoot quota and limit errors, read 2026-11)."""

    def __init__(self, what: str, do: str = "", **fields: Any) -> None:
        super().__init__(what, do, **{"park_seconds": self.PARK_SECONDS, **fields})

    @property
    def park_seconds(self) -> float:
        """Seconds to leave the table alone."""
        return float(self.fields["park_seconds"])


class TooManyStatements(WarehouseError, QuotaSignal):
    """Raised when a table has 2 DML statements running and 20 queued (Quotas, read 2026-11): the permits failed."""


class JobUnresolved(WarehouseError, Permanent):
    """Raised when a call ends and the job may still run, or may never have been created.

    Permanent, because the same work under a new id could be done twice. Field: `job_id`; ask `Warehouse.job` until
    it says DONE, FAILED or MISSING, and keep the job's permit until then.
    """


class Superseded(WarehouseError, Permanent):
    """Raised when partitions have another commit than the plan saw. Field: `dates`, those partitions."""


class Held(WarehouseError, Permanent):
    """Raised when a commit comes to a table that an operator holds; it left no trace."""

    exit_code = 3


class AlreadyCommitted(WarehouseError, Permanent):
    """Raised when the ledger already holds this very commit: an earlier attempt succeeded."""


class StagingMismatch(WarehouseError, Permanent):
    """Raised when staging holds other numbers of rows than were sent. Field: `dates`; a load is not trusted twice."""


class RowsChanged(WarehouseError, Permanent):
    """Raised when `dates` of a table hold other numbers of rows than were looked at before a repair."""


class HeadMissing(WarehouseError, Permanent):
    """Raised when a table's head has no row, so that commits could not see each other."""

    exit_code = 4


class InvalidQuery(WarehouseError, Permanent):
    """Raised when BigQuery refuses SQL, a schema or the rows of a load."""


class AccessDenied(WarehouseError, Permanent):
    """Raised when a right, a billing account or usable credentials are missing."""

    exit_code = 4


class NotFound(WarehouseError, Permanent):
    """Raised when a project, dataset or table does not exist, or lives in another location."""

    exit_code = 4


class AlreadyExists(WarehouseError, Permanent):
    """Raised when something of that name exists and the call did not allow for it."""


class BytesBilledLimit(WarehouseError, Permanent):
    """Raised when a query would bill more bytes, or a higher tier, than it may; refused before it runs, for free."""

    exit_code = 6


class Stopped(WarehouseError, Permanent):
    """Raised when somebody cancelled the job. A commit may have been published just before: its ledger tells."""


class UnknownError(WarehouseError, Permanent):
    """Raised for an answer that the table of reasons does not know: safer not to repeat than to do twice."""
