"""Every error that backcourt raises on purpose.

    BackcourtError
    ├── UsageError             bad flag, date, table name or setting          exit 2
    ├── PreflightError         the warehouse is not as the run needs it       exit 4
    ├── LimitReached           a limit of time or cost ended the run          exit 6
    ├── GateError              partitions blocked by the gate                 exit 3
    ├── DataError              a processor, a source or a file made bad rows
    └── (warehouse/errors.py)  what BigQuery answered, by class

A leaf carries exactly one of three mix-ins, which decides what a caller may do with it: `Retryable` (try again
later, under a new job id), `QuotaSignal` (try again later, and with a smaller budget), `Permanent` (never try again).
"""

from typing import Any, ClassVar


class BackcourtError(Exception):
    """Root of the tree. `what` says what happened, to which run, table and date; `do` says what to do next.

    Errors cross process borders through Ray, so type, text and `fields` survive pickling.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, do: str = "", **fields: Any) -> None:
        super().__init__(what)
        self.what = what
        self.do = do
        self.fields = fields

    def __str__(self) -> str:
        """Both sentences, as the command line prints them."""
        return f"{self.what} {self.do}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by constructor arguments: the default forgets keyword fields."""
        return (_rebuild, (type(self), self.what, self.do, self.fields))


class Retryable:
    """Mix-in: the same work may succeed later, under a new job id."""


class QuotaSignal:
    """Mix-in: the service asks for less; wait, halve the budget, then the same work may succeed."""


class Permanent:
    """Mix-in: trying again cannot help."""


class UsageError(BackcourtError, Permanent):
    """Raised when a flag, a date, a table name, a file of dates or a setting cannot be used."""

    exit_code = 2


class PreflightError(BackcourtError, Permanent):
    """Raised before anything runs: the warehouse lacks what the run needs, or differs from what it declares."""

    exit_code = 4


class LimitReached(BackcourtError, Permanent):
    """Raised when a limit of time or cost was reached, or when a run made no progress for too long."""

    exit_code = 6


class GateError(BackcourtError, Permanent):
    """Raised when rows may not be made or published, by a processor too: it blocks the date that it is raised for."""

    exit_code = 3


class DataError(BackcourtError, Permanent):
    """Raised when a file, a source or a processor yields rows that do not fit the declared table."""

    exit_code = 5


def _rebuild(cls: type[BackcourtError], what: str, do: str, fields: dict[str, Any]) -> BackcourtError:
    return cls(what, do, **fields)
