"""What keeps runs off a whole table: an operator's hold, or a circuit breaker that is not closed. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from backcourt.pipeline.breaker import Breaker, BreakerPolicy, Phase
from backcourt.pipeline.holds import Hold


@dataclass(frozen=True)
class Barrier:
    """One thing that keeps runs off a table; `lift` says how it is ended."""

    name: str
    text: str
    lift: str


def barriers(
    holds: Iterable[Hold], breakers: Mapping[str, Breaker], policy: BreakerPolicy, now: datetime
) -> dict[str, tuple[Barrier, ...]]:
    """The barriers of every table that has any."""
    found: dict[str, tuple[Barrier, ...]] = {}
    for hold in holds:
        lift = f"Wait, or let it go with `backcourt hold {hold.table} --release`."
        found[hold.table] = (Barrier("hold", f"Every run leaves the table alone: {hold}.", lift),)
    for table, breaker in breakers.items():
        phase = breaker.phase(now, policy)
        if phase is not Phase.CLOSED:
            found[table] = (*found.get(table, ()), _of_breaker(breaker, phase, policy))
    return found


def _of_breaker(breaker: Breaker, phase: Phase, policy: BreakerPolicy) -> Barrier:
    failures = f"{breaker.failures} runs in a row failed"
    lift = f"Once the cause is mended, `backcourt breaker reset {breaker.table}` lets `daily` in again."
    if phase is Phase.HALF_OPEN or breaker.last_failure is None:
        return Barrier("breaker", f"{failures}; the next `daily` tries one date of the table.", lift)
    again = breaker.last_failure.at + policy.cool_down
    text = f"{failures}; `daily` skips the table and tries one date from {again:%Y-%m-%d %H:%M} UTC on."
    return Barrier("breaker", text, lift)
