"""Google's JSON for errors, and which HTTP status a reason has."""

from typing import Any

_STATUS = {
    "accessDenied": 403,
    "backendError": 503,
    "duplicate": 409,
    "internalError": 500,
    "invalid": 400,
    "invalidQuery": 400,
    "jobBackendError": 400,
    "jobInternalError": 400,
    "jobRateLimitExceeded": 400,
    "notFound": 404,
    "quotaExceeded": 403,
    "rateLimitExceeded": 403,
    "resourcesExceeded": 400,
    "responseTooLarge": 403,
    "stopped": 499,
    "timeout": 400,
}


class Refused(Exception):
    """Raised when a call or a job shall fail the way BigQuery lets it fail (bq:error-messages, read 2026-11)."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message

    @property
    def job_error(self) -> dict[str, str]:
        """As the `errorResult` of a job."""
        return {"reason": self.reason, "message": self.message}


def status_of(reason: str) -> int:
    """The HTTP status that goes with a reason; 400 for one that is not in the table."""
    return _STATUS.get(reason, 400)


def error_body(reason: str, message: str) -> dict[str, Any]:
    """The body of a failed call."""
    errors = [{"reason": reason, "message": message, "domain": "global"}]
    return {"error": {"code": status_of(reason), "message": message, "errors": errors}}


def error_in(body: Any, status: int) -> dict[str, str]:
    """A job's `errorResult` out of the body of a failed call."""
    error = body.get("error", {}) if isinstance(body, dict) else {}
    first = (error.get("errors") or [{}])[0]
    return {
        "reason": first.get("reason", "internalError"),
        "message": error.get("message") or f"The local BigQuery answered HTTP {status}.",
    }
