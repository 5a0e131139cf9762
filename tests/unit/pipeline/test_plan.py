"""What a plan takes up, why, and what it leaves alone."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcourt.pipeline.calendar import Calendar, Season
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.plan import Plan, Reason, Request, build_plan, versions_of, waves
from backcourt.pipeline.processor import SAME_DATE, Feed, Input, Pipeline, Window
from tests.unit.pipeline.worlds import COLUMNS, day, processor, random_world, reads

DAYS = tuple(day(n) for n in range(6))
AS_OF = day(6)
CALENDAR = Calendar(DAYS)
A = processor("a")
B = processor("b", [reads("a", Window(same_date=True, days=2))])
PIPELINE = Pipeline("p", (A, B))


def request(**changes: object) -> Request:
    return Request.model_validate({"run_id": "r", "tables": ("d.a", "d.b"), "days": DAYS, "as_of": AS_OF, **changes})


def full_ledger(pipeline: Pipeline = PIPELINE) -> dict[tuple[str, object], LedgerEntry]:
    """Every partition committed, from the inputs as they are."""
    ledger = {
        (p.name, d): LedgerEntry(p.name, d, 1, f"{p.name}-1", f"{p.name}-1", processor_version=p.version)
        for p in pipeline.processors
        for d in DAYS
    }
    versions = versions_of(pipeline, CALENDAR, ledger, AS_OF)
    for p in pipeline.processors:
        for d in DAYS:
            inputs = {
                i.name: versions[i.name].window(i.window.first(d, CALENDAR), i.window.last(d)) for i in p.table_inputs
            }
            ledger[p.name, d] = replace(ledger[p.name, d], inputs=inputs)
    return ledger  # type: ignore[return-value]


def planned(plan: Plan, table: str) -> dict[int, Reason]:
    (found,) = [t for t in plan.tables if t.table == table]
    return {(p.day - DAYS[0]).days: p.reason for p in found.to_do}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_from_an_empty_ledger_everything_due_is_planned(seed: int) -> None:
    world = random_world(seed)
    plan = build_plan(world.pipeline, world.calendar, world.request, {})
    for table in plan.tables:
        due = [d for d in world.calendar.dates if world.is_due(table.table, d)]
        assert list(table.days) == due
        assert {p.reason for p in table.to_do} <= {Reason.MISSING}
        assert table.done == 0
        assert len(due) + table.bootstrap + table.not_due == len(world.calendar.dates)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_the_order_does_not_depend_on_the_order_of_the_request(seed: int) -> None:
    world, random = random_world(seed), Random(seed)
    tables = random.sample(world.request.tables, len(world.request.tables))
    days = random.sample(world.request.days, len(world.request.days))
    shuffled = world.request.model_copy(update={"tables": tuple(tables), "days": tuple(days)})
    plan = build_plan(world.pipeline, world.calendar, world.request, {})
    assert build_plan(world.pipeline, world.calendar, shuffled, {}).tables == plan.tables
    places = {t.table: t.wave for t in plan.tables}
    for name, wave in places.items():
        read = [places[i.name] for i in world.pipeline.processor(name).inputs if i.name in places]
        assert wave == 1 + max(read, default=-1)


def test_nothing_is_planned_when_all_is_current() -> None:
    plan = build_plan(PIPELINE, CALENDAR, request(), full_ledger())
    assert plan.total == 0
    assert [t.done for t in plan.tables] == [6, 6]


def test_what_an_input_changed_under_is_stale_and_sees_its_commit() -> None:
    ledger = full_ledger()
    ledger["d.a", DAYS[1]] = replace(ledger["d.a", DAYS[1]], commit_id="other", rows_commit="other")
    plan = build_plan(PIPELINE, CALENDAR, request(), ledger)
    assert planned(plan, "d.a") == {}
    assert planned(plan, "d.b") == dict.fromkeys((1, 2, 3), Reason.STALE)
    assert {p.seen_commit for p in plan.tables[1].to_do} == {"d.b-1"}


def test_a_commit_that_only_renewed_its_ledger_row_makes_nothing_stale() -> None:
    ledger = full_ledger()
    ledger["d.a", DAYS[1]] = replace(ledger["d.a", DAYS[1]], commit_id="renewed", generation=7)
    assert build_plan(PIPELINE, CALENDAR, request(), ledger).total == 0


def test_a_filled_hole_makes_later_dates_stale() -> None:
    ledger = full_ledger()
    del ledger["d.a", DAYS[1]]
    versions = versions_of(PIPELINE, CALENDAR, ledger, AS_OF)
    window = versions["d.a"].window(DAYS[0], DAYS[2])
    assert window.holes == (DAYS[1],)
    ledger["d.b", DAYS[2]] = replace(ledger["d.b", DAYS[2]], inputs={"d.a": window})
    filled = {**ledger, ("d.a", DAYS[1]): full_ledger()["d.a", DAYS[1]]}
    assert planned(build_plan(PIPELINE, CALENDAR, request(), filled), "d.b") == {2: Reason.STALE}


def test_what_may_change_because_its_input_is_planned() -> None:
    ledger = full_ledger()
    del ledger["d.a", DAYS[5]]
    for d in (DAYS[5],):
        versions = versions_of(PIPELINE, CALENDAR, ledger, AS_OF)
        now = versions["d.a"].window(DAYS[3], DAYS[5])
        ledger["d.b", d] = replace(ledger["d.b", d], inputs={"d.a": now})
    plan = build_plan(PIPELINE, CALENDAR, request(), ledger)
    assert planned(plan, "d.a") == {5: Reason.MISSING}
    assert planned(plan, "d.b") == {5: Reason.INPUT_CHANGES}
    alone = build_plan(PIPELINE, CALENDAR, request(tables=("d.b",)), ledger)
    assert alone.total == 0


@pytest.mark.parametrize("flag", ["recompute", "force"])
def test_all_is_planned_when_asked_for(flag: str) -> None:
    plan = build_plan(PIPELINE, CALENDAR, request(**{flag: True}), full_ledger())
    assert set(planned(plan, "d.a").values()) == set(planned(plan, "d.b").values()) == {Reason.RECOMPUTE}
    assert plan.total == 12


def test_the_last_days_of_raw_tables_are_done_again_and_others_follow_if_rows_change() -> None:
    raw = Pipeline("p", (processor("a", [Input(Feed("f", COLUMNS, "day"), ("day",), SAME_DATE)]), B))
    plan = build_plan(raw, CALENDAR, request(refresh_days=2), full_ledger())
    assert planned(plan, "d.a") == {4: Reason.RECOMPUTE, 5: Reason.RECOMPUTE}
    assert planned(plan, "d.b") == {4: Reason.INPUT_CHANGES, 5: Reason.INPUT_CHANGES}


def test_damaged_partitions_are_done_again_and_others_follow_if_rows_change() -> None:
    plan = build_plan(PIPELINE, CALENDAR, request(damaged=frozenset({Partition("d.a", DAYS[2])})), full_ledger())
    assert planned(plan, "d.a") == {2: Reason.DAMAGED}
    assert [p.seen_commit for p in plan.tables[0].to_do] == [full_ledger()["d.a", DAYS[2]].commit_id]
    assert set(planned(plan, "d.b").values()) == {Reason.INPUT_CHANGES}


def test_what_another_version_of_the_processor_made_is_planned_only_when_asked_for() -> None:
    """A new image must not recompute years overnight; what reads those partitions follows only if rows change."""
    newer = Pipeline("p", (processor("a", version="2"), B))
    assert build_plan(newer, CALENDAR, request(), full_ledger()).total == 0
    plan = build_plan(newer, CALENDAR, request(other_versions=True), full_ledger())
    assert planned(plan, "d.a") == dict.fromkeys(range(6), Reason.OTHER_VERSION)
    assert planned(plan, "d.b") == dict.fromkeys(range(6), Reason.INPUT_CHANGES)


def test_a_plan_of_named_partitions_takes_up_no_others() -> None:
    only = (Partition("d.b", DAYS[4]), Partition("d.b", DAYS[1]), Partition("d.a", DAYS[4]))
    plan = build_plan(PIPELINE, CALENDAR, request(only=only), {})
    assert (planned(plan, "d.a"), planned(plan, "d.b")) == ({4: Reason.MISSING}, dict.fromkeys((1, 4), Reason.MISSING))
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    assert build_plan(PIPELINE, CALENDAR, request(only=only), full_ledger()).total == 0


def test_bootstrap_days_and_days_to_come_are_counted_and_left() -> None:
    pipeline = Pipeline("p", (processor("a", bootstrap=True), processor("b", [reads("a", SAME_DATE)])))
    calendar = Calendar(DAYS, (Season(2024, DAYS[0]),), 2)
    plan = build_plan(pipeline, calendar, request(as_of=DAYS[4]), {}, (day(99),))
    first, second = plan.tables
    assert (first.bootstrap, first.not_due, first.days) == (2, 2, (DAYS[2], DAYS[3]))
    assert (second.bootstrap, second.not_due, second.days) == (0, 2, DAYS[:4])
    assert plan.no_games == (day(99),)


def test_only_the_tables_asked_for_count_as_waves() -> None:
    three = Pipeline("p", (A, B, processor("c", [reads("b", SAME_DATE)])))
    assert waves(three, ("d.c", "d.a")) == {"d.c": 0, "d.a": 0}
    assert waves(three, ("d.c", "d.b", "d.a")) == {"d.a": 0, "d.b": 1, "d.c": 2}


def test_a_plan_survives_json() -> None:
    plan = build_plan(PIPELINE, CALENDAR, request(), {})
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
