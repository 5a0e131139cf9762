"""The local BigQuery: a server of our own on this machine, started and stopped by whoever uses it.

Two processes: the proxy, which speaks to clients, and the emulator as its child. They belong to a folder, not to the
command that happened to start them: every user holds a shared lock on that folder, a second command attaches to the
running server, and the server leaves a few seconds after its last user is gone. So a killed command leaves no process
behind and never kills the emulator in the middle of a script. The server runs in a session of its own: Ctrl-C in the
terminal reaches the command, which ends in its own order, and not the server.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO, Literal

from backcourt.clock import Clock, SystemClock
from backcourt.errors import PreflightError
from backcourt.warehouse.endpoint import Endpoint
from backcourt.warehouse.proxy.control import ProxyControl
from backcourt.warehouse.proxy.files import ServerFiles, lock, try_lock
from backcourt.warehouse.proxy.settings import ServerOptions, Settings

_START = 120.0
_STOP = 30.0
_BETWEEN_LOOKS = 0.05
_LOG_TAIL = 2000


class LocalBigQuery:
    """A local BigQuery for the length of a `with` block; `.endpoint` is where it answers.

    `folder` keeps the data; None means in memory, gone at the end. `settings` act only if this call starts the server:
    who attaches to a running one takes it as it is, and can change it through `.control`. Without `time_travel` a
    table's past cannot be read, and a large table is changed quicker; it too acts only at the server's start.
    """

    def __init__(
        self,
        folder: Path | None,
        project: str = "local",
        settings: Settings | None = None,
        *,
        port: int = 0,
        storage_port: int = 0,
        listen: Literal["127.0.0.1", "0.0.0.0"] = "127.0.0.1",  # noqa: S104 (only who asks for it)
        linger: float = 3.0,
        time_travel: bool = True,
        clock: Clock | None = None,
    ) -> None:
        self._in_memory = folder is None
        self._folder = folder or Path(tempfile.mkdtemp(prefix="backcourt-bigquery-"))
        self._clock = clock or SystemClock()
        self._files = ServerFiles(self._folder.resolve())
        self._options = ServerOptions(
            folder=self._folder.resolve(),
            project=project,
            in_memory=self._in_memory,
            port=port,
            storage_port=storage_port,
            listen=listen,
            linger=linger,
            time_travel=time_travel,
            settings=settings or Settings(),
        )
        self._users: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.endpoint = Endpoint(project)

    @property
    def control(self) -> ProxyControl:
        """The proxy's counters and settings."""
        return ProxyControl(self.endpoint)

    @property
    def started_here(self) -> bool:
        """Whether this call started the server; otherwise it was running already."""
        return self._process is not None

    def check(self) -> None:
        """See whether the server that was started here still runs.

        Raises:
            PreflightError: it has ended; the message holds the end of its log.
        """
        if self._process and self._process.poll() is not None:
            raise self._failed("The local BigQuery has ended.")

    def __enter__(self) -> "LocalBigQuery":
        """Attach to the folder's server or start it.

        Raises:
            PreflightError: it is not installed, did not answer in time, or ended at once; the message holds the end of
                its log.
        """
        if find_spec("bqemulator") is None:
            raise PreflightError(
                "This installation holds no local BigQuery.",
                "Set BACKCOURT_PROJECT, or give --config, for Google's; or install backcourt with its extra `local`.",
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        self._users = self._files.users.open("a")
        try:
            if not lock(self._users, self._clock, _START, shared=True):
                raise self._failed("An earlier local BigQuery of this folder does not end.")
            self.endpoint = self._attach_or_start()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the server; stop it if it was started here and nobody else uses it."""
        self._leave()

    def _attach_or_start(self) -> Endpoint:
        with self._files.start.open("w") as starting:
            if not lock(starting, self._clock, _START):
                raise self._failed("Another command is starting the local BigQuery and does not come to an end.")
            if not self._server_lives():
                self._files.forget_endpoint()
                with self._files.log.open("w") as log:
                    self._process = subprocess.Popen(  # noqa: S603 - our own module, our own options
                        [sys.executable, "-m", "backcourt.warehouse.proxy", self._options.model_dump_json()],
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )
            return self._await_endpoint()

    def _await_endpoint(self) -> Endpoint:
        deadline = self._clock.monotonic() + _START
        while (endpoint := self._files.read_endpoint()) is None:
            self.check()
            if self._clock.monotonic() >= deadline:
                raise self._failed(f"The local BigQuery did not answer within {_START:.0f} seconds.")
            self._clock.sleep(_BETWEEN_LOOKS)
        return endpoint

    def _server_lives(self) -> bool:
        with self._files.server.open("a") as server:
            return not try_lock(server)

    def _failed(self, what: str) -> PreflightError:
        log = self._files.log.read_text(errors="replace") if self._files.log.exists() else ""
        tail = f" Its log ends with:\n{log[-_LOG_TAIL:]}\n" if log.strip() else ""
        return PreflightError(f"{what}{tail}", f"Look at {self._files.log}, then try again.")

    def _leave(self) -> None:
        if self._users is None:
            return
        if self._process and try_lock(self._users):
            self._stop(self._process)
        self._users.close()
        self._users = None
        if self._in_memory:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        """SIGTERM, so that what the emulator works on is finished; SIGKILL to both processes if that takes too long."""
        process.terminate()
        try:
            process.wait(_STOP)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def local_bigquery(folder: Path | None, project: str = "local", settings: Settings | None = None) -> Iterator[Endpoint]:
    """The local BigQuery of a folder (None: in memory) for the length of a `with` block; yields where it answers."""
    with LocalBigQuery(folder, project, settings) as server:
        yield server.endpoint
