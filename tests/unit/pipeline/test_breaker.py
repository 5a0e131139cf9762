"""Circuit breakers: what opens and closes them, and what they leave of a plan."""

from datetime import UTC, date, datetime, timedelta

from backcourt.pipeline.breaker import (
    Breaker,
    BreakerEvent,
    BreakerPolicy,
    Happened,
    Phase,
    breakers_of,
    held_back,
    news,
    said_by,
)
from backcourt.pipeline.outcomes import Category, Outcome, Partition, PartitionOutcome
from backcourt.pipeline.plan import Plan, PlannedPartition, Reason, Request, TablePlan

NIGHT = datetime(2024, 3, 1, 11, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = BreakerPolicy(failures=3, cool_down=timedelta(hours=20))
DAYS = tuple(date(2024, 2, n) for n in (26, 27, 28))
F, P, R = Happened.FAILED, Happened.PASSED, Happened.RESET


def nights(*happened: Happened) -> Breaker:
    """The breaker after one event a night."""
    events = [BreakerEvent("d.t", each, NIGHT + n * DAY, f"run-{n}") for n, each in enumerate(happened)]
    return breakers_of(reversed(events))["d.t"]


def phase(breaker: Breaker, later: timedelta) -> Phase:
    assert breaker.last_failure is not None
    return breaker.phase(breaker.last_failure.at + later, POLICY)


def ended(outcome: Outcome, category: Category = Category.NONE, table: str = "d.t") -> PartitionOutcome:
    return PartitionOutcome(Partition(table, DAYS[0]), outcome, category, "the till is broken")


def plan(*to_do: date) -> Plan:
    planned = tuple(PlannedPartition(day=day, reason=Reason.MISSING) for day in to_do)
    tables = tuple(TablePlan(table=name, wave=0, to_do=planned) for name in ("d.t", "d.u"))
    return Plan(request=Request(run_id="r", tables=("d.t", "d.u"), days=DAYS, as_of=DAYS[-1]), tables=tables)


def test_three_failed_runs_in_a_row_open_it_until_the_cool_down_is_over() -> None:
    assert phase(nights(F, F), timedelta(0)) is Phase.CLOSED
    opened = nights(F, F, F)
    assert phase(opened, timedelta(hours=19, minutes=59)) is Phase.OPEN
    assert phase(opened, timedelta(hours=20)) is Phase.HALF_OPEN


def test_a_passed_run_or_a_reset_closes_it_and_counting_begins_anew() -> None:
    assert nights(F, F, F, P).phase(NIGHT, POLICY) is Phase.CLOSED
    assert nights(F, F, F, R).failures == 0
    assert nights(F, F, P, F, F).failures == 2
    assert nights(P).phase(NIGHT, POLICY) is Phase.CLOSED


def test_a_failed_try_opens_it_for_another_cool_down() -> None:
    tried = nights(F, F, F, F)
    assert tried.last_failure is not None
    assert tried.last_failure.run_id == "run-3"
    assert phase(tried, timedelta(hours=1)) is Phase.OPEN


def test_what_a_run_says_of_a_table() -> None:
    failed = ended(Outcome.FAILED, Category.CODE)
    assert said_by([failed]) == {"d.t": (F, "2024-02-26: the till is broken")}
    assert said_by([failed, ended(Outcome.COMMITTED)]) == {"d.t": (P, "")}
    assert said_by([ended(Outcome.COMMITTED), failed]) == {"d.t": (P, "")}


def test_blocked_quota_stopped_and_unneeded_partitions_say_nothing() -> None:
    silent = [
        ended(Outcome.BLOCKED, Category.COVERAGE),
        ended(Outcome.BLOCKED, Category.UPSTREAM),
        ended(Outcome.FAILED, Category.QUOTA),
        ended(Outcome.LEFT, Category.INTERRUPTED),
        ended(Outcome.CURRENT),
    ]
    assert said_by(silent) == {}


def test_only_failures_and_the_end_of_failures_are_recorded() -> None:
    said = {"d.t": (F, "why"), "d.u": (P, ""), "d.v": (P, "")}
    known = breakers_of([BreakerEvent("d.u", F, NIGHT, "run-0"), BreakerEvent("d.v", P, NIGHT, "run-0")])
    assert news(said, known, NIGHT + DAY, "run-1") == (
        BreakerEvent("d.t", F, NIGHT + DAY, "run-1", "why"),
        BreakerEvent("d.u", P, NIGHT + DAY, "run-1"),
    )


def test_an_open_breaker_leaves_nothing_of_its_table_a_half_open_one_the_newest_date() -> None:
    breakers = {"d.t": nights(F, F, F)}
    opened_at = NIGHT + 2 * DAY
    left, kept = held_back(plan(*DAYS), breakers, opened_at, POLICY)
    assert [t.days for t in left.tables] == [(), DAYS]
    assert [(k.phase, k.left_out, k.until) for k in kept] == [(Phase.OPEN, 3, opened_at + timedelta(hours=20))]
    left, kept = held_back(plan(*DAYS), breakers, opened_at + DAY, POLICY)
    assert [t.days for t in left.tables] == [DAYS[-1:], DAYS]
    assert [(k.phase, k.left_out) for k in kept] == [(Phase.HALF_OPEN, 2)]
    left, kept = held_back(plan(*DAYS), {"d.t": nights(F, F)}, opened_at, POLICY)
    assert (left, kept) == (plan(*DAYS), ())
