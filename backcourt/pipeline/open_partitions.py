"""Which partitions of a run have no outcome yet: one number a table and month, whose bits are the days."""

from collections.abc import Iterable, Iterator
from datetime import date

from backcourt.pipeline.chunks import Block, BlockKey
from backcourt.pipeline.outcomes import Partition


class OpenPartitions:
    """A set of partitions that tells months apart, and takes little memory for a hundred thousand of them."""

    def __init__(self, partitions: Iterable[Partition]) -> None:
        """Take them all; a partition counts once."""
        self._days: dict[BlockKey, int] = {}
        for each in partitions:
            key = month_of(each)
            self._days[key] = self._days.get(key, 0) | _bit(each.day)
        self._count = sum(days.bit_count() for days in self._days.values())

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Partition]:
        for key, days in self._days.items():
            for number in range(1, 32):
                if days >> number & 1:
                    yield Partition(key.input, date(key.year, key.month, number))

    def close(self, partition: Partition) -> None:
        """The partition has its outcome.

        Raises:
            KeyError: it had one before, or is none of them.
        """
        key, bit = month_of(partition), _bit(partition.day)
        left = self._days[key] ^ bit
        if left > self._days[key]:
            raise KeyError(partition)
        self._days[key] = left
        self._count -= 1
        if not left:
            del self._days[key]

    def reach(self, block: Block) -> bool:
        """Whether any of them is among the block's dates."""
        days = self._days.get(block.key, 0)
        return days != 0 and any(days & _bit(day) for day in block.days)


def month_of(partition: Partition) -> BlockKey:
    """The month of its table that a partition is part of."""
    return BlockKey(partition.table, partition.day.year, partition.day.month)


def _bit(day: date) -> int:
    return 1 << day.day
