"""Where alerts go, what of a run makes them, and that they neither leak their address nor harm the run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backcourt.errors import UsageError
from backcourt.warehouse.requests import Kind
from jobs.alerting import LowBudget, alert_of_error, webhook_of
from jobs.settings import Settings, load_settings
from ray_tasks.observing import Progress
from ray_tasks.permit_book import KindState
from ray_tasks.steps import Telemetry
from tests.unit.engine.fake_clock import FakeClock
from tests.webhook_server import SECRET, Received, webhook_server


@pytest.fixture
def received() -> Iterator[Received]:
    with webhook_server() as running:
        yield running


def progress(**limits: int) -> Progress:
    """Permits whose setting is 8, with these limits."""
    kinds = tuple(KindState(Kind(name), 8, limit, 0, 0, 0, None, 0.0, ()) for name, limit in limits.items())
    return Progress({}, 1, (), (), kinds, Telemetry(), 0, 0)


def test_the_address_comes_from_the_environment_or_a_file_and_is_never_shown(
    received: Received, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BACKCOURT_ALERT_WEBHOOK", received.url)
    from_environment = load_settings({})
    monkeypatch.delenv("BACKCOURT_ALERT_WEBHOOK")
    file = tmp_path / "url"
    file.write_text(f"{received.url}\n")
    from_file = load_settings({"alert_webhook_file": file})
    for settings in (from_environment, from_file):
        webhook = webhook_of(settings, FakeClock())
        assert webhook is not None
        assert webhook.send("hello").sent
        assert SECRET not in repr(settings) + str(settings.model_dump()) + repr(webhook)
    assert received.texts == ["hello", "hello"]
    assert webhook_of(load_settings({}), FakeClock()) is None
    assert capsys.readouterr() == ("", "")


def test_a_secret_that_cannot_be_read_is_told_and_harms_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(alert_webhook_file=tmp_path / "absent")
    alert_of_error(settings, FakeClock(), "daily", UsageError("Nothing works.", "Mend it."))
    assert "cannot be read (FileNotFoundError)" in capsys.readouterr().err


def test_a_night_that_did_not_begin_is_told_with_its_remedy(received: Received, monkeypatch: Any) -> None:
    monkeypatch.setenv("BACKCOURT_ALERT_WEBHOOK", received.url)
    alert_of_error(load_settings({}), FakeClock(), "daily", UsageError("There is no source.", "Name one."))
    assert received.texts == [
        "*backcourt nba*: run `daily` ended with exit code 2\n"
        "*`backcourt daily` ended with an error: There is no source.* Name one."
    ]


def test_an_undelivered_alert_is_told_without_its_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BACKCOURT_ALERT_WEBHOOK", f"http://127.0.0.1:9/{SECRET}")
    alert_of_error(load_settings({}), FakeClock(), "daily", UsageError("x."))
    told = capsys.readouterr().err
    assert "the alert was not delivered" in told
    assert SECRET not in told


def test_the_longest_stretch_below_the_setting_counts() -> None:
    clock = FakeClock()
    low = LowBudget(clock)
    for seconds, limit in ((0, 4), (300, 4), (60, 8), (100, 4), (200, 5), (10, 8)):
        clock.seconds += seconds
        low.progress(progress(query=limit, load=8))
    assert low.longest == {"query": 300.0}
