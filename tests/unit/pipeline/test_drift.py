"""Which code is older: told by releases where they differ, by who wrote first where they do not."""

from datetime import UTC, datetime

import pytest

from backcourt.pipeline.drift import VersionUse, differs_from, drift_sentences


def use(version: str, first: int, last: int) -> VersionUse:
    return VersionUse(version, datetime(2026, 11, first, tzinfo=UTC), datetime(2026, 11, last, 3, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("running", "newer"),
    [
        ("1.2.0+aaa", "1.10.0+ccc"),  # releases are numbers: 10 is after 2
        ("1.10.0+aaa", "1.10.0+ccc"),  # this one wrote first, so it is the older of the two
        ("1.10.0+ccc", None),
        ("1.10.0+new", None),  # has not written: nobody can say that it is old
        ("1.11.0", None),
    ],
)
def test_older_code_is_told_of(running: str, newer: str | None) -> None:
    uses = [use("1.10.0+ccc", 5, 6), use("1.2.0+aaa", 1, 9), use("1.10.0+aaa", 4, 9)]
    said = drift_sentences(running, uses)
    if newer is None:
        assert said == ()
    else:
        assert said == (
            f"The code that runs here, {running}, is older than {newer}, which wrote last at 2026-11-06 03:30 UTC. "
            "Update this image before it writes again.",
        )


@pytest.mark.parametrize(
    ("running", "wanted", "differs"),
    [
        ("1.2.0+abcdef123456", "1.2.0", False),
        ("1.2.0+abcdef123456", "1.2.0+abcdef1", False),
        ("1.2.0+abcdef123456", "abcdef123456789", False),
        ("1.2.0+abcdef123456", "1.2.0+bbb", True),
        ("1.2.0+abcdef123456", "1.3", True),
        ("1.2+abcdef123456", "1.2.0", False),
        ("1.2.0", "abcdef1", True),
    ],
)
def test_the_version_that_ought_to_run(running: str, wanted: str, differs: bool) -> None:
    assert differs_from(running, wanted) is differs


def test_a_version_given_is_told_of_when_another_runs() -> None:
    assert drift_sentences("1.2.0", [], "1.3.0") == (
        "The code that runs here, 1.2.0, is older than the repository's 1.3.0. Build and deploy that version.",
    )
    assert drift_sentences("1.2.0", [], "1.2.0+abc") == (
        "The code that runs here, 1.2.0, is not the repository's 1.2.0+abc. Build and deploy that version.",
    )
    assert drift_sentences("1.2.0", [use("1.2.0", 1, 2)], "1.2.0") == ()
