"""Runs a pipeline in memory, wave by wave, without the engine: what the engine must agree with.

The dates of a table are those of the pipeline's calendar that are due, cut into chunks; a processor sees every row
of its inputs' windows over the chunk, in the columns that it declares.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby

import polars as pl
import pyarrow as pa

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.processor import Chunk, Feed, Input, Pipeline, Processor
from backcourt.sources.source import Source


def run_in_memory(
    pipeline: Pipeline, source: Source, start: date, end: date, as_of: date, chunk_days: int
) -> dict[str, pl.DataFrame]:
    """Every table of the pipeline from `start` to `end`, by full name; the feeds too, as `source:<name>`."""
    frames = {
        each.name: frame_of(source.read(each.table, start, end))
        for processor in pipeline.processors
        for each in processor.inputs
        if isinstance(each.table, Feed)
    }
    assert pipeline.schedule is not None
    assert pipeline.calendar is not None
    every_day = tuple(start + timedelta(days=n) for n in range((end - start).days + 1))
    calendar = Calendar(every_day)
    for processor in in_wave_order(pipeline):
        frames[processor.name] = compute_all(processor, frames, calendar, as_of, chunk_days)
        if processor.table == pipeline.schedule:
            calendar = pipeline.calendar(frames[processor.name].select(pipeline.schedule_columns))
    return frames


def in_wave_order(pipeline: Pipeline) -> list[Processor]:
    """The processors, each after those that make its inputs."""
    done: list[Processor] = []
    waiting = list(pipeline.processors)
    while waiting:
        names = {p.name for p in waiting}
        ready = [p for p in waiting if not names & {each.name for each in p.inputs}]
        assert ready, f"the inputs of {sorted(names)} form a circle"
        done += ready
        waiting = [p for p in waiting if p not in ready]
    return done


def due_dates(processor: Processor, calendar: Calendar, as_of: date) -> tuple[date, ...]:
    """The calendar's dates that the processor computes."""
    return tuple(
        day
        for day in calendar.dates
        if not (processor.bootstrap and calendar.is_bootstrap(day)) and (not processor.needs_final_games or day < as_of)
    )


def chunks(dates: Sequence[date], chunk_days: int) -> list[tuple[date, ...]]:
    """The dates, cut where `chunk_days` calendar days are full."""
    return [tuple(days) for _, days in groupby(dates, key=lambda day: (day - dates[0]).days // chunk_days)]


def windowed(each: Input, rows: pl.DataFrame, dates: tuple[date, ...], calendar: Calendar) -> pl.DataFrame:
    """The rows of the union of an input's windows over the dates, in the declared columns."""
    first = min(each.window.first(day, calendar) for day in dates)
    last = max(each.window.last(day) for day in dates)
    partition = each.table.partition_by
    return rows.filter(pl.col(partition).is_between(first, last)).select(each.columns)


def compute_all(
    processor: Processor, frames: dict[str, pl.DataFrame], calendar: Calendar, as_of: date, chunk_days: int
) -> pl.DataFrame:
    """The processor's rows over all its dates."""
    parts = [frame_of(processor.table.arrow_schema.empty_table())]
    for dates in chunks(due_dates(processor, calendar, as_of), chunk_days):
        inputs = {each.name: windowed(each, frames[each.name], dates, calendar) for each in processor.inputs}
        parts.append(processor.compute(Chunk(processor.name, dates, as_of), inputs))
    return pl.concat(parts)


def expected_all(
    processor: Processor, frames: dict[str, pl.DataFrame], calendar: Calendar, as_of: date
) -> pl.DataFrame:
    """The processor's expected keys over all its dates, computed in one chunk."""
    dates = due_dates(processor, calendar, as_of)
    inputs = {each.name: windowed(each, frames[each.name], dates, calendar) for each in processor.inputs}
    return processor.expected_keys(Chunk(processor.name, dates, as_of), inputs)


def frame_of(rows: pa.Table) -> pl.DataFrame:
    """An Arrow table as a frame."""
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    return frame
