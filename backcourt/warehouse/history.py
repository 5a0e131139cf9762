"""The record of every partition of a run, appended by one load job a batch: history, reports and alerts read it."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import islice

import polars as pl
import pyarrow as pa

from backcourt.pipeline.outcomes import PartitionOutcome
from backcourt.pipeline.polars_types import POLARS_TYPES
from backcourt.warehouse.definitions import OUTCOME_COLUMNS
from backcourt.warehouse.requests import JobRequest, Kind
from backcourt.warehouse.state import State

_SCHEMA = pa.schema([c.arrow for c in OUTCOME_COLUMNS])
ROWS_AT_ONCE = 500
"""Outcomes of a batch that are in memory at once, as objects and as lists of values."""


def append_outcomes(
    outcomes: Iterable[PartitionOutcome], run_id: str, start: int, now: datetime, state_dataset: str, job_id: str
) -> JobRequest:
    """The load that appends the outcomes, stamped with `now` (UTC); its id makes it happen once."""
    stamp = {"run_date": now.date(), "run_id": run_id, "start_number": start, "recorded_at": now}
    rows, days, left = [_table((), stamp)], set[date](), iter(outcomes)
    while some := tuple(islice(left, ROWS_AT_ONCE)):
        rows.append(_table(some, stamp))
        days.update(o.partition.day for o in some)
    return JobRequest(
        job_id,
        Kind.LOAD,
        run_id,
        "partition_outcomes",
        dates=tuple(sorted(days)),
        destination=State(state_dataset).outcomes,
        rows=pa.concat_tables(rows),
        columns=OUTCOME_COLUMNS,
    )


def _table(outcomes: Sequence[PartitionOutcome], stamp: Mapping[str, object]) -> pa.Table:
    """Column by column, by way of Polars: pyarrow imports pandas to look at Python's values, 40 MiB in a driver."""
    constant = {name: [value] * len(outcomes) for name, value in stamp.items()}
    told = {name: [value(o) for o in outcomes] for name, value in _VALUES.items()}
    frame = pl.DataFrame(constant | told, {c.name: POLARS_TYPES[c.type] for c in OUTCOME_COLUMNS})
    return frame.to_arrow().cast(_SCHEMA)


_VALUES: Mapping[str, Callable[[PartitionOutcome], object]] = {
    "table_name": lambda o: o.partition.table,
    "partition_date": lambda o: o.partition.day,
    "outcome": lambda o: o.outcome.value,
    "category": lambda o: o.category.value or None,
    "retry_can_help": lambda o: o.retry_can_help,
    "reason": lambda o: o.reason or None,
    "missing": lambda o: json.dumps(o.missing) if o.missing else None,
    "row_count": lambda o: o.row_count,
    "expected_count": lambda o: o.expected_count,
    "present_count": lambda o: o.present_count,
    "coverage": lambda o: o.coverage,
    "attempts": lambda o: o.attempts,
    "seconds": lambda o: o.seconds,
    "commit_id": lambda o: o.commit_id or None,
    "notes": lambda o: o.notes or None,
    "warned": lambda o: o.warned,
    "holes": lambda o: json.dumps(o.holes) if o.holes else None,
}
"""The columns that an outcome fills."""
