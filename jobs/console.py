"""How commands talk: a Rich console in a terminal, plain lines elsewhere, JSON on request."""

import sys
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import islice
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

T = TypeVar("T")

ITEMS_AT_ONCE = 1_000
"""Items of a long JSON list that are in memory at once, as objects and as text."""


def console() -> Console:
    """Standard output; colours and width are the terminal's. A pipe gets lines of up to 160 characters."""
    out = Console(highlight=False, soft_wrap=False)
    return out if out.is_terminal else Console(highlight=False, width=160, no_color=True)


def grid(title: str, columns: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> RichTable:
    """A table with numbers to the right: every column but the first and those of words."""
    table = RichTable(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    rows = list(rows)
    for at, column in enumerate(columns):
        words = at == 0 or (column in LEFT and not all(str(row[at]).isdigit() for row in rows))
        table.add_column(column, justify="left" if words else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


LEFT = ("dates", "why", "reason", "inputs", "key", "last run", "outcome", "missing")
"""Columns of words."""


def print_json(model: BaseModel) -> None:
    """A model as JSON on standard output."""
    sys.stdout.write(model.model_dump_json(indent=2))
    sys.stdout.write("\n")


def print_long_json(model: BaseModel, field: str, kind: TypeAdapter[list[T]], items: Iterable[T]) -> None:
    """The same with one field more, a list that is never in memory as a whole: a run may have 100,000 partitions."""
    left, comma = iter(items), ""
    head = model.model_dump_json(indent=2).removesuffix("\n}")
    sys.stdout.write(f'{head},\n  "{field}": [')
    while batch := list(islice(left, ITEMS_AT_ONCE)):
        text = kind.dump_json(batch, indent=2).decode().removeprefix("[").removesuffix("\n]")
        sys.stdout.write(comma + text.replace("\n", "\n  "))  # no text in JSON has a line break of its own
        comma = ","
    sys.stdout.write("\n  ]\n}\n" if comma else "]\n}\n")


def spans(days: Sequence[date]) -> str:
    """Dates in short: the first and the last."""
    if not days:
        return "–"
    if len(days) == 1:
        return days[0].isoformat()
    return f"{days[0].isoformat()} … {days[-1].isoformat()}"


def bytes_text(count: float) -> str:
    """Bytes in a unit that fits."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if count < 1024 or unit == "TiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return ""
