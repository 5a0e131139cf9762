"""Where the shares of all runs are kept: the port, its errors, and the text that every store holds.

BackcourtError
├── SharesUnreachable   the store does not answer now          Retryable
└── SharesUnusable      there is none, or it may not be used   Permanent
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from backcourt.errors import BackcourtError, Permanent, Retryable
from backcourt.pipeline.shares import Shares

_TEXT = TypeAdapter(Shares)


class SharesUnreachable(BackcourtError, Retryable):
    """Raised when the shares can neither be read nor changed now; a run that cannot renew its share grants nothing."""


class SharesUnusable(BackcourtError, Permanent):
    """Raised when the shares are not there, are no shares, or may not be read or changed by this user."""

    exit_code = 4


@dataclass(frozen=True)
class Seen:
    """The shares as they were read; `version` is the store's own."""

    shares: Shares
    version: object


class SharesStore(Protocol):
    """One small object with compare-and-swap. Every call is bounded in time."""

    pace: float
    """Seconds between two looks that the store can bear from each run."""

    def read(self) -> Seen:
        """The shares as they are.

        Raises:
            SharesUnreachable, SharesUnusable: they cannot be read.
        """

    def compare_and_swap(self, seen: Seen, shares: Shares) -> bool:
        """Put `shares` in the place of what was seen; False when somebody else was first.

        Raises:
            SharesUnreachable, SharesUnusable: they cannot be changed, or nobody knows whether they were.
        """

    @contextmanager
    def present(self, run: str) -> Iterator[None]:
        """While this process lives for a run; a store that can tell of deaths tells of this one."""

    def has_died(self, run: str) -> bool:
        """Whether the run's process is known to be gone. False where that cannot be told."""


def text_of(shares: Shares) -> str:
    """The shares as JSON."""
    return _TEXT.dump_json(shares, indent=1).decode()


def shares_in(text: str, where: str) -> Shares:
    """The shares in a text; none in an empty one.

    Args:
        text: what the store holds.
        where: its name, for the error.

    Raises:
        SharesUnusable: it holds something else.
    """
    try:
        return _TEXT.validate_json(text) if text.strip() else ()
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(map(str, first["loc"]))
        raise SharesUnusable(
            f"The shares in {where} cannot be read: {path} {first['msg'].lower()}.".replace(":  ", ": "),
            "Empty it while no run is alive.",
        ) from None
