"""The files by which a local BigQuery and its users find each other, and the locks that tell who is alive.

A lock is flock(2): the kernel lets go of it when its process dies, however it dies, so no lock is ever stale.

    users.lock    held shared by every process that uses the server; the server leaves once it can take it alone
    server.lock   held alone by the server's process for its whole life
    engine.lock   held alone by the emulator's process: only one may open the database
    start.lock    held alone by the process that is about to start a server
"""

import fcntl
import json
from pathlib import Path
from typing import IO

from backcourt.clock import Clock
from backcourt.warehouse.endpoint import Endpoint

_BETWEEN_TRIES = 0.05


class ServerFiles:
    """Names in the folder of a local BigQuery."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.users = folder / "users.lock"
        self.server = folder / "server.lock"
        self.engine = folder / "engine.lock"
        self.start = folder / "start.lock"
        self.log = folder / "server.log"
        self.data = folder / "data"
        self.uploads = folder / "uploads"
        self.used_job_ids = folder / "used_job_ids.txt"
        self._endpoint = folder / "endpoint.json"

    def write_endpoint(self, endpoint: Endpoint) -> None:
        """Say where the server answers; readers see all of it or nothing."""
        text = json.dumps({"project": endpoint.project, "rest": endpoint.rest, "storage": endpoint.storage})
        draft = self._endpoint.with_suffix(".draft")
        draft.write_text(text)
        draft.replace(self._endpoint)

    def read_endpoint(self) -> Endpoint | None:
        """Where the server answers, once it does."""
        try:
            return Endpoint(**json.loads(self._endpoint.read_text()))
        except FileNotFoundError:
            return None

    def forget_endpoint(self) -> None:
        """The server no longer answers."""
        self._endpoint.unlink(missing_ok=True)


def try_lock(file: IO[str], *, shared: bool = False) -> bool:
    """Take the lock on an open file, or change to that kind of lock, if that is possible at once."""
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(file: IO[str]) -> None:
    """Let go of the lock."""
    fcntl.flock(file, fcntl.LOCK_UN)


def lock(file: IO[str], clock: Clock, seconds: float, *, shared: bool = False) -> bool:
    """Take the lock within so many seconds; whether it was taken."""
    deadline = clock.monotonic() + seconds
    while not try_lock(file, shared=shared):
        if clock.monotonic() >= deadline:
            return False
        clock.sleep(_BETWEEN_TRIES)
    return True
