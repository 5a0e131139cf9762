"""Asking for permits: the port that every step uses, and the implementation for one process.

Nobody waits for a permit while holding one: `held` takes exactly one, for exactly one call, and gives it back before
any sleep.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Protocol

from backcourt.clock import Clock
from backcourt.warehouse.requests import Kind
from ray_tasks.allowance import Allowance, Capped
from ray_tasks.budget import Budget
from ray_tasks.errors import PermitTimeout
from ray_tasks.permit_book import Ask, KindState, Permit, PermitBook

PATIENCE_SECONDS = 1800.0
"""How long a step waits for a permit. A kind that is parked, or that other runs have, uses up the same time."""


class Permits(Protocol):
    """Where permits come from."""

    def acquire(self, kind: Kind, job_id: str = "", table: str = "") -> Permit:
        """Wait for a permit.

        Raises:
            PermitTimeout: none was granted in time.
        """

    def release(self, permit: Permit) -> None:
        """Give it back; the call that it was for has ended."""

    def signal(self, permit: Permit, park_seconds: float = 0.0) -> None:
        """BigQuery refused the call for a limit."""


class ShareLimits(Protocol):
    """An authority whose budget is shared with other runs."""

    def cap(self, target: Mapping[Kind, int]) -> Capped:
        """Stop granting beyond a smaller share, and tell what is in flight."""

    def renew_share(self, permits: Mapping[Kind, int], until: float) -> None:
        """Grant within this share until then, by the clock of `Capped.at`."""


@contextmanager
def held(permits: Permits, kind: Kind, job_id: str = "", table: str = "") -> Iterator[Permit]:
    """One permit for the length of one call."""
    permit = permits.acquire(kind, job_id, table)
    try:
        yield permit
    finally:
        permits.release(permit)


def new_book(budgets: Mapping[Kind, int], epoch: str, *, recovering: bool = False, sharing: bool = False) -> PermitBook:
    """A book with every budget at its setting; one that shares it grants nothing until it was told its share."""
    allowance = Allowance() if sharing else None
    return PermitBook({kind: Budget(limit) for kind, limit in budgets.items()}, epoch, recovering, allowance)


def timeout_error(kind: Kind, job_id: str, waited: float, states: tuple[KindState, ...]) -> PermitTimeout:
    """The error that says who holds what one waited for."""
    state = next(s for s in states if s.kind is kind)
    why = "other runs have the budget" if state.share == 0 else "the kind is parked or the authority is recovering"
    holders = "; ".join(state.holders) or f"nobody: {why}"
    return PermitTimeout(
        f"No {kind} permit for {job_id or 'a read'} within {waited:.0f} s; "
        f"{state.held + state.orphaned} of {state.ceiling} are in flight: {holders}.",
        "Look at those jobs in BigQuery, or raise the budget.",
    )


class LocalPermits:
    """The authority for one process: the same book behind a lock. Threads of a serial run share it."""

    def __init__(
        self, budgets: Mapping[Kind, int], clock: Clock, patience: float = PATIENCE_SECONDS, *, sharing: bool = False
    ) -> None:
        """Start with every budget at its setting, and with no share of it where it is shared."""
        self._book = new_book(budgets, "local", sharing=sharing)
        self._clock, self._patience = clock, patience
        self._changed = threading.Condition()
        self._numbers = count(1)

    def acquire(self, kind: Kind, job_id: str = "", table: str = "") -> Permit:
        """Wait for a permit; see Permits."""
        started = self._clock.monotonic()
        with self._changed:
            ask = Ask(f"local-{next(self._numbers)}", kind, "local", job_id, table)
            self._book.ask(ask, started)
            while True:
                now = self._clock.monotonic()
                self._book.grant(now)
                if ask.id in self._book.held:
                    self._changed.notify_all()
                    return self._book.held[ask.id]
                if now - started > self._patience:
                    self._book.withdraw(ask.id)
                    raise timeout_error(kind, job_id, now - started, self._book.state(now))
                self._changed.wait(0.2)

    def release(self, permit: Permit) -> None:
        """Give it back; see Permits."""
        with self._changed:
            self._book.release(permit.id)
            self._changed.notify_all()

    def signal(self, permit: Permit, park_seconds: float = 0.0) -> None:
        """Note a refusal; see Permits."""
        with self._changed:
            self._book.signal(permit, self._clock.monotonic(), park_seconds)

    def set_limits(self, settings: Mapping[Kind, int]) -> None:
        """Change the budgets of the run while it is alive."""
        with self._changed:
            self._book.set_limits(settings)
            self._changed.notify_all()

    def cap(self, target: Mapping[Kind, int]) -> Capped:
        """Stop granting beyond a smaller share; see ShareLimits."""
        with self._changed:
            return self._book.cap(target, self._clock.monotonic())

    def renew_share(self, permits: Mapping[Kind, int], until: float) -> None:
        """Grant within this share; see ShareLimits."""
        with self._changed:
            self._book.renew_share(permits, until)
            self._changed.notify_all()

    def state(self) -> tuple[KindState, ...]:
        """Every kind, for `status` and the watchdog."""
        with self._changed:
            return self._book.state(self._clock.monotonic())
