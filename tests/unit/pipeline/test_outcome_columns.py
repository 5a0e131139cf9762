"""Outcomes held column by column are those that came in, by partition and in the plan's order."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backcourt.pipeline.outcome_columns import OutcomeColumns
from backcourt.pipeline.outcomes import Category, Outcome, Partition, PartitionOutcome
from backcourt.pipeline.plan import Plan, PlannedPartition, Reason, Request, TablePlan

TABLES = ("shop.sales", "shop.revenue")


def days(numbers: set[int]) -> tuple[date, ...]:
    return tuple(date(2024, 1, 1) + timedelta(days=n) for n in sorted(numbers))


def plan_of(to_do: dict[str, tuple[date, ...]]) -> Plan:
    tables = tuple(
        TablePlan(table=table, wave=wave, to_do=tuple(PlannedPartition(d, Reason.MISSING) for d in planned))
        for wave, (table, planned) in enumerate(to_do.items())
    )
    return Plan(request=Request(run_id="r", tables=TABLES, days=(), as_of=date(2024, 6, 1)), tables=tables)


plans = st.fixed_dictionaries({table: st.sets(st.integers(0, 80), max_size=40).map(days) for table in TABLES})
words = st.lists(st.text(max_size=8), max_size=3).map(tuple)


@st.composite
def ends(draw: st.DrawFn, partition: Partition) -> PartitionOutcome:
    return PartitionOutcome(
        partition,
        draw(st.sampled_from(Outcome)),
        draw(st.sampled_from(Category)),
        draw(st.sampled_from(("", "data missing", "it raised"))),
        draw(words),
        draw(st.integers(0, 2**40)),
        draw(st.integers(0, 500)),
        draw(st.integers(0, 500)),
        draw(st.booleans()),
        draw(words),
        draw(st.integers(1, 5)),
        draw(st.floats(0, 1e6)),
        draw(st.sampled_from(("", "r-1-sales-1", "r-1-sales-2"))),
        draw(st.sampled_from(("", "a note"))),
    )


@given(plans, st.data())
def test_what_comes_in_comes_out(to_do: dict[str, tuple[date, ...]], data: st.DataObject) -> None:
    planned = [Partition(table, day) for table, found in to_do.items() for day in found]
    columns, known = OutcomeColumns(plan_of(to_do)), {}
    for partition in data.draw(st.lists(st.sampled_from(planned), max_size=30)) if planned else []:
        known[partition] = data.draw(ends(partition))  # a second one takes the place of the first
        columns.put(known[partition])
    assert dict(columns) == known
    assert list(columns.values()) == [known[partition] for partition in planned if partition in known]
    assert len(columns) == len(known)
    assert [partition for partition in planned if columns.get(partition) is None] == [
        p for p in planned if p not in known
    ]


@pytest.mark.parametrize(
    "stranger",
    [
        Partition("shop.sales", date(2023, 12, 31)),
        Partition("shop.sales", date(2024, 1, 2)),
        Partition("shop.sales", date(2024, 1, 4)),
        Partition("shop.unknown", date(2024, 1, 1)),
    ],
    ids=str,
)
def test_a_partition_that_is_not_in_the_plan_is_refused(stranger: Partition) -> None:
    columns = OutcomeColumns(plan_of({"shop.sales": days({0, 2})}))
    with pytest.raises(KeyError):
        columns.put(PartitionOutcome(stranger, Outcome.COMMITTED))
    assert len(columns) == 0
    assert stranger not in columns
