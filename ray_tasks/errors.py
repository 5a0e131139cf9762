"""Errors of running on a pool.

BackcourtError
├── PermitTimeout   nobody gave a permit back for too long      Retryable
├── WorkerDied      the process of a step is gone               Retryable
│   └── Bystander   … while it also computed something else     Retryable
├── InputLost       a block was lost with its node              Retryable
└── RayNotStarted   Ray could not be started or joined          Retryable
"""

from backcourt.errors import BackcourtError, Retryable


class PermitTimeout(BackcourtError, Retryable):
    """Raised when a permit was not granted before the deadline; the message names who holds them."""

    exit_code = 6


class WorkerDied(BackcourtError, Retryable):
    """Raised when the process that ran a step is gone; whether it had finished is unknown."""


class Bystander(WorkerDied):
    """Raised for a step that read or staged in a process that died while computing: hardly that step's fault."""


class InputLost(BackcourtError, Retryable):
    """Raised when a step's input was lost with the node that held it; it must be read again."""


class RayNotStarted(BackcourtError, Retryable):
    """Raised when Ray could not be started or joined in time: on a busy node it may, the next time.

    Its exit code is 1, not preflight's 4, after which a CronJob would not try another pod.
    """
