"""Chunks hold every planned date once; blocks hold everything that windows reach, and nothing else."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcourt.pipeline.chunks import BlockKey, ChunkKey, all_blocks, blocks_of, chunks_of, cut_days, readers_of
from backcourt.pipeline.estimate import Sizes, estimate
from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.plan import build_plan
from tests.unit.pipeline.worlds import day, random_world

SEEDS = st.integers(0, 10**9)
CHUNK_DAYS = st.integers(1, 366)


@settings(max_examples=100, deadline=None)
@given(numbers=st.sets(st.integers(0, 700)), chunk_days=CHUNK_DAYS)
def test_dates_are_cut_into_spans(numbers: set[int], chunk_days: int) -> None:
    days = [day(n) for n in sorted(numbers)]
    groups = cut_days(days, chunk_days)
    assert [d for group in groups for d in group] == days
    assert all((group[-1] - group[0]).days < chunk_days for group in groups)
    if chunk_days <= 31:
        assert all(len({(d.year, d.month) for d in group}) == 1 for group in groups)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, chunk_days=CHUNK_DAYS)
def test_every_partition_lies_in_one_chunk_and_finds_its_windows_in_blocks(seed: int, chunk_days: int) -> None:
    world = random_world(seed)
    plan = build_plan(world.pipeline, world.calendar, world.request, {})
    chunks = chunks_of(plan, chunk_days)
    assert sorted(Partition(c.table, d) for c in chunks for d in c.days) == sorted(plan.partitions)
    assert list(chunks) == sorted(chunks, key=lambda c: (c.wave, c.first, c.table))
    blocks, readers = (
        all_blocks(world.pipeline, world.calendar, chunks),
        readers_of(world.pipeline, world.calendar, chunks),
    )
    reached: dict[BlockKey, set[date]] = {}
    for chunk in chunks:
        own: set[BlockKey] = set()
        for each in world.pipeline.processor(chunk.table).inputs:
            for of in chunk.days:
                for other in world.window(each, of):
                    key = BlockKey(each.name, other.year, other.month)
                    own.add(key)
                    reached.setdefault(key, set()).add(other)
                    assert set(each.columns) <= set(blocks[key].columns)
        assert set(readers[chunk]) == own
        assert len(readers[chunk]) == len(own)
    assert {key: set(block.days) for key, block in blocks.items()} == reached
    assert all(list(block.days) == sorted(block.days) for block in blocks.values())


@settings(max_examples=60, deadline=None)
@given(numbers=st.sets(st.integers(0, 60), min_size=2))
def test_halves_hold_the_same_dates(numbers: set[int]) -> None:
    days = tuple(day(n) for n in sorted(numbers))
    first, second = ChunkKey(2, days[0], "d.t", days).halves()
    assert first.days + second.days == days
    assert (first.first, second.first) == (first.days[0], second.days[0])
    assert abs(len(first.days) - len(second.days)) <= 1


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_parts_of_a_chunk_need_no_block_that_the_chunk_does_not(seed: int) -> None:
    world = random_world(seed)
    for chunk in chunks_of(build_plan(world.pipeline, world.calendar, world.request, {}), 366):
        processor = world.pipeline.processor(chunk.table)
        whole = set(blocks_of(processor, chunk.days, world.calendar))
        parts = [set(blocks_of(processor, (d,), world.calendar)) for d in chunk.days]
        assert set.union(*parts) == whole


@pytest.mark.parametrize(
    ("days", "name"),
    [
        ((date(2024, 1, 5),), "t 2024-01-05"),
        ((date(2024, 1, 5), date(2024, 1, 9)), "t 2024-01-05..09"),
        ((date(2024, 1, 5), date(2024, 2, 9)), "t 2024-01-05..2024-02-09"),
    ],
)
def test_a_chunk_is_named_by_table_and_dates(days: tuple[date, ...], name: str) -> None:
    assert str(ChunkKey(0, days[0], "d.t", days)) == name


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, chunk_days=CHUNK_DAYS)
def test_an_estimate_counts_what_the_plan_will_do(seed: int, chunk_days: int) -> None:
    world = random_world(seed)
    plan = build_plan(world.pipeline, world.calendar, world.request, {})
    chunks = chunks_of(plan, chunk_days)
    found = estimate(world.pipeline, world.calendar, plan, chunk_days, Sizes({}, {}))
    assert found.blocks == len(all_blocks(world.pipeline, world.calendar, chunks))
    assert sum(t.chunks for t in found.tables) == len(chunks)
    assert sum(t.rows for t in found.tables) == 250 * plan.total
    assert found.commits >= sum(-(-len(t.to_do) // 200) for t in plan.tables)
