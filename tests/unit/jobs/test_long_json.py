"""A long list as JSON: what pydantic would write of it at once, written a piece at a time."""

import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass

import pytest
from pydantic import BaseModel, TypeAdapter

from jobs.console import ITEMS_AT_ONCE, print_long_json


@dataclass(frozen=True)
class Item:
    """One of many."""

    name: str
    sizes: tuple[int, ...]


class Head(BaseModel):
    """What comes before the list."""

    run_id: str
    numbers: tuple[int, ...] = (1, 2)


class Whole(Head):
    """Head and list in one model, which pydantic writes by itself."""

    items: tuple[Item, ...]


ITEMS = TypeAdapter(list[Item])


@pytest.mark.parametrize("count", [0, 1, ITEMS_AT_ONCE, 2 * ITEMS_AT_ONCE + 7])
def test_it_is_what_pydantic_writes_at_once(count: int) -> None:
    """Byte for byte, with texts that look like the end of a list or of a line."""
    items = tuple(Item('"]\n}\n ü\u2028' + str(n), tuple(range(n % 3))) for n in range(count))
    with redirect_stdout(io.StringIO()) as out:
        print_long_json(Head(run_id="r]\n}"), "items", ITEMS, items)
    assert out.getvalue() == Whole(run_id="r]\n}", items=items).model_dump_json(indent=2) + "\n"


def test_items_are_made_as_they_are_written() -> None:
    """At no write have more than ITEMS_AT_ONCE items been made that were not written before."""
    made, ahead = 0, []

    def items() -> Iterator[Item]:
        nonlocal made
        for n in range(5 * ITEMS_AT_ONCE):
            made += 1
            yield Item(f"item {n}", ())

    class Out(io.StringIO):
        def write(self, text: str, /) -> int:
            ahead.append(made - self.getvalue().count("item "))
            return super().write(text)

    with redirect_stdout(Out()):
        print_long_json(Head(run_id="r"), "items", ITEMS, items())
    assert made == 5 * ITEMS_AT_ONCE
    assert max(ahead) <= ITEMS_AT_ONCE
