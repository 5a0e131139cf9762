"""CPU time and memory of a command and all that it starts, sampled by role while it runs."""

import os
import subprocess
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from backcourt.clock import Clock

SAMPLE_SECONDS = 0.2
"""Pause between two looks; a process that lives shorter is not seen."""
MEBIBYTE = 2**20
OBJECT_STORE = "/dev/shm"
"""Where Ray's object store keeps its pages, seen from the whole machine."""
NO_WORKERS = ("ray::PermitAuthority", "ray::Reaper", "ray::IDLE", "ray::DashboardAgent", "ray::RuntimeEnvAgent")
"""Titles of Ray's processes that are not of the pool; a worker's title is its step."""


@dataclass
class Usage:
    """CPU seconds and the highest resident memory of the processes of one role, in bytes; pages shared count twice."""

    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    most_processes: int = 0


@dataclass
class Sampler:
    """Looks at a process tree until told to stop."""

    root: psutil.Process
    clock: Clock
    _cpu: dict[int, float] = field(default_factory=dict)
    _roles: dict[int, str] = field(default_factory=dict)
    _before: dict[int, float] = field(default_factory=dict)
    _peaks: dict[str, int] = field(default_factory=dict)
    _most: dict[str, int] = field(default_factory=dict)
    _shared: list[int] = field(default_factory=lambda: [_shared_bytes()] * 2)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Sampler":
        self._look()
        self._before = dict(self._cpu)
        self._thread = threading.Thread(target=self._look_until_stopped, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()

    def usage(self, role: str) -> Usage:
        """What the processes of a role used since the beginning of the block."""
        spent = sum(s - self._before.get(pid, 0.0) for pid, s in self._cpu.items() if self._roles[pid] == role)
        return Usage(spent, self._peaks.get(role, 0), self._most.get(role, 0))

    @property
    def object_store_bytes(self) -> int:
        """The most that the object store took; it gives nothing back while it lives, so this is its high-water mark."""
        return self._shared[1] - self._shared[0]

    def _look_until_stopped(self) -> None:
        while not self._stop.is_set():
            self._look()
            self.clock.sleep(SAMPLE_SECONDS)

    def _look(self) -> None:
        resident: dict[str, int] = {}
        seen: dict[str, int] = {}
        for process in _tree(self.root):
            with suppress(psutil.Error):
                role = role_of(process, self.root)
                times = process.cpu_times()
                self._cpu[process.pid], self._roles[process.pid] = times.user + times.system, role
                resident[role] = resident.get(role, 0) + process.memory_info().rss
                seen[role] = seen.get(role, 0) + 1
        self._shared[1] = max(self._shared[1], _shared_bytes())
        for role, size in resident.items():
            self._peaks[role] = max(self._peaks.get(role, 0), size)
            self._most[role] = max(self._most.get(role, 0), seen[role])


def role_of(process: psutil.Process, root: psutil.Process) -> str:
    """What a process is: `command` (the root), `worker` (one of the pool), or `ray` (all that Ray keeps running)."""
    if process.pid == root.pid:
        return "command"
    words = process.cmdline()
    if words and words[0].startswith("ray::") and not words[0].startswith(NO_WORKERS):
        return "worker"
    if any(word.startswith("backcourt.warehouse.proxy") for word in words):
        return "emulator" if "backcourt.warehouse.proxy.engine" in words else "proxy"
    return "ray"


def run_sampled(command: Sequence[str], environment: dict[str, str], clock: Clock) -> tuple[Sampler, float, str]:
    """Run a command to its end: what it used, its seconds, its standard output.

    Raises:
        RuntimeError: it ended with another code than 0 or 3 (dates blocked).
    """
    started = clock.monotonic()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        with Sampler(psutil.Process(process.pid), clock) as sampler:
            output, _ = process.communicate()
        seconds = clock.monotonic() - started
    if process.returncode not in (0, 3):
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    return sampler, seconds, output


def mebibytes(size: int) -> str:
    """Bytes as whole MiB."""
    return f"{size / MEBIBYTE:,.0f} MiB"


def _shared_bytes() -> int:
    store = os.statvfs(OBJECT_STORE)
    return (store.f_blocks - store.f_bfree) * store.f_frsize


def _tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []
