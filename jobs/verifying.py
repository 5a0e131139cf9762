"""Recomputing partitions that are published, one worker after the other, and comparing with ledger and rows.

Only partitions of which the same is to be expected are chosen: those made by today's version of their processor from
the rows that their inputs have today.
"""

from dataclasses import dataclass
from datetime import date
from random import Random

import polars as pl

from backcourt.clock import Clock
from backcourt.errors import BackcourtError
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.content_hash import content_hashes
from backcourt.pipeline.differences import Difference, differences
from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.plan import is_stale, versions_of
from backcourt.pipeline.processor import SAME_DATE, Chunk, Input, Processor
from backcourt.pipeline.withdrawn import withdrawn_days, withdrawn_inputs
from backcourt.warehouse.ledger_reads import Entries
from jobs.committed_rows import rows_of
from ray_tasks.prepare import Ground


@dataclass(frozen=True)
class Verified:
    """One partition and its outcome.

    `same`; `differs`: the recomputed rows are others than the ledger has; `changed`: the published ones are; `failed`:
    it could not be recomputed, for the reason given.
    """

    table: str
    day: date
    outcome: str
    seconds: float
    cells: tuple[Difference, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class Verifier:
    """What recomputing needs."""

    ground: Ground
    calendar: Calendar
    ledger: Entries
    as_of: date
    clock: Clock

    def choose(self, tables: tuple[str, ...], count: int, seed: int) -> tuple[Partition, ...]:
        """A random sample of the partitions that can be verified, the same one for the same seed and ledger."""
        population = self._verifiable(tables)
        chosen = Random(seed).sample(population, min(count, len(population)))  # noqa: S311 (a sample, no secret)
        return tuple(sorted(chosen))

    def verify(self, partition: Partition) -> Verified:
        """Recompute one partition and compare."""
        started = self.clock.monotonic()
        processor, day = self.ground.pipeline.processor(partition.table), partition.day
        outcome, reason = "same", ""
        cells: tuple[Difference, ...] = ()
        try:
            recomputed = self._recompute(processor, day)
            table = processor.table
            published = self._rows(Input(table, table.column_names, SAME_DATE), day)
            known = self.ledger[table.full_name, day].content_hash
            there, made = (content_hashes(table, rows, (day,))[day] for rows in (published, recomputed))
            if not there == made == known:
                outcome = "changed" if made == known else "differs"
                cells = differences(table, published, recomputed)
                reason = "" if cells else "the ledger has another hash than the rows, which agree"
        except BackcourtError as error:
            outcome, reason = "failed", str(error)
        except Exception as error:  # noqa: BLE001 (a processor may raise anything; the sample goes on)
            outcome, reason = "failed", f"{type(error).__name__}: {error}"
        return Verified(partition.table, day, outcome, self.clock.monotonic() - started, cells, reason)

    def _recompute(self, processor: Processor, day: date) -> pl.DataFrame:
        inputs = {each.name: self._rows(each, day) for each in processor.inputs}
        rows = processor.compute(Chunk(processor.name, (day,), self.as_of), inputs)
        return rows.select(processor.table.column_names)

    def _rows(self, each: Input, day: date) -> pl.DataFrame:
        return rows_of(self.ground, self.calendar, self.ledger, each, (day,))

    def _verifiable(self, tables: tuple[str, ...]) -> list[Partition]:
        pipeline = self.ground.pipeline
        versions = versions_of(pipeline, self.calendar, self.ledger, self.as_of)
        gone = withdrawn_days(self.ledger)
        found = []
        for (table, day), entry in self.ledger.items():
            processor = pipeline.processor(table) if table in tables else None
            if processor is None or processor.is_raw or entry.withdrawn:
                continue
            current = entry.processor_version == processor.version and not is_stale(
                processor, day, self.calendar, entry, versions
            )
            if current and not withdrawn_inputs(pipeline, self.calendar, {table: (day,)}, gone):
                found.append(Partition(table, day))
        return sorted(found)
