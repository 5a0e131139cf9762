"""A Ray that does not start in time is a sentence, and worth another try."""

import pytest
import ray

from backcourt.errors import Retryable
from jobs.cli import tell
from ray_tasks.errors import RayNotStarted
from ray_tasks.joining import RaySetup, join_ray
from tests.unit.engine.fake_clock import FakeClock


def test_a_node_that_is_slow_to_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def slow(**_: object) -> None:
        raise Exception("The current node timed out during startup. This could happen because…")

    monkeypatch.setattr(ray, "init", slow)
    with pytest.raises(RayNotStarted) as failed:
        join_ray(RaySetup(), "run-1-", FakeClock())
    assert "started again" in caplog.text
    assert isinstance(failed.value, Retryable)
    assert tell(failed.value) == 1
    said = capsys.readouterr().err
    assert said.startswith("backcourt: A local Ray did not start: The current node timed out during startup.")
    assert said.endswith("`--pool serial` works without Ray.\n")
