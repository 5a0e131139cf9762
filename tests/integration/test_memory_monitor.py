"""Ray's memory monitor kills a worker that takes too much: its step fails, and the run goes on with a new worker."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray

from backcourt.clock import SystemClock
from ray_tasks.errors import WorkerDied
from ray_tasks.pool import Finished
from ray_tasks.ray_errors import GONE
from ray_tasks.ray_pool import RayPool
from tests.integration.ray_cluster import Cluster
from tests.integration.shop_runs import eventually
from tests.integration.test_ray_pool import computing

GIB = 1 << 30
CLOCK = SystemClock()


class Greedy:
    """A worker one of whose steps takes all that it can get."""

    def compute(self, step: object) -> tuple[str, None]:
        if str(step) == "greedy":
            taken = []
            while True:  # until somebody ends it
                taken.append(os.urandom(1 << 20) * 64)
        return str(step), None

    def park(self) -> None:
        while True:
            CLOCK.sleep(60)


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Cluster]:
    """A Ray that kills whoever takes much more memory than is in use now."""
    memory = psutil.virtual_memory()
    if memory.available < 4 * GIB:
        pytest.skip("needs 4 GiB of free memory, of which a worker takes two")
    threshold = (memory.total - memory.available + 2 * GIB) / memory.total
    settings = {"RAY_memory_usage_threshold": f"{threshold:.3f}", "RAY_memory_monitor_refresh_ms": "50"}
    running = Cluster(tmp_path / "ray.log", **settings)
    ray.init(address=running.address, log_to_driver=False, runtime_env={"env_vars": {"PYTHONPATH": str(Path.cwd())}})
    yield running
    ray.shutdown()
    running.stop()


@pytest.mark.usefixtures("strict")
def test_a_worker_that_takes_too_much_memory_is_replaced_and_its_death_is_known() -> None:
    workers: list[Any] = []

    def hire(_: str) -> Any:
        workers.append(ray.remote(Greedy).options(num_cpus=1, max_concurrency=2).remote())
        return workers[-1]

    pool = RayPool(1, hire)
    parked = workers[0].park.remote()  # the permit authority waits so for a holder's death
    ticket = pool.submit(computing("greedy"), ())
    ended: list[Finished] = []
    eventually(lambda: ended.extend(pool.wait(0.2)) or ended, 120)
    assert [(each.ticket, type(each.error)) for each in ended] == [(ticket, WorkerDied)]
    assert "memory" in str(ended[0].error)
    assert list(pool.handles) == ["worker-2"]
    with pytest.raises(GONE):
        ray.get(parked, timeout=30)
    pool.submit(computing("modest"), ())
    eventually(lambda: ended.extend(pool.wait(0.2)) or len(ended) == 2, 60)
    assert ended[1].error is None
    pool.close()
