"""Who holds which permit, who waits, and what died: the permit authority as a plain state machine.

The hard part is not counting, it is dying. A counter of free slots drifts as soon as a holder dies between taking and
giving back. So the book keeps the set of permits itself, each with its holder and its job. When a holder dies its
permits become orphans: they still count, because the job may still run at BigQuery, until somebody who asked BigQuery
says that it has ended. When the authority itself dies and comes back, it knows nothing; it grants nothing until every
living holder has told what it holds.

No clock, no thread, no Ray in here: `permits.py` puts an actor or a lock around it.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from backcourt.warehouse.requests import Kind
from ray_tasks.allowance import UNKNOWN, Allowance, Capped
from ray_tasks.budget import Budget


@dataclass(frozen=True)
class Ask:
    """A wish for a permit. `id` is unique; `job_id` is the job that the permit is for, "" for a read."""

    id: str
    kind: Kind
    holder: str
    job_id: str = ""
    table: str = ""


@dataclass(frozen=True)
class Permit:
    """The right to have one call in flight. `serial` counts grants; `epoch` names the authority's life."""

    ask: Ask
    serial: int
    epoch: str
    granted_at: float

    @property
    def id(self) -> str:
        """The ask's id: an ask becomes one permit at most."""
        return self.ask.id


@dataclass(frozen=True)
class KindState:
    """One kind of permit as `status` shows it; holders and waiters each with job or table and age. In seconds.

    `share` is what the run has of the budget that several runs share, None where it has a budget to itself; a share
    that has `lapsed` could not be renewed in time, and nothing is granted on it.
    """

    kind: Kind
    setting: int
    limit: int
    held: int
    orphaned: int
    waiting: int
    seconds_since_signal: float | None
    parked_seconds: float
    holders: tuple[str, ...]
    waiters: tuple[str, ...] = ()
    share: int | None = None
    lapsed: bool = False
    signals: int = 0

    @property
    def ceiling(self) -> int:
        """How many permits there can be now: the limit within the share."""
        return self.limit if self.share is None else min(self.limit, self.share)


@dataclass
class PermitBook:
    """Grants permits in the order of the asks, kind by kind, within each kind's budget; one commit a table.

    Who waits long asks anew every CALL_SECONDS, and so goes to the back of the line.
    """

    budgets: dict[Kind, Budget]
    epoch: str
    recovering: bool = False
    allowance: Allowance | None = None
    held: dict[str, Permit] = field(default_factory=dict)
    orphans: dict[str, Permit] = field(default_factory=dict)
    _waiting: dict[Kind, deque[tuple[Ask, float]]] = field(default_factory=dict)
    _gone: set[str] = field(default_factory=set)
    _given_back: set[str] = field(default_factory=set)
    _serial: int = 0

    def ask(self, ask: Ask, now: float) -> None:
        """Stand in line. A dead holder's asks are ignored: it could never give the permit back."""
        if ask.holder not in self._gone:
            self._waiting.setdefault(ask.kind, deque()).append((ask, now))

    def withdraw(self, ask_id: str) -> None:
        """Leave the line, or give the permit back if it was granted meanwhile."""
        for line in self._waiting.values():
            for entry in [e for e in line if e[0].id == ask_id]:
                line.remove(entry)
        self.release(ask_id)

    def grant(self, now: float) -> list[Permit]:
        """Every permit that can be granted now, in order."""
        if self.recovering:
            return []
        granted = []
        for kind, line in self._waiting.items():
            kept: deque[tuple[Ask, float]] = deque()
            while line:
                ask, since = line.popleft()
                if not self._allows(kind, now):
                    kept.append((ask, since))
                    break
                if kind is Kind.COMMIT and self._commits_on(ask.table):
                    kept.append((ask, since))
                    continue
                granted.append(self._admit(ask, now))
            kept.extend(line)
            self._waiting[kind] = kept
        return granted

    def release(self, permit_id: str) -> None:
        """The call has ended. Unknown and repeated releases are harmless.

        While recovering it is noted even where the permit is known: a recovery that has to begin anew may be told of it
        once more.
        """
        self.held.pop(permit_id, None)
        if self.recovering:
            self._given_back.add(permit_id)

    def holder_died(self, holder: str) -> list[Permit]:
        """Turn the holder's permits into orphans, forget its asks, and refuse it from now on."""
        self._gone.add(holder)
        for kind, line in self._waiting.items():
            self._waiting[kind] = deque(e for e in line if e[0].holder != holder)
        lost = [p for p in self.held.values() if p.ask.holder == holder]
        for permit in lost:
            del self.held[permit.id]
            self.orphans[permit.id] = permit
        return lost

    def free_orphan(self, permit_id: str) -> None:
        """The orphan's job is known to have ended, or it never had one."""
        self.orphans.pop(permit_id, None)

    def signal(self, permit: Permit, now: float, park_seconds: float = 0.0) -> None:
        """BigQuery refused the permit's call for a limit.

        The serial number that counts is the one in this book: a permit of a former life was admitted anew.
        """
        known = self.held.get(permit.id) or self.orphans.get(permit.id) or permit
        self.budgets[permit.ask.kind].signal(known.serial, self._serial + 1, now, park_seconds)

    def set_limits(self, settings: Mapping[Kind, int]) -> None:
        """Change the budgets of a run that is alive; permits beyond a smaller one run out by themselves."""
        for kind, setting in settings.items():
            budget = self.budgets[kind]
            was_full = budget.limit == budget.setting
            budget.setting = setting
            budget.limit = setting if was_full else min(budget.limit, setting)

    def cap(self, target: Mapping[Kind, int], now: float) -> Capped:
        """Stop granting beyond a smaller share; what is in flight then. Without a share nothing changes."""
        if self.allowance:
            self.allowance.cap(target)
        flying = {kind: UNKNOWN if self.recovering else self.in_flight(kind) for kind in self.budgets}
        return Capped(flying, now, self.epoch)

    def renew_share(self, permits: Mapping[Kind, int], until: float) -> None:
        """Grant within this share until then, by the clock that `now` is read from."""
        if self.allowance:
            self.allowance.renew(permits, until)

    # --- after a restart of the authority ---------------------------------------------------------------------

    def readmit(self, permits: Iterable[Permit], now: float) -> list[Permit]:
        """A living holder told what it holds: the same permits under this epoch.

        Between the telling and this call it may have given some back, or died.
        """
        again = []
        for old in permits:
            if old.id in self._given_back or old.id in self.orphans:
                continue
            permit = self._admit(old.ask, now)
            if old.ask.holder in self._gone:
                self.orphans[permit.id] = self.held.pop(permit.id)
            else:
                again.append(permit)
        return again

    def remember(self, kinds: Iterable[KindState], now: float) -> None:
        """What was last seen of the former life's budgets; the time since then counts for nothing."""
        for seen in kinds:
            self.budgets[seen.kind].take_over(seen.setting, seen.limit, now, seen.parked_seconds)

    def adopt_orphans(self, asks: Iterable[Ask], now: float) -> None:
        """Jobs that run at BigQuery and that nobody told of; telling twice does no harm."""
        known = {p.ask.job_id for p in (*self.held.values(), *self.orphans.values())}
        for ask in asks:
            if ask.job_id not in known:
                permit = self._admit(ask, now)
                self.orphans[permit.id] = self.held.pop(permit.id)

    def resume(self) -> None:
        """Every living holder has told: grant again."""
        self.recovering = False
        self._given_back.clear()

    # --- looking ----------------------------------------------------------------------------------------------

    def in_flight(self, kind: Kind) -> int:
        """Permits of a kind that count: held and orphaned."""
        permits = (*self.held.values(), *self.orphans.values())
        return sum(p.ask.kind is kind for p in permits)

    def state(self, now: float) -> tuple[KindState, ...]:
        """Every kind, for `status`, metrics and the watchdog."""
        return tuple(self._state_of(kind, budget, now) for kind, budget in self.budgets.items())

    def _state_of(self, kind: Kind, budget: Budget, now: float) -> KindState:
        budget.grow(now)
        line = self._waiting.get(kind, deque())
        held = [p for p in self.held.values() if p.ask.kind is kind]
        orphaned = [p for p in self.orphans.values() if p.ask.kind is kind]
        return KindState(
            kind,
            budget.setting,
            budget.limit,
            len(held),
            len(orphaned),
            len(line),
            None if budget.last_signal is None else now - budget.last_signal,
            max(0.0, budget.parked_until - now),
            tuple(f"{p.ask.holder} {p.ask.job_id or p.ask.table} {now - p.granted_at:.1f}s" for p in held)
            + tuple(f"orphan of {p.ask.holder} {p.ask.job_id} {now - p.granted_at:.1f}s" for p in orphaned),
            tuple(f"{ask.holder} {ask.job_id or ask.table} {now - since:.1f}s" for ask, since in line),
            self.allowance.permits.get(kind, 0) if self.allowance else None,
            self.allowance is not None and now >= self.allowance.until,
            budget.signals,
        )

    def _allows(self, kind: Kind, now: float) -> bool:
        in_flight = self.in_flight(kind)
        if self.allowance and not self.allowance.allows(kind, in_flight, now):
            return False
        return self.budgets[kind].allows(in_flight, now)

    def _commits_on(self, table: str) -> bool:
        permits = (*self.held.values(), *self.orphans.values())
        return any(p.ask.kind is Kind.COMMIT and p.ask.table == table for p in permits)

    def _admit(self, ask: Ask, now: float) -> Permit:
        self._serial += 1
        permit = Permit(ask, self._serial, self.epoch, now)
        self.held[permit.id] = permit
        return permit
