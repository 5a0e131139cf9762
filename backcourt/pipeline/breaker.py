"""A circuit breaker for each table, so that a nightly run does not compute night after night what cannot succeed.

    closed ──K failures in a row──► open ──cool-down──► half open: one date is tried
      ▲                              ▲                     │
      └───── it passes, or a reset ──┼─────────────────────┤
                                     └──── it fails ───────┘

What happened is kept as events, append-only, and a breaker is what they add up to. A run says at most one thing of a
table: FAILED where partitions failed and none went through, PASSED where one went through. What is blocked for want of
data says nothing, nor does a quota or a stop: none of them is the table's fault.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from backcourt.pipeline.outcomes import Category, Outcome, PartitionOutcome
from backcourt.pipeline.plan import Plan, TablePlan

WENT_THROUGH = frozenset({Outcome.COMMITTED, Outcome.RENEWED, Outcome.UNCHANGED, Outcome.SUPERSEDED})
"""Outcomes of partitions that were computed and passed the gate."""
NOT_ITS_FAULT = frozenset({Category.UPSTREAM, Category.QUOTA, Category.INTERRUPTED})
"""Categories of failure that say nothing of the table."""


class Happened(StrEnum):
    """What an event says of a table."""

    FAILED = "failed"
    PASSED = "passed"
    RESET = "reset"


class Phase(StrEnum):
    """What a breaker lets through: everything, nothing, or one date."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half open"


@dataclass(frozen=True)
class BreakerEvent:
    """One thing that happened to a table, at an instant (UTC), by a run."""

    table: str
    happened: Happened
    at: datetime
    run_id: str
    reason: str = ""


@dataclass(frozen=True)
class BreakerPolicy:
    """After how many failed runs in a row a breaker opens, and how long it stays open before one date is tried."""

    failures: int = 3
    cool_down: timedelta = timedelta(hours=20)


@dataclass(frozen=True)
class Breaker:
    """Failed runs in a row of one table, and the last of them; none where nothing failed since it last passed."""

    table: str
    failures: int = 0
    last_failure: BreakerEvent | None = None

    def phase(self, now: datetime, policy: BreakerPolicy) -> Phase:
        """What it lets through at an instant."""
        if self.last_failure is None or self.failures < policy.failures:
            return Phase.CLOSED
        return Phase.OPEN if now < self.last_failure.at + policy.cool_down else Phase.HALF_OPEN

    def after(self, event: BreakerEvent) -> "Breaker":
        """The breaker once this has happened."""
        if event.happened is Happened.FAILED:
            return Breaker(self.table, self.failures + 1, event)
        return Breaker(self.table)


@dataclass(frozen=True)
class HeldBack:
    """A table that a breaker kept out of a plan, or let in with one date; `until` is when one date may be tried."""

    breaker: Breaker
    phase: Phase
    until: datetime
    left_out: int


def breakers_of(events: Iterable[BreakerEvent]) -> dict[str, Breaker]:
    """The breaker of every table that something happened to."""
    found: dict[str, Breaker] = {}
    for event in sorted(events, key=lambda e: e.at):
        found[event.table] = found.get(event.table, Breaker(event.table)).after(event)
    return found


def said_by(outcomes: Iterable[PartitionOutcome]) -> dict[str, tuple[Happened, str]]:
    """What a run's outcomes say of each table: that it failed and why, or that it passed."""
    said: dict[str, tuple[Happened, str]] = {}
    for each in outcomes:
        table = each.partition.table
        if each.outcome in WENT_THROUGH:
            said[table] = (Happened.PASSED, "")
        elif each.outcome is Outcome.FAILED and each.category not in NOT_ITS_FAULT:
            said.setdefault(table, (Happened.FAILED, f"{each.partition.day}: {each.reason}"))
    return said


def news(
    said: Mapping[str, tuple[Happened, str]], breakers: Mapping[str, Breaker], at: datetime, run_id: str
) -> tuple[BreakerEvent, ...]:
    """The events to append: every failure, and the passing of those tables that had failed before."""
    return tuple(
        BreakerEvent(table, happened, at, run_id, reason)
        for table, (happened, reason) in sorted(said.items())
        if happened is Happened.FAILED or (table in breakers and breakers[table].failures)
    )


def held_back(
    plan: Plan, breakers: Mapping[str, Breaker], now: datetime, policy: BreakerPolicy
) -> tuple[Plan, tuple[HeldBack, ...]]:
    """The plan that breakers allow, and what they kept out of it.

    An open breaker leaves its table nothing to do, a half-open one its newest date.
    """
    tables: list[TablePlan] = []
    kept: list[HeldBack] = []
    for table in plan.tables:
        breaker = breakers.get(table.table, Breaker(table.table))
        phase = breaker.phase(now, policy)
        allowed = table
        if breaker.last_failure and phase is not Phase.CLOSED:
            allowed = table.model_copy(update={"to_do": table.to_do[-1:] if phase is Phase.HALF_OPEN else ()})
            until = breaker.last_failure.at + policy.cool_down
            kept.append(HeldBack(breaker, phase, until, len(table.to_do) - len(allowed.to_do)))
        tables.append(allowed)
    return plan.model_copy(update={"tables": tuple(tables)}), tuple(kept)
