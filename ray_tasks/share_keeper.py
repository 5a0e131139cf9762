"""Keeps a run's share of the budget that it has together with other runs: one thread of the driver.

At every look it reads what all runs have, works out its own part, and moves there: down by first having the permit
authority stop granting and then publishing what is still in flight; up by first publishing and then granting. Whatever
is published was won by compare-and-swap against what was read.

A share holds for a while only. Who was stopped (SIGSTOP, a frozen node) may meanwhile have been taken for dead and its
share given away. So the authority grants on a share for `granting` seconds after the look that renewed it, by its own
clock, and others wait much longer, by theirs, before they ask BigQuery whether the silent run's jobs have ended.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf

from ray.exceptions import GetTimeoutError

from backcourt.clock import Clock
from backcourt.errors import BackcourtError
from backcourt.pipeline.shares import (
    Priority,
    Share,
    Shares,
    Sightings,
    Wish,
    announced,
    parted,
    settled,
    target_of,
    without,
)
from backcourt.sharing.store import Seen, SharesStore
from backcourt.warehouse.requests import Kind
from ray_tasks.departed import Departed
from ray_tasks.permits import ShareLimits
from ray_tasks.ray_errors import GONE

SWAPS = 5
"""How often a swap that somebody else won is tried again at once; after that, at the next look."""
STOP_SECONDS = 2.0
"""How long a look that is under way is awaited before the share is given back."""
NOT_NOW = (BackcourtError, *GONE, GetTimeoutError)
"""What a look may meet that the next one need not."""


@dataclass(frozen=True)
class Lease:
    """How long a share holds, in seconds.

    It is renewed every `renewing`; its own run grants on it for `granting`; others leave it alone until they have seen
    no renewal for `silent`. Between the last two lies the time that a call needs from its permit to its job.
    """

    renewing: float = 5.0
    granting: float = 20.0
    silent: float = 60.0


class ShareKeeper:
    """One run's end of the shares. `look` does one round; `start` has a thread do them."""

    def __init__(
        self,
        store: SharesStore,
        run: str,
        priority: Priority,
        budget: Mapping[Kind, int],
        most: Mapping[Kind, int],
        unfinished: Callable[[str], tuple[str, ...]],
        clock: Clock,
        lease: Lease | None = None,
    ) -> None:
        """Take what it works with.

        Args:
            store: where the shares of all runs are.
            run: this start's name, which its job ids begin with.
            priority: whether it comes before backfills.
            budget: what the run was set to.
            most: permits of each kind that its pool could use.
            unfinished: ids of jobs pending or running that begin with a text.
            clock: time.
            lease: how long a share holds.

        `trouble` says why the last look of the thread failed, "" where it did not.
        """
        self._store, self._run, self._priority, self._clock = store, run, priority, clock
        self._budget, self._most, self._lease = dict(budget), dict(most), lease or Lease()
        self._sightings, self._departed = Sightings(), Departed(unfinished, clock)
        self._until, self._epoch = -inf, ""
        self._renewed_at: float | None = None
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self.shares: Shares = ()
        self.trouble = ""

    @property
    def mine(self) -> Share | None:
        """This run's row as it was last published."""
        return next((share for share in self.shares if share.run == self._run), None)

    @property
    def may_begin(self) -> bool:
        """Whether there is a permit of every kind."""
        return self.mine is not None and all(self.mine.permits.get(kind, 0) > 0 for kind in self._budget)

    def set_budget(self, budget: Mapping[Kind, int]) -> None:
        """The run's budget was changed; from the next look on it asks for that."""
        self._budget = dict(budget)

    def start(self, limits: ShareLimits) -> None:
        """Have a thread look, from now to `stop`."""
        self._thread = threading.Thread(target=self._look_until_over, args=(limits,), name="share-keeper", daemon=True)
        self._thread.start()

    def stop(self, limits: ShareLimits) -> None:
        """Give the share back; what is in flight stays counted until its jobs have ended."""
        self._over.set()
        if self._thread:
            self._thread.join(STOP_SECONDS)
        with suppress(*NOT_NOW):  # a share that cannot be given back lapses
            self._leave(limits)

    def look(self, limits: ShareLimits) -> None:
        """Read, move towards the part that is this run's, and publish.

        Raises:
            NOT_NOW: the store or the authority could not be asked.
        """
        for _ in range(SWAPS):
            if self._moved(limits):
                return

    def _look_until_over(self, limits: ShareLimits) -> None:
        while not self._over.wait(self._store.pace):
            try:
                self.look(limits)
                self.trouble = ""
            except NOT_NOW as error:
                self.trouble = str(error)

    def _moved(self, limits: ShareLimits) -> bool:
        """One read and at most one swap; False when somebody else was first."""
        before = self._clock.monotonic()
        seen = self._store.read()
        self._sightings.look(seen.shares, self._clock.monotonic())
        gone = self._gone(seen.shares, before)
        runs = {share.run for share in seen.shares}
        shares = announced(without(seen.shares, self._departed.ended(gone, runs)), self._wish(), self._clock.now())
        target = target_of(shares, self._run, gone)
        capped = limits.cap(_by_kind(target))
        shares = settled(shares, self._run, target, _by_name(capped.in_flight), gone)
        if self._over.is_set():
            return True  # `stop` gives the share back
        # An authority that was restarted has another clock.
        if capped.epoch != self._epoch or self._is_due(seen, shares, before):
            if not self._store.compare_and_swap(seen, shares):
                return False
            self._renewed_at, self._epoch, self._until = before, capped.epoch, capped.at + self._lease.granting
        else:
            shares = seen.shares
        self.shares = shares
        published = self.mine.permits if self.mine else {}
        limits.renew_share(
            _by_kind({kind: min(number, target.get(kind, 0)) for kind, number in published.items()}), self._until
        )
        return True

    def _wish(self) -> Wish:
        wanted = {kind: min(number, self._most.get(kind, number)) for kind, number in self._budget.items()}
        return Wish(self._run, self._priority, _by_name(self._budget), _by_name(wanted))

    def _gone(self, shares: Shares, now: float) -> frozenset[str]:
        """Other runs that have ended, whose process has died, or that were not renewed for long."""
        silent = self._sightings.silent_for(self._lease.silent, now)
        return frozenset(
            share.run
            for share in shares
            if share.run != self._run and (share.left or share.run in silent or self._store.has_died(share.run))
        )

    def _is_due(self, seen: Seen, shares: Shares, now: float) -> bool:
        """Whether there is anything to publish: a change, or that this run is still alive."""
        if self._renewed_at is None or now - self._renewed_at >= self._lease.renewing:
            return True
        return [(s.wish, s.permits, s.left) for s in shares] != [(s.wish, s.permits, s.left) for s in seen.shares]

    def _leave(self, limits: ShareLimits) -> None:
        in_flight = limits.cap(dict.fromkeys(self._budget, 0)).in_flight
        for _ in range(SWAPS):
            seen = self._store.read()
            mine = next((share for share in seen.shares if share.run == self._run), None)
            if mine is None:
                return
            left = {kind: min(number, in_flight.get(Kind(kind), 0)) for kind, number in mine.permits.items()}
            if self._store.compare_and_swap(seen, parted(seen.shares, self._run, left)):
                return


def _by_name(amounts: Mapping[Kind, int]) -> dict[str, int]:
    return {kind.value: number for kind, number in amounts.items()}


def _by_kind(amounts: Mapping[str, int]) -> dict[Kind, int]:
    return {Kind(kind): number for kind, number in amounts.items()}
