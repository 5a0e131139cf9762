"""Instants as an operator writes them."""

from datetime import UTC, datetime

import pytest

from backcourt.errors import UsageError
from jobs.instants import parse_instant

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ahead", "meant"),
    [
        ("30m", True, datetime(2026, 11, 21, 3, 30, tzinfo=UTC)),
        ("4h", True, datetime(2026, 11, 21, 7, 0, tzinfo=UTC)),
        ("2d", True, datetime(2026, 11, 23, 3, 0, tzinfo=UTC)),
        ("4h", False, datetime(2026, 11, 20, 23, 0, tzinfo=UTC)),
        ("2026-11-21T03:30", True, datetime(2026, 11, 21, 3, 30, tzinfo=UTC)),
        (" 2026-11-21 05:30+01:00 ", True, datetime(2026, 11, 21, 4, 30, tzinfo=UTC)),
        ("2026-11-20T21:00-05:00", False, datetime(2026, 11, 21, 2, 0, tzinfo=UTC)),
    ],
)
def test_what_is_meant(text: str, ahead: bool, meant: datetime) -> None:
    assert parse_instant(text, "--until", NOW, ahead=ahead) == meant


@pytest.mark.parametrize(("text", "ahead"), [("", True), ("soon", True), ("4w", True), ("-4h", True), ("03:30", True)])
def test_what_is_no_time(text: str, ahead: bool) -> None:
    with pytest.raises(UsageError, match="is no time"):
        parse_instant(text, "--until", NOW, ahead=ahead)


def test_a_time_on_the_wrong_side_of_now_is_refused() -> None:
    with pytest.raises(UsageError, match="over already"):
        parse_instant("2026-11-21T02:59", "--until", NOW, ahead=True)
    with pytest.raises(UsageError, match="still to come"):
        parse_instant("2026-11-21T03:01", "--as-of", NOW, ahead=False)
