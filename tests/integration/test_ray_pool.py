"""The pool on Ray alone: what a worker does at once, and who is blamed for its death."""

import os
import signal
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import ray

from backcourt.pipeline.processor import Chunk
from backcourt.warehouse.requests import TableRef
from ray_tasks.errors import Bystander, WorkerDied
from ray_tasks.pool import TRANSFERS_A_WORKER, Finished
from ray_tasks.ray_pool import RayPool
from ray_tasks.steps import ComputeStep, StageStep, Step
from tests.integration.ray_cluster import Cluster, cluster  # noqa: F401
from tests.integration.shop_runs import eventually

DAY = date(2024, 1, 1)


class Stand:
    """A worker whose steps last until a file of their name appears; a file of its own name tells its process."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        (folder / name).write_text(str(os.getpid()))

    def compute(self, step: Step) -> tuple[str, None]:
        return self._last(step)

    @ray.method(concurrency_group="transfers")
    def transfer(self, step: Step) -> tuple[str, None]:
        return self._last(step)

    def _last(self, step: Step) -> tuple[str, None]:
        (self._folder / f"{step} began").touch()
        while not (self._folder / f"{step} may end").exists():
            time.sleep(0.02)
        return str(step), None


class Yard:
    """A pool of such workers over a folder."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        groups: Any = ray.remote
        actor = groups(concurrency_groups={"transfers": TRANSFERS_A_WORKER})(Stand)
        self.pool = RayPool(size, lambda name: actor.options(num_cpus=1).remote(folder, name))

    def begun(self, *steps: Step) -> None:
        eventually(lambda: all((self.folder / f"{step} began").exists() for step in steps), 60)

    def end(self, *steps: Step) -> None:
        for step in steps:
            (self.folder / f"{step} may end").touch()

    def kill(self, worker: str) -> None:
        os.kill(int((self.folder / worker).read_text()), signal.SIGKILL)

    def finished(self, count: int) -> dict[int, Finished]:
        found: list[Finished] = []
        eventually(lambda: found.extend(self.pool.wait(0.2)) or len(found) >= count, 60)
        return {each.ticket: each for each in found}


@pytest.fixture(scope="module", autouse=True)
def joined(cluster: Cluster) -> Iterator[None]:  # noqa: F811
    ray.init(address=cluster.address, log_to_driver=False, runtime_env={"env_vars": {"PYTHONPATH": str(Path.cwd())}})
    yield
    ray.shutdown()


def computing(name: str) -> ComputeStep:
    return ComputeStep("r", Chunk(name, (DAY,), DAY, frozenset()), (), name)


def staging(number: int) -> StageStep:
    return StageStep("r", f"r-1-t-{number}", "d.t", TableRef("s", f"staging_{number}"), (DAY,))


def test_a_worker_transfers_while_it_computes(tmp_path: Path) -> None:
    yard = Yard(tmp_path, 1)
    steps = [computing("d.t"), *(staging(n) for n in range(TRANSFERS_A_WORKER))]
    tickets = [yard.pool.submit(step, ()) for step in steps]
    assert (yard.pool.free_to_compute, yard.pool.free_to_transfer) == (0, 0)
    yard.begun(*steps)
    yard.end(*steps)
    assert set(yard.finished(len(steps))) == set(tickets)
    assert (yard.pool.free_to_compute, yard.pool.free_to_transfer) == (1, TRANSFERS_A_WORKER)
    yard.pool.close()


def test_the_worker_with_the_least_to_do_gets_the_next_step(tmp_path: Path) -> None:
    yard = Yard(tmp_path, 2)
    steps = [computing("d.t"), computing("d.u"), *(staging(n) for n in range(4))]
    for step in steps:
        yard.pool.submit(step, ())
    busy = [line.rpartition(" on ")[2] for line in yard.pool.describe()]
    assert {busy.count("worker-1"), busy.count("worker-2")} == {3}
    yard.pool.close()


def test_a_worker_that_dies_computing_takes_bystanders_along(tmp_path: Path) -> None:
    yard = Yard(tmp_path, 1)
    steps = [computing("d.t"), staging(1), staging(2)]
    compute, *stages = [yard.pool.submit(step, ()) for step in steps]
    yard.begun(*steps)
    yard.kill("worker-1")
    ended = yard.finished(3)
    assert type(ended[compute].error) is WorkerDied
    assert {type(ended[stage].error) for stage in stages} == {Bystander}
    assert yard.pool.deaths == 1
    assert list(yard.pool.handles) == ["worker-2"]
    again = staging(3)
    yard.end(again)
    ticket = yard.pool.submit(again, ())
    assert yard.finished(1)[ticket].error is None
    yard.pool.close()


def test_a_worker_that_dies_transferring_is_its_steps_own_fault(tmp_path: Path) -> None:
    yard = Yard(tmp_path, 1)
    steps = [staging(1), staging(2)]
    tickets = [yard.pool.submit(step, ()) for step in steps]
    yard.begun(*steps)
    yard.kill("worker-1")
    ended = yard.finished(2)
    assert {type(ended[ticket].error) for ticket in tickets} == {WorkerDied}
    assert yard.pool.deaths == 1
    yard.pool.close()
