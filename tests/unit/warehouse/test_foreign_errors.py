"""Foreign errors become ours: by reason, then by status, and by text only where BigQuery documents no other way."""

import json
from datetime import date

import grpc
import pytest
import requests
import urllib3
from google.api_core import exceptions as google
from google.auth import exceptions as auth

from backcourt.errors import Permanent
from backcourt.warehouse import errors
from backcourt.warehouse.foreign_errors import (
    REASONS,
    STATUS,
    WHAT_TO_DO,
    About,
    answered,
    never_sent,
    outcome_unknown,
    translated,
)

ABOUT = About("Job j-1 (commit of d.t)", "j-1", "d.t", (date(2024, 1, 1), date(2024, 1, 2)))


def refused(status: int, reason: str, message: str = "no") -> google.GoogleAPICallError:
    """The exception that the REST client makes of a refused request."""
    response = requests.Response()
    response.status_code = status
    response.request = requests.Request("POST", "http://bigquery/jobs").prepare()
    error = {"code": status, "message": message, "errors": [{"reason": reason, "message": message}] if reason else []}
    response._content = json.dumps({"error": error}).encode()
    response.headers["content-type"] = "application/json"
    return google.from_http_response(response)


# Error messages page of BigQuery's documentation and FACTS.md 2.7.
@pytest.mark.parametrize(
    ("status", "reason", "kind"),
    [
        (403, "rateLimitExceeded", errors.RateLimited),
        (403, "quotaExceeded", errors.QuotaExceeded),
        (400, "jobRateLimitExceeded", errors.RateLimited),
        (400, "jobBackendError", errors.TransientError),
        (400, "jobInternalError", errors.TransientError),
        (503, "backendError", errors.TransientError),
        (500, "internalError", errors.TransientError),
        (409, "duplicate", errors.AlreadyExists),
        (400, "resourcesExceeded", errors.InvalidQuery),
        (403, "responseTooLarge", errors.InvalidQuery),
        (400, "invalidQuery", errors.InvalidQuery),
        (400, "invalid", errors.InvalidQuery),
        (404, "notFound", errors.NotFound),
        (403, "accessDenied", errors.AccessDenied),
        (400, "billingTierLimitExceeded", errors.BytesBilledLimit),
        (400, "bytesBilledLimitExceeded", errors.BytesBilledLimit),
        (400, "stopped", errors.Stopped),
        (400, "timeout", errors.JobTimedOut),
        (400, "aReasonOfNextYear", errors.UnknownError),
        (500, "aReasonOfNextYear", errors.UnknownError),
    ],
)
def test_the_reason_decides(status: int, reason: str, kind: type[Exception]) -> None:
    over_http = translated(refused(status, reason), ABOUT)
    of_a_job = answered(reason, "no", ABOUT)
    assert type(over_http) is type(of_a_job) is kind
    for error in (over_http, of_a_job):
        assert (error.job_id, error.reason, error.fields["table"], error.dates) == ("j-1", reason, "d.t", ABOUT.dates)
        assert "Job j-1 (commit of d.t)" in error.what
        assert error.do


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refused(502, ""), errors.TransientError),
        (refused(429, ""), errors.RateLimited),
        (refused(401, ""), errors.AccessDenied),
        (refused(418, ""), errors.UnknownError),
        (google.ResourceExhausted("streams"), errors.RateLimited),
        (google.ServiceUnavailable("down"), errors.TransientError),
        (google.DeadlineExceeded("late"), errors.TransientError),
        (google.NotFound("table"), errors.NotFound),
        (google.PermissionDenied("no"), errors.AccessDenied),
        (auth.DefaultCredentialsError("none"), errors.AccessDenied),
        (auth.RefreshError("expired"), errors.AccessDenied),
        (auth.TransportError("no token"), errors.Unreachable),
        (requests.exceptions.ReadTimeout("late"), errors.TransientError),
        (requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("reset")), errors.TransientError),
        (ValueError("surprise"), errors.UnknownError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_without_a_reason_the_status_or_the_exception_decides(error: Exception, kind: type[Exception]) -> None:
    assert type(translated(error, ABOUT)) is kind


def test_our_own_markers_win_over_the_reason() -> None:
    prefix = "Query error: "
    superseded = answered("invalidQuery", prefix + "backcourt:superseded:2024-01-02,2024-02-03 at [5:1]", ABOUT)
    assert type(superseded) is errors.Superseded
    assert superseded.dates == (date(2024, 1, 2), date(2024, 2, 3))
    staging = answered("invalidQuery", prefix + "backcourt:staging:2024-01-02", ABOUT)
    assert (type(staging), staging.dates) == (errors.StagingMismatch, (date(2024, 1, 2),))
    assert type(answered("invalidQuery", prefix + "backcourt:already-committed", ABOUT)) is errors.AlreadyCommitted
    assert type(answered("invalidQuery", prefix + "backcourt:head", ABOUT)) is errors.HeadMissing


def test_a_server_that_quotes_the_script_does_not_set_a_marker() -> None:
    script = "LINE 3: SELECT IF(x, ERROR('backcourt:already-committed'), ERROR(CONCAT('backcourt:superseded:', d)))"
    assert type(answered("invalidQuery", f"Syntax error. {script}", ABOUT)) is errors.InvalidQuery


# Texts of the pages Troubleshoot queries, Transactions and Data manipulation language.
@pytest.mark.parametrize(
    ("reason", "message", "kind"),
    [
        (
            "invalidQuery",
            "Could not serialize access to table p:o.head__t due to concurrent update",
            errors.TransactionAborted,
        ),
        (
            "invalidQuery",
            "Transaction is aborted due to concurrent update against table p:o.head__t. Transaction ID: 1",
            errors.TransactionAborted,
        ),
        (
            "resourcesExceeded",
            "Resources exceeded during query execution: Too many DML statements outstanding against table p:d.t, "
            "limit is 20.",
            errors.TooManyStatements,
        ),
        ("quotaExceeded", "DML statement has been queued for too long", errors.TooManyStatements),
    ],
)
def test_documented_texts_refine_general_reasons(reason: str, message: str, kind: type[Exception]) -> None:
    assert type(answered(reason, message, ABOUT)) is kind


@pytest.mark.parametrize(
    ("error", "unknown"),
    [
        (refused(503, "backendError"), True),
        (refused(500, ""), True),
        (refused(403, "rateLimitExceeded"), False),
        (refused(400, "invalid"), False),
        (requests.exceptions.ReadTimeout("late"), True),
        (requests.exceptions.ChunkedEncodingError("cut"), True),
        (requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("reset")), True),
        (ConnectionResetError("reset"), True),
        (ConnectionRefusedError("refused"), False),
        (auth.RefreshError("expired"), False),
    ],
    ids=lambda value: f"{type(value).__name__}-{value}" if isinstance(value, Exception) else "",
)
def test_only_lost_answers_leave_the_outcome_unknown(error: Exception, *, unknown: bool) -> None:
    assert outcome_unknown(error) is unknown


def test_a_refused_connection_was_never_sent() -> None:
    with pytest.raises(requests.exceptions.ConnectionError) as caught:
        requests.get("http://127.0.0.1:9", timeout=5)
    assert never_sent(caught.value)
    assert type(translated(caught.value, ABOUT)) is errors.Unreachable
    assert not outcome_unknown(caught.value)


def test_every_class_has_its_advice_and_unknown_is_never_repeated() -> None:
    classes = {*REASONS.values(), *STATUS.values()}
    assert classes < set(WHAT_TO_DO)
    assert set(WHAT_TO_DO) == set(errors.WarehouseError.__subclasses__())
    assert issubclass(errors.UnknownError, Permanent)
    assert issubclass(errors.JobUnresolved, Permanent)


def test_a_raw_grpc_error_is_weather() -> None:
    assert type(translated(grpc.RpcError("broken"), ABOUT)) is errors.TransientError
