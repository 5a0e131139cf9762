"""What a run has to tell people: its troubles grouped into one message, each with what to do.

One message a run, whatever the number of dates: partitions are counted by table, and only the first dates of each are
named. The text is a Slack message's (Formatting text for app surfaces, api.slack.com, read 2026-11), which Mattermost
and Rocket.Chat read too.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from backcourt.pipeline.breaker import HeldBack, Phase
from backcourt.pipeline.outcomes import Category, Outcome, PartitionOutcome
from backcourt.pipeline.validation import Finding

DATES_NAMED = 5
"""Dates of a table that a message names; the rest are counted."""
TABLES_NAMED = 12
"""Tables of one kind of trouble that a message names."""
REASON_LENGTH = 200
"""Characters of a reason; `backcourt history` has it whole."""
SILENCE = timedelta(hours=26)
"""A nightly run is missed when nothing has run for so long: a day, and two hours for a late start."""
HALVED_SECONDS = 600.0
"""A budget below its setting for so long is no passing weather."""


class Kind(StrEnum):
    """What is wrong, worst first."""

    ERROR = "error"
    DAMAGED = "damaged"
    FAILED = "failed"
    BLOCKED = "blocked"
    FORCED = "forced"
    BREAKER = "breaker open"
    BUDGET = "budget halved"
    SILENCE = "no run"
    DRIFT = "old code"


@dataclass(frozen=True)
class Trouble:
    """One thing to tell, and what to do about it; `lines` give its details."""

    kind: Kind
    what: str
    do: str
    lines: tuple[str, ...] = ()


def partition_troubles(run_id: str, outcomes: Collection[PartitionOutcome]) -> tuple[Trouble, ...]:
    """Failed, blocked and forced partitions of a run, each group by table."""
    groups: tuple[tuple[Kind, Callable[[PartitionOutcome], bool], str], ...] = (
        (
            Kind.FAILED,
            lambda o: o.outcome is Outcome.FAILED,
            f"Look at `backcourt history --failed`; then `backcourt backfill --only-failed {run_id}`.",
        ),
        (
            Kind.BLOCKED,
            lambda o: o.outcome is Outcome.BLOCKED,
            "Bring the missing data; `backcourt daily` then publishes them by itself. `backcourt status` names all.",
        ),
        (
            Kind.FORCED,
            lambda o: o.category is Category.FORCED and o.outcome is not Outcome.UNCHANGED,
            "They are published below the threshold. Compute them again without --force once the data is there.",
        ),
    )
    found = []
    for kind, belongs, do in groups:
        chosen = [o for o in outcomes if belongs(o)]
        if chosen:
            found.append(Trouble(kind, f"{_partitions(len(chosen))} {kind}", do, _by_table(chosen)))
    return tuple(found)


def breaker_troubles(held: Sequence[HeldBack]) -> tuple[Trouble, ...]:
    """Tables that circuit breakers keep out of runs, or let in with one date."""
    if not held:
        return ()
    lines = []
    for each in held:
        table, last = each.breaker.table, each.breaker.last_failure
        state = (
            "one date was tried" if each.phase is Phase.HALF_OPEN else f"skipped until {each.until:%Y-%m-%d %H:%M} UTC"
        )
        why = f": {_short(last.reason)}" if last else ""
        lines.append(f"{table}: {each.breaker.failures} failed runs in a row, {state}{why}")
    return (
        Trouble(
            Kind.BREAKER,
            f"{len(held)} table{'s' if len(held) > 1 else ''} held back by a circuit breaker",
            "Mend what fails, then `backcourt breaker reset TABLE`.",
            tuple(lines),
        ),
    )


def budget_troubles(seconds_below: Mapping[str, float]) -> tuple[Trouble, ...]:
    """Kinds of calls whose budget stayed below its setting for long; seconds at a stretch, by kind."""
    lines = tuple(
        f"{kind}: {seconds / 60:.0f} minutes" for kind, seconds in seconds_below.items() if seconds >= HALVED_SECONDS
    )
    if not lines:
        return ()
    do = "Look for others who use the project's quotas, or lower `budget` in the settings."
    return (Trouble(Kind.BUDGET, "BigQuery asked for less, for long", do, lines),)


def silence_troubles(last_run: datetime | None, now: datetime) -> tuple[Trouble, ...]:
    """The gap before this run, where a nightly one was missed; nothing before the first run of all."""
    if last_run is None or now - last_run <= SILENCE:
        return ()
    hours = (now - last_run).total_seconds() / 3600
    what = f"Nothing ran for {hours:.0f} hours before this run"
    return (Trouble(Kind.SILENCE, what, "Look whether the CronJob is suspended, and at its last pods' logs."),)


def drift_troubles(sentences: Sequence[str]) -> tuple[Trouble, ...]:
    """The running code is older than what wrote last, in the words of `pipeline/drift.py`."""
    if not sentences:
        return ()
    return (Trouble(Kind.DRIFT, "An old version of the code ran", "Deploy the newest image.", tuple(sentences)),)


def finding_troubles(findings: Sequence[Finding]) -> tuple[Trouble, ...]:
    """What `validate` found, by table and fault."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for each in findings:
        groups.setdefault((each.table, each.fault.value), []).append(each)
    lines = (
        f"{table}: {fault}, {_dates([f.day for f in of])}: {_short(of[0].what)}"
        for (table, fault), of in groups.items()
    )
    do = "`backcourt validate` tells all of it; docs/operations.md has what mends each."
    return (Trouble(Kind.DAMAGED, "What is published is not what it ought to be", do, tuple(lines)),) if groups else ()


def message(pipeline: str, run_id: str, exit_code: int, troubles: Sequence[Trouble]) -> str:
    """The one message of a run."""
    head = f"*backcourt {_escaped(pipeline)}*: run `{_escaped(run_id)}` ended with exit code {exit_code}"
    parts = [head]
    for trouble in sorted(troubles, key=lambda t: list(Kind).index(t.kind)):
        parts.append(f"*{_escaped(trouble.what)}.* {_escaped(trouble.do)}")
        parts += [f"• {_escaped(line)}" for line in trouble.lines[:TABLES_NAMED]]
        if len(trouble.lines) > TABLES_NAMED:
            parts.append(f"• and {len(trouble.lines) - TABLES_NAMED} more")
    return "\n".join(parts)


def _by_table(outcomes: Sequence[PartitionOutcome]) -> tuple[str, ...]:
    tables: dict[str, list[PartitionOutcome]] = {}
    for each in outcomes:
        tables.setdefault(each.partition.table, []).append(each)
    lines = []
    for table, chosen in tables.items():
        first = next((o for o in chosen if o.category is not Category.UPSTREAM), chosen[0])
        lines.append(f"{table}: {_dates([o.partition.day for o in chosen])}: {_short(first.reason)}")
    return tuple(lines)


def _dates(days: Sequence[date]) -> str:
    named = ", ".join(str(day) for day in sorted(days)[:DATES_NAMED])
    return f"{named} and {len(days) - DATES_NAMED} more" if len(days) > DATES_NAMED else named


def _short(reason: str) -> str:
    line = " ".join(reason.split())
    return line if len(line) <= REASON_LENGTH else f"{line[: REASON_LENGTH - 1]}…"


def _partitions(number: int) -> str:
    return f"{number} partition{'s' if number > 1 else ''}"


def _escaped(text: str) -> str:
    """Slack's three control characters, as its documentation asks."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
