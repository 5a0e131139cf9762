"""What every processor of the pipeline must do, whatever it computes; a new table is tested by being in the list.

The rows of a date depend on nothing but the declared windows: not on the chunk, not on the order of the input rows,
not on rows and columns that happen to be there too. Compared by content hash, so bit for bit.
"""

from datetime import date
from functools import cache

import polars as pl
import polars.selectors as cs
import pytest

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.content_hash import content_hashes
from backcourt.pipeline.processor import Chunk, Input, Inputs, Processor
from nba.pipeline import PIPELINE
from tests.plain_loop import compute_all, due_dates, frame_of, run_in_memory, windowed
from tests.unit.nba.small_league import SmallLeague

START, END, AS_OF = date(2022, 10, 1), date(2023, 12, 31), date(2024, 1, 1)

every_processor = pytest.mark.parametrize("processor", PIPELINE.processors, ids=lambda p: p.table.name)


@cache
def frames() -> dict[str, pl.DataFrame]:
    """Every table of the small league, computed in chunks of 60 days."""
    return run_in_memory(PIPELINE, SmallLeague(), START, END, AS_OF, chunk_days=60)


@cache
def calendar() -> Calendar:
    assert PIPELINE.calendar is not None
    return PIPELINE.calendar(frames()["nba_raw.schedule"])


def hashes(processor: Processor, rows: pl.DataFrame) -> dict[date, str]:
    return content_hashes(processor.table, rows, due_dates(processor, calendar(), AS_OF))


def sample_dates(processor: Processor) -> tuple[date, ...]:
    """Every seventh due date: early and late in both seasons."""
    return due_dates(processor, calendar(), AS_OF)[::7]


def inputs_of(processor: Processor, dates: tuple[date, ...]) -> dict[str, pl.DataFrame]:
    return {each.name: windowed(each, frames()[each.name], dates, calendar()) for each in processor.inputs}


def same_rows(processor: Processor, chunk: Chunk, inputs: Inputs) -> bool:
    """Whether the processor makes of these inputs what it made of the whole league, and nothing for other dates."""
    rows = processor.compute(chunk, inputs)
    assert set(rows[processor.table.partition_by]) <= set(chunk.dates)
    made = content_hashes(processor.table, rows, chunk.dates)
    known = hashes(processor, frames()[processor.name])
    return made == {day: known[day] for day in chunk.dates}


@every_processor
def test_the_league_has_rows_to_compare(processor: Processor) -> None:
    assert frames()[processor.name][processor.table.partition_by].n_unique() > 20


@every_processor
@pytest.mark.parametrize("chunk_days", [1, 7])
def test_rows_do_not_depend_on_the_chunk(processor: Processor, chunk_days: int) -> None:
    rows = compute_all(processor, frames(), calendar(), AS_OF, chunk_days)
    assert hashes(processor, rows) == hashes(processor, frames()[processor.name])


@every_processor
@pytest.mark.parametrize("seed", [1, 2])
def test_rows_do_not_depend_on_the_order_of_the_inputs(processor: Processor, seed: int) -> None:
    dates = due_dates(processor, calendar(), AS_OF)[-25:]
    shuffled = {
        name: rows.sample(fraction=1.0, shuffle=True, seed=seed) for name, rows in inputs_of(processor, dates).items()
    }
    assert same_rows(processor, Chunk(processor.name, dates, AS_OF), shuffled)


@every_processor
def test_expected_keys_do_not_depend_on_chunk_or_order(processor: Processor) -> None:
    dates = due_dates(processor, calendar(), AS_OF)[-25:]
    at_once = processor.expected_keys(Chunk(processor.name, dates, AS_OF), inputs_of(processor, dates))
    shuffled = {
        name: rows.sample(fraction=1.0, shuffle=True, seed=3) for name, rows in inputs_of(processor, dates).items()
    }
    parts = [processor.expected_keys(Chunk(processor.name, (d,), AS_OF), inputs_of(processor, (d,))) for d in dates]
    columns = at_once.columns
    assert processor.table.partition_by in columns
    assert set(columns) <= set(processor.table.column_names)
    assert not at_once.is_duplicated().any()
    assert at_once.sort(columns).equals(pl.concat(parts).sort(columns))
    reordered = processor.expected_keys(Chunk(processor.name, dates, AS_OF), shuffled)
    assert at_once.sort(columns).equals(reordered.sort(columns))


def outside(each: Input, day: date) -> pl.Expr:
    """Rows that the partition of `day` must not see."""
    inside = pl.col(each.table.partition_by).is_between(each.window.first(day, calendar()), each.window.last(day))
    return ~inside


def changed(rows: pl.DataFrame, which: pl.Expr, keep: str) -> pl.DataFrame:
    """The rows with other numbers and truths where `which` holds; dates, texts and the season stay."""
    numbers = (cs.numeric() - cs.by_name("season_year", require_all=False)) - cs.by_name(keep)
    return rows.with_columns(
        pl.when(which).then(numbers * 3 + 7).otherwise(numbers).name.keep(),
        pl.when(which).then(cs.boolean().not_()).otherwise(cs.boolean()).name.keep(),
    )


@every_processor
def test_rows_outside_the_windows_change_nothing(processor: Processor) -> None:
    """They may be absent, be there (all dates, all columns), or be there with other values: a date's rows stay."""
    for day in sample_dates(processor):
        chunk = Chunk(processor.name, (day,), AS_OF)
        everything = {each.name: frames()[each.name] for each in processor.inputs}
        other_values = {
            each.name: changed(frames()[each.name], outside(each, day), each.table.partition_by)
            for each in processor.inputs
        }
        assert same_rows(processor, chunk, inputs_of(processor, (day,))), day
        assert same_rows(processor, chunk, everything), day
        assert same_rows(processor, chunk, other_values), day


@every_processor
def test_columns_types_and_keys_are_as_declared(processor: Processor) -> None:
    table, rows = processor.table, frames()[processor.name]
    assert rows.schema == frame_of(table.arrow_schema.empty_table()).schema
    assert not rows.select({table.partition_by, *table.key}).is_duplicated().any()
    assert [c.name for c in table.columns if c.required and rows[c.name].null_count()] == []
    assert set(rows[table.partition_by]) <= set(due_dates(processor, calendar(), AS_OF))
    assert all(c.description for c in table.columns)


@every_processor
def test_no_input_rows_make_no_rows(processor: Processor) -> None:
    dates = sample_dates(processor)[:1]
    empty = {name: rows.clear() for name, rows in inputs_of(processor, dates).items()}
    chunk = Chunk(processor.name, dates, AS_OF)
    rows = processor.compute(chunk, empty)
    assert rows.is_empty()
    assert rows.schema == frame_of(processor.table.arrow_schema.empty_table()).schema
    assert processor.expected_keys(chunk, empty).is_empty()
