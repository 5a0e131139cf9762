"""The dates that a command which only looks back goes through, for pipelines with a schedule and without."""

from dataclasses import replace
from datetime import timedelta

from backcourt.errors import UsageError
from backcourt.pipeline.calendar import Calendar
from jobs.selection import DateSelection
from jobs.session import Session
from ray_tasks.prepare import Ground, read_calendar

DAYS_BACK = 365
"""Without a schedule and without --start, days before today that are looked at."""


def known_days(session: Session, ground: Ground, dates: DateSelection) -> Calendar:
    """The schedule's dates; without a schedule every day of the selection, as a backfill would plan them.

    Raises:
        UsageError: the schedule holds nothing.
    """
    if session.pipeline.schedule is None:
        start = dates.start or session.as_of - timedelta(days=DAYS_BACK)
        return Calendar(replace(dates, start=start).every_day(session.as_of))
    calendar = read_calendar(ground)
    if not calendar.dates:
        raise UsageError("The schedule has no dates.", "Run `backcourt ingest --source folder:PATH` first.")
    return calendar
