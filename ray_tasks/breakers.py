"""The circuit breakers of a warehouse: read before a nightly run, told afterwards what became of its tables."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from backcourt.pipeline.breaker import Breaker, BreakerEvent, breakers_of, news, said_by
from backcourt.pipeline.outcomes import PartitionOutcome
from backcourt.warehouse.breaker_events import append_breaker_events, breaker_events_in, breaker_events_request
from ray_tasks.prepare import Ground, own_rows

REMEMBERED_DAYS = 400
"""How far back an event counts."""


def read_breakers(ground: Ground, what: str = "breakers") -> dict[str, Breaker]:
    """The breaker of every table that something happened to; none before the first run. `what` names the job."""
    since = ground.clock.now().date() - timedelta(days=REMEMBERED_DAYS)
    names = ground.warehouse.names
    request = breaker_events_request(names, ground.state_dataset, since, ground.run_id, ground.job_id(what))
    return breakers_of(breaker_events_in(own_rows(ground, request)))


def tell_breakers(ground: Ground, outcomes: Iterable[PartitionOutcome]) -> tuple[BreakerEvent, ...]:
    """Append what a run's outcomes say of its tables; the events appended."""
    said = said_by(outcomes)
    if not said:
        return ()
    events = news(said, read_breakers(ground, "breakers-after"), ground.clock.now(), ground.run_id)
    record(ground, events, "breakers-told")
    return events


def record(ground: Ground, events: Sequence[BreakerEvent], what: str) -> None:
    """Append events; nothing is sent where there are none."""
    if events:
        names = ground.warehouse.names
        job_id = ground.job_id(what)
        ground.attempts.run(append_breaker_events(events, names, ground.state_dataset, ground.run_id, job_id))
