"""The board against a naive second account of how every partition must end, whatever the order of answers."""

import sys
from collections import Counter
from dataclasses import dataclass
from datetime import date
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcourt.pipeline.board import Board
from backcourt.pipeline.calendar import Calendar, Season
from backcourt.pipeline.chunks import BlockKey, blocks_of
from backcourt.pipeline.coverage import Thresholds
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.outcomes import Category, Outcome, Partition, PartitionOutcome
from backcourt.pipeline.plan import Request, build_plan
from backcourt.pipeline.processor import SAME_DATE, Feed, Input, Pipeline, Window
from tests.unit.pipeline.board_simulation import Faults, Ledger, Simulation
from tests.unit.pipeline.worlds import World, day, processor, random_world, reads, seen, table

SEEDS = st.integers(0, 10**9)
CHUNK_DAYS = st.sampled_from([1, 2, 7, 31, 60, 366])


@dataclass(frozen=True)
class End:
    """How a partition must end: the part of an outcome that may not depend on the order of answers."""

    outcome: Outcome
    category: Category
    holes: tuple[str, ...] = ()


def expected_ends(world: World, faults: Faults) -> dict[Partition, End]:
    """From an empty ledger, table by table in the pipeline's order and date by date, as the documentation has it."""
    ends: dict[Partition, End] = {}
    committed: set[Partition] = set()
    for each in world.pipeline.processors:
        if each.name not in world.request.tables:
            continue
        for of in world.request.days:
            if world.is_due(each.name, of):
                partition = Partition(each.name, of)
                ends[partition] = _expected_end(world, faults, committed, partition)
                if ends[partition].outcome in (Outcome.COMMITTED, Outcome.SUPERSEDED):
                    committed.add(partition)
    return ends


def _expected_end(world: World, faults: Faults, committed: set[Partition], partition: Partition) -> End:
    inputs = world.pipeline.processor(partition.table).inputs
    holes: list[str] = []
    for each in inputs:
        absent = [
            d
            for d in world.window(each, partition.day)
            if world.is_due(each.name, d) and Partition(each.name, d) not in committed
        ]
        needed = each.window.same_date and not each.optional and partition.day in absent
        if needed or (each.holes_block and absent):
            return End(Outcome.BLOCKED, Category.UPSTREAM)
        holes += [f"{each.name} {d}" for d in absent]
    touched = {BlockKey(i.name, d.year, d.month) for i in inputs for d in world.window(i, partition.day)}
    named = tuple(holes[:20])
    for cause, end in (
        (bool(touched & faults.unreadable), End(Outcome.FAILED, Category.WAREHOUSE)),
        (partition in faults.killing, End(Outcome.FAILED, Category.WORKER)),
        (partition in faults.raising, End(Outcome.FAILED, Category.CODE)),
        (partition in faults.uncovered, End(Outcome.BLOCKED, Category.COVERAGE, named)),
        (partition in faults.beaten, End(Outcome.SUPERSEDED, Category.NONE)),
    ):
        if cause:
            return end
    return End(Outcome.COMMITTED, Category.NONE, named)


def end_of(outcome: PartitionOutcome) -> End:
    return End(outcome.outcome, outcome.category, outcome.holes)


def random_faults(world: World, seed: int) -> Faults:
    random = Random(seed)
    partitions = [Partition(t, d) for t in world.request.tables for d in world.request.days]
    months = sorted(
        {BlockKey(p.name, d.year, d.month) for p in world.pipeline.processors for d in world.calendar.dates}
    )

    def some(share: float) -> set[Partition]:
        return {p for p in partitions if random.random() < share}

    return Faults(
        raising=some(random.choice([0, 0.05])),
        killing=some(random.choice([0, 0.05])),
        uncovered=some(random.choice([0, 0.05, 0.3])),
        beaten=some(random.choice([0, 0.05])),
        unreadable={m for m in months if random.random() < random.choice([0, 0, 0.2])},
        passing=random.choice([0, 0.1, 0.4]),
    )


@settings(max_examples=100, deadline=None)
@given(world_seed=SEEDS, fault_seed=SEEDS, order_seed=SEEDS, chunk_days=CHUNK_DAYS, lookahead=st.integers(1, 9))
def test_every_partition_ends_as_it_must_whatever_the_order(
    world_seed: int, fault_seed: int, order_seed: int, chunk_days: int, lookahead: int
) -> None:
    world = random_world(world_seed)
    faults = random_faults(world, fault_seed)
    run = Simulation(world, faults, order_seed, chunk_days, lookahead=lookahead).run()
    assert {p: end_of(o) for p, o in run.board.outcomes.items()} == expected_ends(world, faults)
    assert sorted(o.partition for o in run.board.new_outcomes()) == sorted(run.plan.partitions)
    assert run.board.shelf.held == 0
    assert run.board.passed_count == 0
    if not run.losses and not faults.unreadable:
        assert set(run.times_read.values()) <= {1}


@settings(max_examples=40, deadline=None)
@given(world_seed=SEEDS, order_seed=SEEDS, chunk_days=CHUNK_DAYS, recompute=st.booleans())
def test_after_a_finished_run_nothing_is_planned_and_nothing_changes(
    world_seed: int, order_seed: int, chunk_days: int, recompute: bool
) -> None:
    world = random_world(world_seed)
    ledger: Ledger = {}
    Simulation(world, Faults(), order_seed, chunk_days, ledger).run()
    committed = {key: entry.rows_commit for key, entry in ledger.items()}
    left = {
        Partition(t.table, p.day)
        for t in build_plan(world.pipeline, world.calendar, world.request, ledger).tables
        for p in t.to_do
    }
    blocked = {p for p, e in expected_ends(world, Faults()).items() if e.outcome is Outcome.BLOCKED}
    assert left >= blocked
    assert bool(left) == bool(blocked)
    again = World(world.pipeline, world.calendar, world.request.model_copy(update={"recompute": recompute}))
    second = Simulation(again, Faults(), order_seed + 1, chunk_days, ledger).run()
    assert {key: entry.rows_commit for key, entry in ledger.items()} == committed
    quiet = {Outcome.UNCHANGED, Outcome.CURRENT, Outcome.BLOCKED}
    assert {o.outcome for o in second.board.outcomes.values()} <= quiet


FEED = Feed("a", table("a").columns, "day")


def chain(days: int = 10, feed: tuple[Input, ...] = ()) -> World:
    """`a`, made from `feed`, read on the same date by `b`, and ten days back by `c`."""
    pipeline = Pipeline(
        "p",
        (
            processor("a", feed),
            processor("b", [reads("a", SAME_DATE)]),
            processor("c", [reads("a", Window(days=10))]),
        ),
    )
    dates = tuple(day(n) for n in range(days))
    request = Request(run_id="r", tables=("d.a", "d.b", "d.c"), days=dates, as_of=day(100))
    return World(pipeline, Calendar(dates), request)


def test_a_failing_date_is_found_by_halving_and_the_others_are_committed() -> None:
    bad = Partition("d.a", day(3))
    run = Simulation(chain(), Faults(raising={bad}), seed=1, chunk_days=31).run()
    ends = Counter(o.outcome for o in run.board.outcomes.values() if o.partition.table == "d.a")
    assert ends == {Outcome.FAILED: 1, Outcome.COMMITTED: 9}
    assert run.board.outcomes[bad].reason == "it raised"
    assert run.board.outcomes[bad].attempts == 5  # 10 dates, then 5, 3, 2 and the date alone


def test_a_date_that_kills_its_worker_twice_fails() -> None:
    bad = Partition("d.a", day(3))
    run = Simulation(chain(), Faults(killing={bad}), seed=1, chunk_days=31).run()
    assert run.deaths == {bad: 2}
    assert run.board.outcomes[bad].category is Category.WORKER
    assert Counter(o.outcome for o in run.board.outcomes.values()) == {
        Outcome.FAILED: 1,  # a of the date
        Outcome.BLOCKED: 1,  # b of the date
        Outcome.COMMITTED: 28,
    }


def test_what_an_absent_input_blocks_is_told_with_its_reason_and_what_it_leaves_out_is_named() -> None:
    bad = Partition("d.a", day(3))
    run = Simulation(chain(), Faults(uncovered={bad}), seed=1, chunk_days=31).run()
    blocked = run.board.outcomes[Partition("d.b", day(3))]
    assert blocked.category is Category.UPSTREAM
    assert "input d.a of 2024-01-23 is not committed: blocked, 1 of 10 expected" in blocked.reason
    assert run.board.outcomes[Partition("d.c", day(4))].holes == ("d.a 2024-01-23",)
    assert run.board.outcomes[Partition("d.c", day(3))].holes == ()


def test_a_chain_of_inputs_that_wait_is_told_by_its_two_ends() -> None:
    bad = Partition("d.a", day(3))
    after = {"a": None, "b": "a", "c": "b", "e": "c"}
    made = [processor(name, [reads(input_, SAME_DATE)] if input_ else []) for name, input_ in after.items()]
    days = tuple(day(n) for n in range(10))
    request = Request(run_id="r", tables=tuple(f"d.{name}" for name in after), days=days, as_of=day(100))
    world = World(Pipeline("p", tuple(made)), Calendar(days), request)
    run = Simulation(world, Faults(uncovered={bad}), seed=1, chunk_days=31).run()
    reason = run.board.outcomes[Partition("d.e", day(3))].reason
    start = "input d.c of 2024-01-23 is not committed, since input d.a of 2024-01-23 is not committed: "
    assert reason.startswith(start)
    assert "1 of 10 expected" in reason
    assert reason.count("not committed") == 2


def test_a_filled_hole_makes_only_what_looked_at_it_stale() -> None:
    world = chain()
    ledger: Ledger = {}
    Simulation(world, Faults(uncovered={Partition("d.a", day(3))}), seed=1, chunk_days=31, ledger=ledger).run()
    run = Simulation(world, Faults(), seed=1, chunk_days=31, ledger=ledger)
    assert {t.table: [p.day for p in t.to_do] for t in run.plan.tables} == {
        "d.a": [day(3)],
        "d.b": [day(3)],
        "d.c": [day(n) for n in range(4, 10)],
    }
    ends = run.run().board.outcomes
    assert {ends[Partition("d.c", day(n))].outcome for n in range(4, 10)} == {Outcome.RENEWED}
    assert not build_plan(world.pipeline, world.calendar, world.request, ledger).total


def test_an_input_that_did_not_change_after_all_leaves_its_readers_alone() -> None:
    world = chain(feed=(Input(FEED, ("day", "who", "points"), SAME_DATE),))
    ledger: Ledger = {}
    Simulation(world, Faults(), seed=1, chunk_days=31, ledger=ledger).run()
    again = World(
        world.pipeline,
        world.calendar,
        world.request.model_copy(update={"refresh_days": 1, "as_of": day(10)}),
    )
    run = Simulation(again, Faults(), seed=1, chunk_days=31, ledger=ledger).run()
    assert {(o.partition.table, o.partition.day, o.outcome) for o in run.board.outcomes.values()} == {
        ("d.a", day(9), Outcome.UNCHANGED),
        ("d.b", day(9), Outcome.CURRENT),
    }


def readers(window: Window, days: list[date], chunk_days: int = 1) -> Board:
    """Dates of one table to do, whose only input is committed already."""
    pipeline = Pipeline("p", (processor("a"), processor("b", [reads("a", window)])))
    request = Request(run_id="r", tables=("d.b",), days=tuple(days), as_of=day(100))
    calendar = Calendar(tuple(day(n) for n in range(40)))
    ledger = {("d.a", d): LedgerEntry("d.a", d, 1, "a-1", "a-1") for d in calendar.dates}
    plan = build_plan(pipeline, calendar, request, ledger)
    return Board(pipeline, calendar, plan, seen(pipeline, calendar, plan, ledger), Thresholds(), chunk_days)


def started(board: Board) -> list[tuple[date, tuple[object, ...]]]:
    return [(task.chunk.first, task.references) for task in board.next_computes(99)]


def test_a_lost_block_is_read_again_for_all_who_have_not_started() -> None:
    board = readers(SAME_DATE, [day(0), day(1), day(2)])
    (block,) = board.next_reads(9)
    board.block_read(block.key, "first", {})
    (task,) = board.next_computes(1)
    board.blocks_lost(task.chunk, task.blocks)
    assert started(board) == []
    assert board.next_reads(9) == [block]
    board.block_read(block.key, "second", {})
    assert started(board) == [(day(n), ("second",)) for n in range(3)]


def test_a_block_lost_while_a_chunk_waits_for_another_is_read_again() -> None:
    january, february = day(11), day(12)
    board = readers(Window(same_date=True, days=3), [january, february])
    first, second = sorted(board.next_reads(9), key=lambda block: block.key)
    board.block_read(first.key, "january", {})
    (task,) = board.next_computes(9)
    assert task.chunk.days == (january,)
    board.blocks_lost(task.chunk, task.blocks)
    board.block_read(second.key, "february", {})
    assert board.next_reads(9) == [first]
    board.block_read(first.key, "january again", {})
    assert sorted(started(board)) == [
        (january, ("january again",)),
        (february, ("january again", "february")),
    ]


def test_a_block_under_way_is_not_read_twice_though_who_asked_for_it_has_failed() -> None:
    february, later = day(12), day(13)
    board = readers(Window(same_date=True, days=12), [february, later])
    first, second = sorted(board.next_reads(9), key=lambda block: block.key)
    board.block_failed(first.key, Category.WAREHOUSE, "no right.")
    assert board.next_reads(9) == []
    board.block_read(second.key, "nobody's", {})
    assert board.is_done
    assert board.shelf.held == 0


def test_only_the_dates_that_need_an_unreadable_block_fail() -> None:
    board = readers(Window(same_date=True, days=3), [day(n) for n in range(10, 20)], chunk_days=60)
    first, second = sorted(board.next_reads(9), key=lambda block: block.key)
    board.block_read(second.key, "february", {})
    board.block_failed(first.key, Category.WAREHOUSE, "no right.")
    assert {p.day for p in board.outcomes} == {day(n) for n in range(10, 15)}  # up to three days after 31 January
    assert started(board) == [(day(15), ("february",))]


def test_what_is_left_is_said_to_be_left() -> None:
    run = Simulation(chain(), Faults(), seed=1, chunk_days=31)
    run.board.next_reads(5)
    run.board.next_computes(5)
    run.board.leave("the run was stopped")
    assert run.board.is_done
    assert {(o.outcome, o.category, o.reason) for o in run.board.outcomes.values()} == {
        (Outcome.LEFT, Category.INTERRUPTED, "the run was stopped")
    }


@pytest.mark.parametrize("window", [SAME_DATE, Window(same_date=True, season=True), Window(everything=True)])
def test_work_grows_with_the_plan_and_not_with_its_square(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts calls of the functions that look at calendar and versions, for 500 and for 2,000 dates of two tables."""

    def calls(dates: int) -> int:
        pipeline = Pipeline("p", (processor("a"), processor("b", [reads("a", window)])))
        days = tuple(day(n) for n in range(dates))
        request = Request(run_id="r", tables=("d.a", "d.b"), days=days, as_of=day(10_000))
        counted = 0

        def count(frame: object, event: str, _: object) -> None:
            nonlocal counted
            counted += event == "call"

        simulation = Simulation(World(pipeline, Calendar(days), request), Faults(), 1, 31)
        monkeypatch.setattr(simulation, "_check_reach", lambda _: None)
        monkeypatch.setattr(simulation, "_open", set)
        sys.setprofile(count)
        try:
            simulation.run()
        finally:
            sys.setprofile(None)
        return counted

    assert calls(2000) < 8 * calls(500)


def test_a_bootstrap_day_is_no_hole_and_blocks_nothing() -> None:
    pipeline = Pipeline(
        "p",
        (
            processor("a", bootstrap=True),
            processor("b", [reads("a", Window(same_date=True, season=True), holes_block=True)]),
        ),
    )
    dates = tuple(day(n) for n in range(5))
    request = Request(run_id="r", tables=("d.a", "d.b"), days=dates, as_of=day(100))
    world = World(pipeline, Calendar(dates, (Season(2024, day(0)),), 2), request)
    run = Simulation(world, Faults(), 1, 31).run()
    assert [p.day for p in run.plan.tables[0].to_do] == [day(2), day(3), day(4)]
    assert {o.outcome for o in run.board.outcomes.values()} == {Outcome.COMMITTED}


def test_a_board_without_partitions_is_done() -> None:
    world = chain()
    request = world.request.model_copy(update={"days": ()})
    plan = build_plan(world.pipeline, world.calendar, request, {})
    nothing = seen(world.pipeline, world.calendar, plan, {})
    board = Board(world.pipeline, world.calendar, plan, nothing, Thresholds())
    assert board.is_done
    assert not board.next_reads(5)


def test_a_chunk_of_one_date_reads_the_months_that_its_window_touches() -> None:
    world = chain(40)
    found = blocks_of(world.pipeline.processor("d.c"), (date(2024, 2, 5),), world.calendar)
    assert {str(k) for k in found} == {"d.a 2024-01", "d.a 2024-02"}
