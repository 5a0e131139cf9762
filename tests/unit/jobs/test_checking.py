"""Checks side by side: one that hangs, one that breaks, one that fails, and those that are skipped."""

import threading
from collections.abc import Iterator

import pytest

from backcourt.clock import SystemClock
from backcourt.errors import PreflightError, UsageError
from backcourt.warehouse.errors import NotFound
from jobs.checking import Check, Finding, Verdict, require, run_checks


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """What a check waits for that never comes; it comes at the test's end."""
    event = threading.Event()
    yield event
    event.set()


def fine() -> Finding:
    return Finding(Verdict.OK, "all well")


def test_a_check_that_hangs_fails_and_holds_up_no_other(stuck: threading.Event) -> None:
    def hangs() -> Finding:
        stuck.wait(60)
        return fine()

    found = run_checks([Check("network", hangs), Check("disk", fine)], SystemClock(), seconds=0.1)
    assert [(c.name, c.finding.verdict) for c in found] == [("network", Verdict.FAIL), ("disk", Verdict.OK)]
    assert found[0].finding.what == "no answer within 0.1 s"


def test_an_error_is_a_failure_with_its_remedy_and_a_bug_is_one_too() -> None:
    def missing() -> Finding:
        raise NotFound("Dataset p.d does not exist.", "Create it.")

    def broken() -> Finding:
        raise ZeroDivisionError("by zero")

    found = run_checks([Check("datasets", missing), Check("disk", broken)], SystemClock())
    assert found[0].finding == Finding(Verdict.FAIL, "Dataset p.d does not exist.", "Create it.")
    assert found[1].finding.what == "the check itself broke: ZeroDivisionError: by zero"
    with pytest.raises(PreflightError) as error:
        require(found)
    assert error.value.exit_code == 4
    assert "datasets: Dataset p.d does not exist; disk: the check itself broke" in error.value.what
    assert "Create it." in error.value.do


def test_warnings_and_what_does_not_apply_keep_nobody_from_running() -> None:
    verdicts = [Verdict.OK, Verdict.WARN, Verdict.NOT_APPLICABLE]
    require(run_checks([Check(str(v), lambda v=v: Finding(v, "seen")) for v in verdicts], SystemClock()))  # type: ignore[misc]


def test_a_skipped_check_is_not_asked(stuck: threading.Event) -> None:
    asked = []
    (found,) = run_checks([Check("clock", lambda: asked.append(1) or fine())], SystemClock(), ["clock"])  # type: ignore[func-returns-value]
    assert (asked, found.finding.verdict) == ([], Verdict.SKIPPED)


def test_an_unknown_check_cannot_be_skipped() -> None:
    with pytest.raises(UsageError, match="There is no check clok") as error:
        run_checks([Check("clock", fine), Check("disk", fine)], SystemClock(), ["clok"])
    assert "Did you mean clock?" in error.value.do
