"""`backcourt validate`: is what is published what ought to be? A date every night, or a range of history."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from jobs import options

if TYPE_CHECKING:
    from backcourt.pipeline.validation import Finding
    from jobs.validating import Validation

FINDINGS_SHOWN = 5
"""Findings of a table and a fault that are told one by one; the totals are always whole."""

YESTERDAY = "yesterday"
"""The date that a schedule asks for: the day before today, in the pipeline's time zone."""


class Span(StrEnum):
    """What is validated: one date with its values, or a range of dates by its counts."""

    DAILY = "daily"
    RANGE = "range"


def validate(
    span: Annotated[Span, typer.Argument(help="daily DATE, or range START END.")],
    first: Annotated[
        str, typer.Argument(help="The date, or the first one, YYYY-MM-DD, or `yesterday`.", metavar="DATE")
    ],
    last: Annotated[str | None, typer.Argument(help="The last date of a range.", metavar="[END]")] = None,
    tables: options.Tables = None,
    content: Annotated[
        bool, typer.Option("--content", help="Read the values of a range too; a single date's are always read.")
    ] = False,
    exports: Annotated[str | None, typer.Option("--exports", help="Also look for the files in this folder.")] = None,
    as_of: options.AsOf = None,
    as_json: options.Json = False,
    config: options.Config = None,
) -> None:
    """Compare calendar, ledger and rows: gaps, damage, old versions, means that cannot be, missing exports."""
    from jobs.alerting import alert_of_findings, errors_told
    from jobs.ground import ground_of, new_run_id
    from jobs.options import split_names
    from jobs.session import find_tables, open_session
    from jobs.settings import run_settings
    from jobs.validating import Wanted, examine
    from ray_tasks.prepare import read_calendar

    days = () if first == YESTERDAY else _days(span, first, last)  # a typo is told before anything is opened
    settings, nightly = run_settings(config, as_of=as_of), span is Span.DAILY
    with errors_told(settings, "validate", wanted=nightly), open_session(settings) as session:
        days = days or _days(span, (session.as_of - timedelta(days=1)).isoformat(), last)
        named = find_tables(session.pipeline, split_names(tables))
        names = named or tuple(p.name for p in session.pipeline.processors)
        ground = ground_of(session, new_run_id(session, "validate"))
        calendar = read_calendar(ground)
        wanted = Wanted(names, days, content or nightly, exports)
        found = examine(session, ground, calendar, wanted)
        games = len(calendar.between(days[0], days[-1]))
        if nightly:
            alert_of_findings(settings, session.clock, found.findings)
    if as_json:
        typer.echo(json.dumps(asdict(found), default=str, indent=2))
    else:
        _show(found, days, games)
    raise typer.Exit(3 if found.findings else 0)


def _days(span: Span, first: str, last: str | None) -> tuple[date, ...]:
    """Every day of the range.

    Raises:
        UsageError: a date cannot be read, the range is upside down, or there is one date too few or too many.
    """
    from backcourt.errors import UsageError

    if (last is None) != (span is Span.DAILY):
        raise UsageError(
            f"`validate {span}` takes {'one date' if span is Span.DAILY else 'two dates'}.",
            "Write `validate daily DATE` or `validate range START END`.",
        )
    start = options.parse_date(first, "DATE")
    end = options.parse_date(last, "END") if last else start
    if start > end:
        raise UsageError(f"{start} is after {end}.", "Swap them.")
    return tuple(start + timedelta(days=n) for n in range((end - start).days + 1))


def _show(found: "Validation", days: Sequence[date], games: int) -> None:
    from jobs.console import console, grid, spans

    if not games:
        typer.echo(f"The schedule has no game on {spans(days)}.")
    if found.moving:
        typer.echo(f"{len(found.moving)} partitions are being committed just now and were left out.")
    if not found.findings:
        typer.echo(f"Nothing is wrong with {spans(days)}: {found.partitions} partitions, {games} dates with games.")
        return
    counts = Counter((f.table, f.fault) for f in found.findings)
    dates: dict[tuple[str, str], list[date]] = {}
    for each in found.findings:
        dates.setdefault((each.table, each.fault), []).append(each.day)
    rows = [(table, fault.value, str(n), spans(dates[table, fault])) for (table, fault), n in counts.items()]
    console().print(grid(f"Findings of {spans(days)}", ("table", "outcome", "findings", "dates"), rows))
    for line in _lines(found.findings):
        console().print(line, markup=False)


def _lines(findings: "Sequence[Finding]") -> Iterator[str]:
    """The first findings of each table and fault, and how many more there are."""
    told: Counter[tuple[str, str]] = Counter()
    total = Counter((f.table, str(f.fault)) for f in findings)
    for each in findings:
        kind = (each.table, str(each.fault))
        told[kind] += 1
        if told[kind] <= FINDINGS_SHOWN:
            until = f" … {each.last}" if each.last and each.last != each.day else ""
            yield f"{each.fault}: {each.table} {each.day}{until}: {each.what}"
        if told[kind] == FINDINGS_SHOWN < total[kind]:
            yield f"… and {total[kind] - FINDINGS_SHOWN} more {each.fault} of {each.table}"
