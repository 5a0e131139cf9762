"""What commands print of outcomes."""

import io

import pytest
from rich.console import Console

from backcourt.pipeline.outcomes import Category, Outcome, Partition, PartitionOutcome
from jobs.console import bytes_text, spans
from jobs.progress import Misses
from jobs.views import REASONS_SHOWN, explanations, show_unknown
from tests.unit.pipeline.worlds import day


def outcome(number: int, end: Outcome, reason: str = "", **more: object) -> PartitionOutcome:
    return PartitionOutcome(Partition("d.t", day(number)), end, reason=reason, **more)  # type: ignore[arg-type]


def test_what_did_not_go_through_is_explained_and_what_did_is_not() -> None:
    lines = explanations(
        [
            outcome(0, Outcome.COMMITTED),
            outcome(1, Outcome.BLOCKED, "1 of 187 expected", category=Category.COVERAGE),
            outcome(2, Outcome.FAILED, "it raised", category=Category.CODE),
            outcome(3, Outcome.COMMITTED, "94 of 100 expected", warned=True),
            outcome(4, Outcome.COMMITTED, "5 of 100 expected", warned=True, category=Category.FORCED),
            outcome(5, Outcome.LEFT, "stopped"),
        ]
    )
    assert lines == [
        "blocked: d.t 2024-01-21: 1 of 187 expected",
        "failed: d.t 2024-01-22: it raised",
        "warned: d.t 2024-01-23: 94 of 100 expected",
        "forced: d.t 2024-01-24: 5 of 100 expected",
        "1 partitions are left to do; the same command goes on with them.",
    ]


def test_what_another_run_published_first_is_told_with_its_commit() -> None:
    mine = [outcome(n, Outcome.SUPERSEDED, "commit other-1-t-1 was first") for n in range(3)]
    assert explanations([*mine, outcome(3, Outcome.COMMITTED)]) == [
        "superseded: d.t: 3 dates, 2024-01-20 … 2024-01-22: commit other-1-t-1 was first"
    ]


def test_a_commit_that_nobody_knows_the_end_of_is_named_with_what_to_do() -> None:
    lines = io.StringIO()
    show_unknown(Console(file=lines, width=300), ["r-1-games-1", "r-1-shots-1"])
    games, shots = lines.getvalue().splitlines()
    assert games.startswith("How commit r-1-games-1 ended is not known")
    assert "Run the same command again" in shots


def test_a_long_list_is_cut_and_counted() -> None:
    failed = [outcome(n, Outcome.FAILED, f"it raised {n}", category=Category.CODE) for n in range(REASONS_SHOWN + 7)]
    lines = explanations(failed)
    assert len(lines) == REASONS_SHOWN + 1
    assert lines[-1] == "… and 7 more failed"


def test_a_cause_that_dates_share_is_said_once() -> None:
    blocked = [outcome(n, Outcome.BLOCKED, "no such column", category=Category.CODE) for n in range(3)]
    assert explanations(blocked) == ["blocked: d.t: 3 dates, 2024-01-20 … 2024-01-22: no such column"]
    lines = io.StringIO()
    misses = Misses(Console(file=lines, width=160))
    for each in blocked:
        misses.tell(each)
    assert lines.getvalue().splitlines() == ["blocked: d.t 2024-01-20: no such column"]


def test_what_waits_for_another_date_is_no_cause() -> None:
    waits = [outcome(1, Outcome.BLOCKED, "input of 2024-01-19 is blocked", category=Category.UPSTREAM)]
    assert explanations(waits) == ["blocked: d.t 2024-01-21: input of 2024-01-19 is blocked"]


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1.5 * 2**30, "1.5 GiB"), (2**52, "4096.0 TiB")],
)
def test_bytes_in_words(count: float, text: str) -> None:
    assert bytes_text(count) == text


def test_dates_in_short() -> None:
    assert [spans(()), spans([day(0)]), spans([day(0), day(2)])] == ["–", "2024-01-20", "2024-01-20 … 2024-01-22"]
