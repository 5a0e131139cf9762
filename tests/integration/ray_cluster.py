"""A Ray for a test module, started as an operator starts one, and the processes in it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.shop_runs import REPOSITORY, eventually
from tests.integration.warehouse_fixtures import free_port

ENVIRONMENT = {"PYTHONPATH": str(REPOSITORY), "RAY_USAGE_STATS_ENABLED": "0"}
WITHOUT_TOKEN = {"RAY_AUTH_MODE": "disabled"}
"""For a Ray whose drivers are commands of their own: they know the address and no token."""


class Cluster:
    """`address` is for ray.init. Processes are those below the one that was started here, and no others.

    It asks for the token of this process's environment, unless `more` variables say otherwise.
    """

    def __init__(self, log: Path, **more: str) -> None:
        port = free_port()
        ports = {"--port": port, "--ray-client-server-port": free_port(), "--dashboard-agent-listen-port": 0}
        self.address = f"127.0.0.1:{port}"
        words = [f"{name}={value}" for name, value in ports.items()]
        words += [
            "--num-cpus=64",
            "--node-ip-address=127.0.0.1",
            "--object-store-memory=200000000",
            "--include-dashboard=false",
        ]
        with log.open("w") as out:
            self._process = subprocess.Popen(
                [
                    Path(sys.executable).parent / "ray",
                    "start",
                    "--head",
                    "--block",
                    *words,
                ],
                env={**os.environ, **ENVIRONMENT, **more},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        eventually(lambda: "Ray runtime started" in log.read_text() or self._process.poll() is not None, 120)
        assert self._process.poll() is None, log.read_text()

    def processes(self, title: str) -> list[psutil.Process]:
        """Processes of this Ray whose title contains that text, like `ray::Reaper`."""
        found = []
        for each in psutil.Process(self._process.pid).children(recursive=True):
            try:
                if title in " ".join(each.cmdline()):
                    found.append(each)
            except psutil.Error:
                continue
        return found

    def stop(self) -> None:
        family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.terminate()
        for each in [*psutil.wait_procs(family, 15)[1], self._process]:
            each.kill()
        self._process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    running = Cluster(tmp_path_factory.mktemp("ray") / "ray.log")
    yield running
    running.stop()
