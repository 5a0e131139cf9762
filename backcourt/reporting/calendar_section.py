"""The report's calendar: every table, every month a row, every date a cell with a sign, a link and its story."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from html import escape

from backcourt.pipeline.standing import Cell, Standing

SIGNS: Mapping[Standing, str] = {
    Standing.DONE: "",
    Standing.WARNED: "!",
    Standing.FORCED: "‼",
    Standing.STALE: "~",
    Standing.BLOCKED: "B",
    Standing.FAILED: "F",
    Standing.MISSING: "?",
    Standing.BOOTSTRAP: "–",
    Standing.NOT_DUE: "",
}
"""What a cell shows besides its colour."""
MEANINGS: Mapping[Standing, str] = {
    Standing.DONE: "done",
    Standing.WARNED: "done, coverage below the warning threshold",
    Standing.FORCED: "done by --force",
    Standing.STALE: "done, an input has changed since",
    Standing.BLOCKED: "blocked by the gate",
    Standing.FAILED: "failed",
    Standing.MISSING: "missing, not tried",
    Standing.BOOTSTRAP: "bootstrap",
    Standing.NOT_DUE: "not due yet",
}
NOT_THERE = frozenset({Standing.BLOCKED, Standing.FAILED, Standing.MISSING})
"""Standings in which a partition ought to be there and is not."""
OPEN_TABLES = 4
"""A pipeline of at most so many tables is shown with every calendar open."""


def anchor(cell: Cell) -> str:
    """The cell's id in the page: `<table>-<date>`, without the dataset."""
    return f"{short(cell.partition.table)}-{cell.partition.day}"


def short(table: str) -> str:
    """A table without its dataset; names are unique in a pipeline."""
    return table.rpartition(".")[2]


def story(cell: Cell) -> str:
    """What is known of a partition, in one line."""
    last, entry = cell.last, cell.entry
    parts = [f"{cell.partition.table} {cell.partition.day}: {MEANINGS[cell.standing]}"]
    if entry:
        parts.append(f"{entry.row_count:,} rows, coverage {entry.coverage:.1%}, commit {entry.rows_commit}")
    if last and not last.went_through:
        category = f" ({last.category})" if last.category else ""
        parts.append(f"{last.outcome}{category} in run {last.run_id}: {last.reason}")
    return "; ".join(parts)


def calendar_section(cells: Sequence[Cell]) -> str:
    """The legend and a calendar a table; tables with something that is not there are open."""
    by_table: dict[str, list[Cell]] = {}
    for cell in cells:
        by_table.setdefault(cell.partition.table, []).append(cell)
    few = len(by_table) <= OPEN_TABLES
    return legend(cells) + "".join(_table(name, found, is_open=few) for name, found in by_table.items())


def legend(cells: Iterable[Cell]) -> str:
    """Every standing with its sign and how many partitions stand so."""
    counts = Counter(c.standing for c in cells)
    items = [
        f'<li><span class="c {_class(s)}">{SIGNS[s]}</span>{MEANINGS[s]}: {counts[s]:,}</li>'
        for s in Standing
        if counts[s] or s is Standing.DONE
    ]
    return f'<ul class="legend">{"".join(items)}<li>an empty place: no games</li></ul>'


def _table(name: str, cells: Sequence[Cell], *, is_open: bool) -> str:
    counts = Counter(c.standing for c in cells)
    said = " · ".join(f"{counts[s]:,} {s}" for s in Standing if counts[s])
    opened = " open" if is_open or any(counts[s] for s in NOT_THERE) else ""
    months: dict[tuple[int, int], dict[int, Cell]] = {}
    for cell in cells:
        day = cell.partition.day
        months.setdefault((day.year, day.month), {})[day.day] = cell
    first = cells[0].partition.day
    numbers = "".join(f"<span>{n}</span>" for n in range(1, 32))
    rows = "".join(_month(year, month, found, first) for (year, month), found in months.items())
    return (
        f"<details{opened}><summary><b>{escape(name)}</b><span>{said}</span></summary>"
        f'<div class="calendar"><div class="month days" aria-hidden="true"><span></span>{numbers}</div>{rows}</div>'
        "</details>\n"
    )


def _month(year: int, month: int, cells: Mapping[int, Cell], first: date) -> str:
    last = max(cells)
    days = "".join(_cell(cells[n], first) if n in cells else "<i></i>" for n in range(1, last + 1))
    return f'<div class="month"><span>{year}-{month:02}</span>{days}</div>\n'


def _cell(cell: Cell, first: date) -> str:
    """Only the first cell of a table is a stop of the Tab key; from there the arrow keys lead on."""
    name = anchor(cell)
    tab = 0 if cell.partition.day == first else -1
    return (
        f'<a class="c {_class(cell.standing)}" id="{name}" href="#{name}" tabindex="{tab}"'
        f' title="{escape(story(cell))}">{SIGNS[cell.standing]}</a>'
    )


def _class(standing: Standing) -> str:
    return standing.value.replace(" ", "-")
