"""From the ledger to models: which dates to train for, their committed rows, and what became of each training."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

from backcourt.errors import BackcourtError, UsageError
from backcourt.exports.whole_files import WholeFiles
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.processor import Input, Inputs, Pipeline, Trained, Training
from backcourt.warehouse.ledger_reads import Entries
from jobs.committed_rows import rows_of
from jobs.declared import find_declared
from ray_tasks.prepare import Ground


@dataclass(frozen=True)
class TrainedFor:
    """A training for one date: the model, or why there is none."""

    until: date
    model: Trained | None
    reason: str = ""
    exit_code: int = 0


def find_training(pipeline: Pipeline, name: str | None) -> Training:
    """The training of that name; the only one where none is given.

    Raises:
        UsageError: there is none, or more than one to choose from.
    """
    return find_declared(pipeline.name, "training", pipeline.trainings, name)


def training_dates(calendar: Calendar, until: date, monthly_from: date | None) -> tuple[date, ...]:
    """The dates to train for: `until`, or the first of each month from `monthly_from` to it.

    A month before which the calendar has no new date is left out: its model would be that of the month before.

    Raises:
        UsageError: no month begins between the two dates.
    """
    if monthly_from is None:
        return (until,)
    months = range(monthly_from.year * 12 + monthly_from.month - 1, until.year * 12 + until.month)
    firsts = [date(month // 12, month % 12 + 1, 1) for month in months]
    wanted = [first for first in firsts if monthly_from <= first <= until]
    if not wanted:
        raise UsageError(f"No month begins from {monthly_from} to {until}.", "Give an earlier --monthly-from.")
    seen = [calendar.positions(first, first)[0] for first in wanted]
    return tuple(first for n, first in enumerate(wanted) if seen[n] and seen[n] not in seen[:n])


def train_models(
    ground: Ground,
    training: Training,
    calendar: Calendar,
    ledger: Entries,
    dates: Iterable[date],
    folder: WholeFiles | None,
    stopped: Callable[[], bool],
) -> list[TrainedFor]:
    """Train for each date and write the models, oldest first, until `stopped`; without a folder write nothing.

    The rows are read once, up to the last date; a date that cannot be trained for does not stop the others.
    """
    ordered = sorted(dates)
    rows = {each.name: rows_of(ground, calendar, ledger, each, ordered[-1:]) for each in training.inputs}
    done = []
    for until in ordered:
        if stopped():
            break
        done.append(_trained(training, until, rows))
        model = done[-1].model
        if model and folder:
            for name, content in model.files.items():
                folder.put(name, content)
    return done


def _trained(training: Training, until: date, rows: Inputs) -> TrainedFor:
    try:
        return TrainedFor(until, training.train(until, _before(training.inputs, until, rows)))
    except BackcourtError as error:
        return TrainedFor(until, None, str(error), error.exit_code)


def _before(inputs: Iterable[Input], until: date, rows: Inputs) -> Mapping[str, pl.DataFrame]:
    """Of the rows read for the last date those that a training for `until` may see."""
    return {each.name: rows[each.name].filter(pl.col(each.table.partition_by) < until) for each in inputs}
