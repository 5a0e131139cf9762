"""A Ray that does not start in time is a sentence, and worth another try."""

import pytest
import ray

from backcourt.clock import SystemClock
from backcourt.errors import Retryable
from backcourt.warehouse.connection import Connection
from backcourt.warehouse.endpoint import Endpoint
from backcourt.warehouse.fake import FakeWarehouse
from jobs.cli import tell
from nba.pipeline import PIPELINE
from ray_tasks.engine import EngineSetup, ray_engine
from ray_tasks.errors import RayNotStarted


def test_a_node_that_is_slow_to_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def slow(**_: object) -> None:
        raise Exception("The current node timed out during startup. This could happen because…")

    monkeypatch.setattr(ray, "init", slow)
    setup = EngineSetup(PIPELINE, Connection(Endpoint("local")), "state", {}, 1, "run")
    warehouse = FakeWarehouse(lambda _: None)
    with pytest.raises(RayNotStarted) as failed, ray_engine(setup, warehouse, SystemClock(), "run-1-"):
        pass
    assert isinstance(failed.value, Retryable)
    assert tell(failed.value) == 1
    said = capsys.readouterr().err
    assert said.startswith("backcourt: A local Ray did not start: The current node timed out during startup.")
    assert said.endswith("`--pool serial` works without Ray.\n")
