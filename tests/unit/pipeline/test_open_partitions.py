"""The open partitions of a run against a plain set of them."""

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backcourt.pipeline.chunks import Block
from backcourt.pipeline.open_partitions import OpenPartitions, month_of
from backcourt.pipeline.outcomes import Partition

FIRST = date(2023, 12, 30)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_it_is_a_set_that_partitions_leave(seed: int) -> None:
    """Number, members in order, and which blocks they reach, down to the last one."""
    random = Random(seed)
    days = [FIRST + timedelta(days=n) for n in range(95)]
    everything = [Partition(table, day) for table in ("d.a", "d.b") for day in days]
    left = {p for p in everything if random.random() < 0.4}
    opened = OpenPartitions(sorted(left))
    for partition in random.sample(sorted(left), len(left)):
        assert len(opened) == len(left)
        assert list(opened) == sorted(left)
        key = month_of(random.choice(everything))
        month = [p.day for p in everything if month_of(p) == key]
        block = Block(key, (), tuple(random.sample(month, random.randint(0, len(month)))))
        assert opened.reach(block) == any(Partition(key.input, day) in left for day in block.days)
        opened.close(partition)
        left.remove(partition)
    assert not opened
    assert not list(opened)


def test_a_partition_counts_once_and_ends_once() -> None:
    """Two outcomes of one partition would be a fault of the run, and its count would hide it."""
    first, second = Partition("d.a", FIRST), Partition("d.a", date(2024, 1, 2))
    opened = OpenPartitions([first, first, second])
    assert len(opened) == 2
    opened.close(first)
    for wrong in (first, Partition("d.a", date(2024, 1, 3)), Partition("d.b", second.day)):
        with pytest.raises(KeyError):
            opened.close(wrong)
    assert list(opened) == [second]
