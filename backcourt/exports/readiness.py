"""Which dates may be exported: those whose inputs are committed, as far as they are due. Pure."""

from collections.abc import Container
from datetime import date

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.plan import is_due
from backcourt.pipeline.processor import Export, Pipeline


def uncommitted(
    pipeline: Pipeline,
    export: Export,
    day: date,
    calendar: Calendar,
    as_of: date,
    ledger: Container[tuple[str, date]],
) -> tuple[str, ...]:
    """The tables that keep the date from being exported.

    They are inputs of the same date that are not optional and not in the ledger (by table and date), although they
    are due: no bootstrap day of theirs, and over if they need games that are.
    """

    def is_missing(table: str) -> bool:
        processor = pipeline.processor(table)
        due = is_due(processor, day, as_of) and not (processor.bootstrap and calendar.is_bootstrap(day))
        return due and (table, day) not in ledger

    needed = (each.name for each in export.inputs if each.window.same_date and not each.optional)
    return tuple(table for table in needed if is_missing(table))
