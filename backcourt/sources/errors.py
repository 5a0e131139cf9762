"""What a source may raise besides DataError and UsageError.

BackcourtError
└── SourceUnavailable   a service does not answer, or asks for patience for too long   Retryable
"""

from backcourt.errors import BackcourtError, Retryable


class SourceUnavailable(BackcourtError, Retryable):
    """Raised when a service did not give a usable answer in the tries it had; the same request may succeed later."""

    exit_code = 5
