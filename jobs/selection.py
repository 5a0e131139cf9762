"""From flags to a plan's request: which tables, which dates. Everything that can be wrong with them is said here."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from backcourt.errors import UsageError
from backcourt.pipeline.calendar import Calendar
from jobs.options import parse_date, split_names

LOOK_BACK = timedelta(days=366)
"""Days before the first that exist without a schedule: as far as windows look back."""


@dataclass(frozen=True)
class DateSelection:
    """The dates that were asked for: a range, open on either side, or dates by name.

    With `may_be_empty` a range without a date of the calendar is none too few: a night in the summer.
    """

    start: date | None = None
    end: date | None = None
    named: tuple[date, ...] = ()
    may_be_empty: bool = False

    def every_day(self, as_of: date) -> tuple[date, ...]:
        """Every day that is meant or that a window may look back on: the dates of a pipeline without a schedule.

        Raises:
            UsageError: there is no first day.
        """
        first = min(self.named, default=self.start)
        if first is None:
            raise UsageError("The pipeline has no schedule, so that its first date is not known.", "Give --start.")
        last = max(self.named, default=self.end or as_of)
        begin = first - LOOK_BACK
        return tuple(begin + timedelta(days=n) for n in range((last - begin).days + 1))

    def of(self, calendar: Calendar) -> tuple[tuple[date, ...], tuple[date, ...]]:
        """The calendar's dates that are meant, and the named dates that it lacks.

        Raises:
            UsageError: the calendar has none of them.
        """
        if self.named:
            known = tuple(d for d in self.named if d in calendar)
            return known, tuple(d for d in self.named if d not in calendar)
        days = calendar.between(self.start or date.min, self.end or date.max)
        if not days and calendar.dates and not self.may_be_empty:
            raise UsageError(
                f"The calendar has no date from {self.start or 'its beginning'} to {self.end or 'its end'}.",
                f"It reaches from {calendar.dates[0]} to {calendar.dates[-1]}.",
            )
        return days, ()


def select_dates(start: str | None, end: str | None, dates: list[str] | None, file: Path | None) -> DateSelection:
    """Read the date flags.

    Raises:
        UsageError: a text that is no date, a start after the end, flags that exclude each other, an unreadable file.
    """
    named = [parse_date(text, "--dates") for text in split_names(dates)]
    if file is not None:
        named += _dates_in(file)
    if named and (start is not None or end is not None):
        raise UsageError("Dates by name and a range exclude each other.", "Give --dates or --start and --end.")
    first = None if start is None else parse_date(start, "--start")
    last = None if end is None else parse_date(end, "--end")
    if first and last and first > last:
        raise UsageError(f"--start {first} is after --end {last}.", "Swap them.")
    if (dates or file is not None) and not named:
        raise UsageError("No date was named.", "Write dates as YYYY-MM-DD, one a line or separated by commas.")
    return DateSelection(first, last, tuple(sorted(set(named))))


def _dates_in(file: Path) -> list[date]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}.", "Give a text file with one date a line.") from None
    texts = [line.partition("#")[0].strip() for line in lines]
    return [parse_date(text, f"{file}, line {number}") for number, text in enumerate(texts, start=1) if text]
