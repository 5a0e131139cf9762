"""One message a run: what is counted, what is named, what to do."""

from datetime import UTC, date, datetime, timedelta

from backcourt.pipeline.breaker import Breaker, BreakerEvent, Happened, HeldBack, Phase
from backcourt.pipeline.outcomes import Category, Outcome, Partition, PartitionOutcome
from backcourt.pipeline.validation import Fault, Finding
from backcourt.reporting.alerts import (
    Kind,
    Trouble,
    breaker_troubles,
    budget_troubles,
    drift_troubles,
    finding_troubles,
    message,
    partition_troubles,
    silence_troubles,
)

NOW = datetime(2024, 3, 1, 11, tzinfo=UTC)


def ended(number: int, outcome: Outcome, category: Category = Category.NONE, table: str = "d.t") -> PartitionOutcome:
    return PartitionOutcome(Partition(table, date(2024, 2, number)), outcome, category, f"why\n{number} <x> & y")


def test_a_run_without_trouble_has_nothing_to_tell() -> None:
    fine = [
        ended(1, Outcome.COMMITTED),
        ended(2, Outcome.UNCHANGED, Category.FORCED),
        ended(3, Outcome.CURRENT),
        ended(4, Outcome.SUPERSEDED),
    ]
    assert partition_troubles("r", fine) == ()
    assert breaker_troubles(()) == ()
    assert budget_troubles({"query": 599.0}) == ()
    assert drift_troubles(()) == ()
    assert finding_troubles(()) == ()


def test_a_hundred_dates_are_one_line_a_table_with_the_first_dates_and_what_to_do() -> None:
    outcomes = [ended(n, Outcome.BLOCKED, Category.COVERAGE) for n in range(1, 29)]
    outcomes += [ended(n, Outcome.BLOCKED, Category.UPSTREAM, "d.u") for n in range(1, 3)]
    outcomes += [ended(1, Outcome.FAILED, Category.CODE, "d.v"), ended(2, Outcome.COMMITTED, Category.FORCED, "d.w")]
    text = message("nba", "daily-1", 5, partition_troubles("daily-1", outcomes))
    assert text.splitlines() == [
        "*backcourt nba*: run `daily-1` ended with exit code 5",
        "*1 partition failed.* Look at `backcourt history --failed`; then `backcourt backfill --only-failed daily-1`.",
        "• d.v: 2024-02-01: why 1 &lt;x&gt; &amp; y",
        "*30 partitions blocked.* Bring the missing data; `backcourt daily` then publishes them by itself. "
        "`backcourt status` names all.",
        "• d.t: 2024-02-01, 2024-02-02, 2024-02-03, 2024-02-04, 2024-02-05 and 23 more: why 1 &lt;x&gt; &amp; y",
        "• d.u: 2024-02-01, 2024-02-02: why 1 &lt;x&gt; &amp; y",
        "*1 partition forced.* They are published below the threshold. Compute them again without --force once the "
        "data is there.",
        "• d.w: 2024-02-02: why 2 &lt;x&gt; &amp; y",
    ]


def test_damage_is_told_by_table_and_fault() -> None:
    faults = [Fault.ROWS_LOST] * 6 + [Fault.DOUBLED]
    findings = [Finding("d.t", date(2024, 2, n), fault, f"{n} rows") for n, fault in enumerate(faults, 1)]
    assert message("nba", "validate", 3, finding_troubles(findings)).splitlines()[1:] == [
        "*What is published is not what it ought to be.* `backcourt validate` tells all of it; docs/operations.md has "
        "what mends each.",
        "• d.t: rows lost, 2024-02-01, 2024-02-02, 2024-02-03, 2024-02-04, 2024-02-05 and 1 more: 1 rows",
        "• d.t: doubled rows, 2024-02-07: 7 rows",
    ]


def test_a_message_is_short_whatever_happened() -> None:
    worst = [ended(n, Outcome.FAILED, Category.CODE, f"d.t{t}") for t in range(200) for n in range(1, 29)]
    worst = [PartitionOutcome(o.partition, o.outcome, o.category, "x" * 5000) for o in worst]
    text = message("nba", "r", 5, partition_troubles("r", worst))
    assert len(text) < 6000
    assert text.endswith("• and 188 more")


def test_open_and_half_open_breakers() -> None:
    failure = BreakerEvent("d.t", Happened.FAILED, NOW, "r", "2024-02-01: the till is broken")
    until = NOW + timedelta(hours=20)
    (told,) = breaker_troubles(
        [
            HeldBack(Breaker("d.t", 3, failure), Phase.OPEN, until, 4),
            HeldBack(Breaker("d.u", 5, failure), Phase.HALF_OPEN, until, 3),
        ]
    )
    assert told.lines == (
        "d.t: 3 failed runs in a row, skipped until 2024-03-02 07:00 UTC: 2024-02-01: the till is broken",
        "d.u: 5 failed runs in a row, one date was tried: 2024-02-01: the till is broken",
    )
    assert "backcourt breaker reset" in told.do


def test_a_missed_night_is_told_a_late_one_and_the_first_are_not() -> None:
    assert silence_troubles(None, NOW) == ()
    assert silence_troubles(NOW - timedelta(hours=26), NOW) == ()
    (told,) = silence_troubles(NOW - timedelta(hours=48), NOW)
    assert told.what == "Nothing ran for 48 hours before this run"


def test_a_budget_that_stayed_halved_is_told_in_minutes() -> None:
    (told,) = budget_troubles({"query": 1260.0, "load": 60.0})
    assert told.lines == ("query: 21 minutes",)


def test_the_worst_comes_first() -> None:
    text = message("p", "r", 0, [Trouble(Kind.DRIFT, "Old", "Deploy."), Trouble(Kind.FAILED, "Broken", "Mend.")])
    assert text.index("Broken") < text.index("Old")
