"""The bare computation of the season: the same processors over tables in memory, one thread, no warehouse.

Run by `benchmarks.season` in a process of its own, so that its memory is its own. Prints JSON.
"""

import json
import os
import sys

os.environ["POLARS_MAX_THREADS"] = "1"  # as in a worker; before Polars is imported

import psutil

from backcourt.clock import SystemClock
from backcourt.pipeline.processor import Chunk
from backcourt.sources.folder import FolderSource
from benchmarks.season_data import AS_OF, END, START
from nba.pipeline import PIPELINE
from tests.plain_loop import chunks, due_dates, in_wave_order, run_in_memory, windowed


def main(folder: str, chunk_days: int) -> None:
    """Fill the memory with every table, then compute each table of a backfill once more, timed."""
    frames = run_in_memory(PIPELINE, FolderSource(folder), START, END, AS_OF, chunk_days)
    assert PIPELINE.schedule is not None
    assert PIPELINE.calendar is not None
    calendar = PIPELINE.calendar(frames[PIPELINE.schedule.full_name].select(PIPELINE.schedule_columns))
    clock, process = SystemClock(), psutil.Process()
    started, used = clock.monotonic(), sum(process.cpu_times()[:2])
    dates = rows = 0
    for processor in (p for p in in_wave_order(PIPELINE) if not p.is_raw):
        for days in chunks(due_dates(processor, calendar, AS_OF), chunk_days):
            inputs = {each.name: windowed(each, frames[each.name], days, calendar) for each in processor.inputs}
            chunk = Chunk(processor.name, days, AS_OF)
            processor.expected_keys(chunk, inputs)
            rows += processor.compute(chunk, inputs).height
            dates += len(days)
    print(
        json.dumps(
            {
                "seconds": clock.monotonic() - started,
                "cpu_seconds": sum(process.cpu_times()[:2]) - used,
                "peak_bytes": process.memory_info().rss,
                "partitions": dates,
                "rows": rows,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
