"""A holder's end of the permit authority, in every worker and in the driver.

It outlives the authority's restarts: a call that fails is made again, and a grant that was on its way when the
authority died is refused, because the new authority has never heard of it.
"""

import threading
import uuid
from typing import Any

import ray
from ray.exceptions import GetTimeoutError

from backcourt.clock import Clock
from backcourt.warehouse.requests import Kind
from ray_tasks.permit_actor import BookState
from ray_tasks.permit_book import Ask, KindState, Permit
from ray_tasks.permits import PATIENCE_SECONDS, timeout_error
from ray_tasks.ray_errors import GONE

CALL_SECONDS = 20.0
"""How long one waiting call lasts before it is asked anew; keeps a lost call from hanging a worker."""
RETRY_SECONDS = 0.2
"""Pause before an authority that just died is asked again; it restarts within seconds."""


class PermitClient:
    """Permits from the authority. Thread-safe."""

    def __init__(self, authority: Any, holder: str, clock: Clock, patience: float = PATIENCE_SECONDS) -> None:
        """Connect to the authority's actor handle as `holder`."""
        self._authority, self._holder, self._clock, self._patience = authority, holder, clock, patience
        self._lock = threading.Lock()
        self._held: dict[str, Permit] = {}
        self._retired_epochs: set[str] = set()

    def acquire(self, kind: Kind, job_id: str = "", table: str = "") -> Permit:
        """Wait for a permit; see Permits."""
        started = self._clock.monotonic()
        while self._clock.monotonic() - started < self._patience:
            ask = Ask(uuid.uuid4().hex, kind, self._holder, job_id, table)
            try:
                permit: Permit | None = ray.get(
                    self._authority.acquire.remote(ask, CALL_SECONDS), timeout=2 * CALL_SECONDS
                )
            except (*GONE, GetTimeoutError):
                self._authority.release.remote(ask.id)  # the answer may have been a grant
                self._clock.sleep(RETRY_SECONDS)
                continue
            if permit and self._take(permit):
                return permit
        waited = self._clock.monotonic() - started
        raise timeout_error(kind, job_id, waited, self._kinds())

    def release(self, permit: Permit) -> None:
        """Give it back; see Permits. A dead authority forgets it anyway."""
        with self._lock:
            self._held.pop(permit.id, None)
        self._authority.release.remote(permit.id)

    def signal(self, permit: Permit, park_seconds: float = 0.0) -> None:
        """Note a refusal; see Permits."""
        self._authority.signal.remote(permit, park_seconds)

    def announce(self, old_epoch: str) -> tuple[Permit, ...]:
        """What is held, for an authority that restarted; grants of its former life are refused from now on."""
        with self._lock:
            self._retired_epochs.add(old_epoch)
            return tuple(self._held.values())

    def _take(self, permit: Permit) -> bool:
        with self._lock:
            if permit.epoch in self._retired_epochs:
                return False
            self._held[permit.id] = permit
            return True

    def _kinds(self) -> tuple[KindState, ...]:
        state: BookState = ray.get(self._authority.state.remote(), timeout=CALL_SECONDS)
        return state.kinds
