"""What a hold takes out of a plan, and how it is told."""

from datetime import UTC, date, datetime

from backcourt.pipeline.holds import Hold, kept_off
from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.plan import Plan, PlannedPartition, Reason, Request, TablePlan

DAYS = (date(2024, 1, 1), date(2024, 1, 2))
UNTIL = datetime(2024, 1, 3, 4, 30, tzinfo=UTC)


def plan() -> Plan:
    to_do = tuple(PlannedPartition(day=day, reason=Reason.MISSING) for day in DAYS)
    tables = tuple(TablePlan(table=name, wave=0, to_do=to_do, done=5) for name in ("d.a", "d.b"))
    return Plan(request=Request(run_id="r", tables=("d.a", "d.b"), days=DAYS, as_of=DAYS[1]), tables=tables)


def test_a_held_table_has_nothing_to_do_and_its_dates_are_told() -> None:
    allowed, kept = kept_off(plan(), [Hold("d.b", UNTIL), Hold("d.elsewhere", UNTIL)])
    assert {t.table: t.days for t in allowed.tables} == {"d.a": DAYS, "d.b": ()}
    assert [t.done for t in allowed.tables] == [5, 5]
    (found,) = kept
    assert found.partitions == tuple(Partition("d.b", day) for day in DAYS)


def test_without_a_hold_the_plan_stays_as_it_is() -> None:
    assert kept_off(plan(), []) == (plan(), ())


def test_a_hold_says_until_when_and_why() -> None:
    assert str(Hold("d.a", UNTIL)) == "held until 2024-01-03 04:30 UTC"
    assert str(Hold("d.a", UNTIL, "repair")) == "held until 2024-01-03 04:30 UTC (repair)"
