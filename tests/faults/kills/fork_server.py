"""A process that has imported everything and forks a child for each command, so that a command starts in no time.

Importing Ray and the Google clients takes seconds, and a suite of a thousand kills starts two thousand commands. This
process never makes a client, a thread or a connection of its own; a child makes its own after the fork. A child is the
`backcourt` command in a session of its own: same arguments, environment, output and exit code as from a shell.
"""

import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Any, NoReturn

from tests.integration.shop_runs import REPOSITORY, eventually

IMPORTED = (
    "google.cloud.bigquery",
    "google.cloud.bigquery_storage_v1",
    "ray",
    "jobs.cli",
    "jobs.backfill",
    "jobs.checks",
    "jobs.flow",
    "jobs.preflight",
    "tests.faults.kills.permits_told",
    "tests.integration.shop",
)
"""What a command needs; none of these makes a connection when it is imported."""
QUIET = {"OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""No threads of numerical libraries before the fork."""
LOOK_SECONDS = 0.005


@dataclass(frozen=True)
class Child:
    """A command that was forked; `log` plus `.out`, `.err` and, once it has ended by itself, `.code`."""

    pid: int
    log: Path

    @property
    def code(self) -> int | None:
        """Its exit code; minus the signal that ended it; None while it lives."""
        try:
            return int(self.log.with_suffix(".code").read_text())
        except (FileNotFoundError, ValueError):
            return None

    @property
    def permits(self) -> Path:
        """Where its engine tells that every permit came back."""
        return self.log.with_suffix(".permits")

    @property
    def told(self) -> str:
        """What it printed, for a message."""
        return (
            f"exit {self.code}\n{self.log.with_suffix('.out').read_text()}\n{self.log.with_suffix('.err').read_text()}"
        )

    def send(self, number: int) -> None:
        """Send a signal to this process alone."""
        os.kill(self.pid, number)

    def wait(self, seconds: float) -> int | None:
        """Its exit code, or None if it lives longer than that."""
        deadline = monotonic() + seconds
        while (code := self.code) is None and monotonic() < deadline:
            sleep(LOOK_SECONDS)
        return code


class ForkServer:
    """Starts commands, for the length of a `with` block. `installed` holds the pipelines' entry points."""

    def __init__(self, installed: Path, log: Path) -> None:
        self._path, self._log = f"{installed}{os.pathsep}{REPOSITORY}", log

    def __enter__(self) -> "ForkServer":
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("BACKCOURT_", "RAY_", "SHOP_"))}
        with self._log.open("w") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                env={**kept, **QUIET, "PYTHONPATH": self._path},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
                start_new_session=True,
            )
        self._answer()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)

    def start(self, words: list[str], environment: Mapping[str, str], folder: Path, log: Path) -> Child:
        """Start `backcourt <words>` in that folder with these variables besides its own."""
        assert self._process.stdin
        asked = {"words": words, "environment": dict(environment), "folder": str(folder), "log": str(log)}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Child(self._answer()["pid"], log)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, f"The fork server has ended:\n{self._log.read_text()}"
        return dict(json.loads(line))


def serve() -> None:
    """Fork a child for each line of standard input and answer its process id, until the input ends."""
    for module in IMPORTED:
        import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the watchers
    sys.stdout.write('{"ready": true}\n')
    sys.stdout.flush()
    for line in iter(sys.stdin.readline, ""):
        asked = json.loads(line)
        watcher, told = os.fork(), Path(asked["log"]).with_suffix(".pid")
        if watcher == 0:
            watch(asked, told)
        pid = eventually(lambda: told.exists() and told.read_text(), 30, 0.002)  # noqa: B023 (called at once)
        sys.stdout.write(json.dumps({"pid": int(pid)}) + "\n")
        sys.stdout.flush()


def watch(asked: dict[str, Any], told: Path) -> NoReturn:
    """In a process of its own: fork the command, tell its process id, and leave its exit code where all may read it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    command = os.fork()
    if command == 0:
        become(asked)
    replace(told, command)
    status = os.waitpid(command, 0)[1]
    replace(told.with_suffix(".code"), os.waitstatus_to_exitcode(status))
    os._exit(0)


def replace(file: Path, number: int) -> None:
    """Write a number that readers see whole or not at all."""
    draft = file.with_suffix(file.suffix + "-draft")
    draft.write_text(str(number))
    draft.replace(file)


def become(asked: dict[str, Any]) -> NoReturn:
    """Be the command, in this process."""
    log = Path(asked["log"])
    os.setsid()
    os.chdir(asked["folder"])
    os.environ.update(asked["environment"])
    for descriptor, suffix in ((1, ".out"), (2, ".err")):
        os.dup2(os.open(log.with_suffix(suffix), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    from tests.faults.kills.permits_told import tell_permits

    tell_permits(log.with_suffix(".permits"))
    sys.argv = ["backcourt", *asked["words"]]
    code = 1
    try:
        import_module("jobs.cli").main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 (as the interpreter does)
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve()
