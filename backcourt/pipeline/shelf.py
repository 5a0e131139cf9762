"""The blocks of a run: which are wanted, which are held, and who still has to read them.

A block is held from its reading until its last reader is done; then its reference is dropped, and with it the memory.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backcourt.pipeline.chunks import Block, BlockKey, ChunkKey


@dataclass(slots=True)
class _Slot:
    """A long run has tens of thousands: readers are only counted, and who waits for a block is noted elsewhere."""

    block: Block
    readers: int = 0
    reference: object | None = None
    asked_for: bool = False
    times_read: int = 0


class Shelf:
    """Blocks by key. A reference is whatever the pool returned for the block's rows; it is never looked into."""

    def __init__(self, blocks: Mapping[BlockKey, Block], readers: Mapping[ChunkKey, tuple[BlockKey, ...]]) -> None:
        """Register every block with all chunks that will read it."""
        self._slots = {key: _Slot(block) for key, block in blocks.items()}
        self._waiting: dict[BlockKey, set[ChunkKey]] = {}
        for keys in readers.values():
            self._add_reader(keys)

    def block(self, key: BlockKey) -> Block:
        """The block's columns and dates."""
        return self._slots[key].block

    def __contains__(self, key: object) -> bool:
        return key in self._slots

    @property
    def reads(self) -> int:
        """Blocks read so far, repeated readings included."""
        return sum(s.times_read for s in self._slots.values())

    @property
    def held(self) -> int:
        """Blocks held now."""
        return sum(s.reference is not None for s in self._slots.values())

    def want(self, chunk: ChunkKey, keys: Iterable[BlockKey]) -> tuple[BlockKey, ...]:
        """The chunk will compute next: the blocks that it must wait for, and that nobody has asked for yet."""
        new = []
        for key in keys:
            slot = self._slots[key]
            if slot.reference is None:
                if not slot.asked_for:
                    new.append(key)
                slot.asked_for = True
                self._waiting.setdefault(key, set()).add(chunk)
        return tuple(new)

    def is_complete(self, keys: Iterable[BlockKey]) -> bool:
        """Whether all those blocks are held."""
        return all(self._slots[key].reference is not None for key in keys)

    def references(self, keys: Iterable[BlockKey]) -> tuple[object, ...]:
        """References of held blocks, in the order asked for."""
        return tuple(self._slots[key].reference for key in keys)

    def put(self, key: BlockKey, reference: object) -> tuple[ChunkKey, ...]:
        """A block was read: the chunks that waited for it."""
        waited = self.waiters(key)
        slot = self._slots[key]
        slot.times_read += 1
        slot.reference = reference if slot.readers else None
        return waited

    def lose(self, key: BlockKey) -> None:
        """A block's rows are gone with their node; it must be read again."""
        self._slots[key].reference = None

    def waiters(self, key: BlockKey) -> tuple[ChunkKey, ...]:
        """The reading has ended, one way or the other: the chunks that waited for it, which wait no longer."""
        self._slots[key].asked_for = False
        return tuple(sorted(self._waiting.pop(key, ())))

    def replace_reader(
        self, old: ChunkKey, keys: Iterable[BlockKey], parts: Mapping[ChunkKey, tuple[BlockKey, ...]]
    ) -> None:
        """A reader of `keys` is done (no parts) or goes on as other chunks; blocks without readers are dropped."""
        for part_keys in parts.values():
            self._add_reader(part_keys)
        for key in keys:
            slot = self._slots[key]
            slot.readers -= 1
            if old not in parts:
                self._waiting.get(key, set()).discard(old)
            if not slot.readers:
                slot.reference = None

    def _add_reader(self, keys: Iterable[BlockKey]) -> None:
        for key in keys:
            self._slots[key].readers += 1
