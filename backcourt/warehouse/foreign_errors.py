"""Every foreign error becomes one of ours here: one table by BigQuery's `reason`, one function by exception.

A reason decides, not a text. The exceptions are ours (`backcourt:…`, put into ERROR() by the commit script) and two
conditions to which BigQuery gives a general reason and a documented text (Troubleshoot queries, Data manipulation
language, read 2026-11).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import grpc
import requests
import urllib3
from google.api_core import exceptions as google_errors
from google.auth import exceptions as auth_errors

from backcourt.warehouse import errors as e
from backcourt.warehouse.errors import WarehouseError

REASONS: dict[str, type[WarehouseError]] = {
    "rateLimitExceeded": e.RateLimited,
    "jobRateLimitExceeded": e.RateLimited,
    "userRateLimitExceeded": e.RateLimited,
    "admissionDenied": e.RateLimited,
    "quotaExceeded": e.QuotaExceeded,
    "backendError": e.TransientError,
    "internalError": e.TransientError,
    "jobBackendError": e.TransientError,
    "jobInternalError": e.TransientError,
    "badGateway": e.TransientError,
    "tableUnavailable": e.TransientError,
    "timeout": e.JobTimedOut,
    "stopped": e.Stopped,
    "duplicate": e.AlreadyExists,
    "notFound": e.NotFound,
    "accessDenied": e.AccessDenied,
    "authError": e.AccessDenied,
    "billingNotEnabled": e.AccessDenied,
    "blocked": e.AccessDenied,
    "invalidQuery": e.InvalidQuery,
    "invalid": e.InvalidQuery,
    "required": e.InvalidQuery,
    "parseError": e.InvalidQuery,
    "responseTooLarge": e.InvalidQuery,
    "resourcesExceeded": e.InvalidQuery,
    "billingTierLimitExceeded": e.BytesBilledLimit,
    "bytesBilledLimitExceeded": e.BytesBilledLimit,
}
"""BigQuery's reasons (Error messages, read 2026-11) and their classes; a reason not listed is UnknownError."""

STATUS: dict[int, type[WarehouseError]] = {
    400: e.InvalidQuery,
    401: e.AccessDenied,
    403: e.AccessDenied,
    404: e.NotFound,
    409: e.AlreadyExists,
    429: e.RateLimited,
}
"""Used only where an answer has no reason: gRPC's status (as its HTTP code), a proxy's bare page. 5xx is Transient."""

WHAT_TO_DO: dict[type[WarehouseError], str] = {
    e.TransientError: "Try again; if it stays so, see status.cloud.google.com.",
    e.Unreachable: "Check the address, the network and that the service runs.",
    e.TransactionAborted: "Send the commit again under the id of its next attempt.",
    e.JobTimedOut: "Try again with fewer dates or a longer timeout.",
    e.RateLimited: "Wait some seconds and run fewer jobs at once.",
    e.QuotaExceeded: "Leave the table alone for ten minutes; see the project's quotas page.",
    e.TooManyStatements: "Wait; find out what else changes this table, and check that all runs share one budget.",
    e.JobUnresolved: "Look the job up by its id before doing the work again.",
    e.Superseded: "Plan again: another run has published these dates.",
    e.Held: "`backcourt hold --list` says until when and why; run again afterwards, or release it.",
    e.AlreadyCommitted: "Nothing: an earlier attempt of this commit succeeded.",
    e.StagingMismatch: "Run again; the dates are loaded anew into a staging table of their own.",
    e.RowsChanged: "Somebody else writes to the table: find out who, then run the command again.",
    e.HeadMissing: "Run `backcourt preflight --create`, which seeds it.",
    e.InvalidQuery: "This is a fault in the pipeline's declaration or in backcourt: report it with the job id.",
    e.AccessDenied: "Check the credentials and that the service account may read, write and run jobs there.",
    e.NotFound: "Check project, dataset, table and location; `backcourt preflight` names what is missing.",
    e.AlreadyExists: "Choose another name, or remove what is there.",
    e.BytesBilledLimit: "Raise the limit of bytes billed, or ask for fewer dates.",
    e.Stopped: "Run again to do what is left; the ledger says what was published.",
    e.UnknownError: "Look at the job in BigQuery; run again once its cause is known.",
}

_DATES = r"\d{4}-\d\d-\d\d(?:,\d{4}-\d\d-\d\d)*"
_MARKERS: tuple[tuple[re.Pattern[str], type[WarehouseError]], ...] = (
    (re.compile(rf"backcourt:superseded:({_DATES})"), e.Superseded),
    (re.compile(r"backcourt:already-committed(?!')"), e.AlreadyCommitted),
    (re.compile(rf"backcourt:staging:({_DATES})"), e.StagingMismatch),
    (re.compile(rf"backcourt:rows:({_DATES})"), e.RowsChanged),
    (re.compile(r"backcourt:held(?!['_])"), e.Held),
    (re.compile(r"backcourt:head(?!['_])"), e.HeadMissing),
)
"""What the commit script says by ERROR(). A quote right behind a marker is a server quoting the SQL, not the error."""

_CONFLICT = re.compile(r"(serialize access|transaction is aborted).*concurrent update", re.IGNORECASE | re.DOTALL)
_STATEMENTS = re.compile(
    r"too many DML statements outstanding|DML statement has been queued for too long", re.IGNORECASE
)


@dataclass(frozen=True)
class About:
    """What a call was about, for the error's text and fields."""

    what: str
    job_id: str = ""
    table: str = ""
    dates: tuple[date, ...] = ()


def answered(reason: str, message: str, about: About, status: int | None = None) -> WarehouseError:
    """The error for an answer of BigQuery: a job's `errorResult`, or the body of a refused request.

    Args:
        reason: BigQuery's reason, "" if the answer has none.
        message: its text, which becomes part of ours.
        about: the call.
        status: the HTTP code of a refused request; None for a job that ended in error.
    """
    dates = about.dates
    kind = _class_of(reason, message, status)
    for pattern, marked in _MARKERS:
        if found := pattern.search(message):
            kind = marked
            if found.groups():
                dates = tuple(date.fromisoformat(text) for text in found.group(1).split(","))
            break
    return raised(kind, f"{about.what}: {message.strip() or reason or status}", about, dates=dates, reason=reason)


def translated(error: Exception, about: About) -> WarehouseError:
    """The error for an exception of the Google clients, of requests, gRPC or google-auth.

    Use as `raise translated(exc, about) from exc`.
    """
    if isinstance(error, WarehouseError):
        return error
    if isinstance(error, google_errors.GoogleAPICallError):
        return answered(_reason(error), str(error.message or ""), about, int(error.code) if error.code else None)
    if isinstance(error, auth_errors.TransportError) or never_sent(error):
        return raised(e.Unreachable, f"{about.what}: the service cannot be reached ({_first_line(error)}).", about)
    if isinstance(error, auth_errors.GoogleAuthError):
        return raised(e.AccessDenied, f"{about.what}: the credentials cannot be used ({_first_line(error)}).", about)
    if isinstance(error, LINE_ERRORS):
        return raised(e.TransientError, f"{about.what}: the answer was lost ({_first_line(error)}).", about)
    return raised(e.UnknownError, f"{about.what}: {type(error).__name__}: {_first_line(error)}.", about)


def raised(kind: type[WarehouseError], what: str, about: About, **fields: Any) -> WarehouseError:
    """An error of that class with the standard advice and the call's fields."""
    known = {"job_id": about.job_id, "table": about.table, "dates": about.dates, **fields}
    return kind(what, WHAT_TO_DO[kind], **{name: value for name, value in known.items() if value})


LINE_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    google_errors.RetryError,
    grpc.RpcError,
    ConnectionError,
    TimeoutError,
)
"""What the line itself raises, below BigQuery."""

FOREIGN_ERRORS = (*LINE_ERRORS, google_errors.GoogleAPIError, auth_errors.GoogleAuthError)
"""Everything that a call of the Google clients raises on the wire."""


def outcome_unknown(error: Exception) -> bool:
    """Whether a request may have been carried out although it failed: 5xx, or an answer that was lost."""
    if isinstance(error, google_errors.GoogleAPICallError):
        return error.code is None or int(error.code) >= 500
    return isinstance(error, LINE_ERRORS) and not never_sent(error)


def never_sent(error: BaseException) -> bool:
    """Whether no connection was made, so that the service cannot have seen the request."""
    unsent = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError, ConnectionRefusedError)
    return any(isinstance(cause, unsent) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what is inside it: requests keeps urllib3's error in args, urllib3 in `reason`."""
    inside: list[Any] = [error]
    for _ in range(10):
        if not inside:
            return
        cause = inside.pop()
        if isinstance(cause, BaseException):
            yield cause
            inside += [*cause.args, getattr(cause, "reason", None), cause.__cause__]


def _reason(error: google_errors.GoogleAPICallError) -> str:
    for detail in error.errors:
        if isinstance(detail, dict) and detail.get("reason"):
            return str(detail["reason"])
    return ""


def _class_of(reason: str, message: str, status: int | None) -> type[WarehouseError]:
    if _CONFLICT.search(message):
        return e.TransactionAborted
    if _STATEMENTS.search(message):
        return e.TooManyStatements
    if reason in REASONS:
        return REASONS[reason]
    if status is not None and not reason:
        return e.TransientError if status >= 500 else STATUS.get(status, e.UnknownError)
    return e.UnknownError


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
