"""Lets somebody do the work, kills it where asked, starts it again until it is done, and says what came of it."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

import psutil

from backcourt.clock import SystemClock
from benchmarks.averages.ground import REPOSITORY, Ground
from benchmarks.averages.watch import Sample, Watch

STARTS = 5
"""Starts of a command that fails before nobody would try again."""
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    `codes` are the exit codes of its starts: negative for a signal, None where the time limit stopped a start.
    `statements` are the jobs that the service accepted, `by_kind` the same apart.
    `missing`, `doubled`, `wrong` are rows of the target in the end; `partial_dates` and `doubled_seen` the most that a
    reader saw at any time. `load` is the machine's load average of a minute when it ended.
    """

    seconds: float
    codes: tuple[int | None, ...]
    statements: int
    by_kind: Mapping[str, int]
    most_in_flight: int
    refused: int
    lost_answers: int
    requests: int
    missing: int
    doubled: int
    wrong: int
    partial_dates: int
    doubled_seen: int
    load: float
    samples: tuple[Sample, ...]

    @property
    def has_ended_well(self) -> bool:
        """Whether the last start said that all is done."""
        return self.codes[-1] == 0

    def as_json(self) -> dict[str, Any]:
        """Every figure."""
        return asdict(self)


@dataclass(frozen=True)
class Trial:
    """The work on a ground.

    `limit` is how many seconds a start may take, `kill_after` after how many accepted jobs the command and all its
    processes are killed, None for never. With a `reader` somebody looks at the target all the while.
    """

    ground: Ground
    command: Sequence[str]
    environment: Mapping[str, str]
    limit: float
    starts: int = STARTS
    kill_after: int | None = None
    reader: bool = True

    def run(self, service: Mapping[str, Any]) -> Outcome:
        """Set the service up as `service` says, do the work, make the service well again, judge."""
        ground, clock, codes = self.ground, SystemClock(), list[int | None]()
        client = ground.client()
        ground.server.control.change(**service)
        began = clock.monotonic()
        with Watch(ground.server, client if self.reader else None, ground.work.players) as watch:
            while not codes or (codes[-1] != 0 and len(codes) < self.starts + (self.kill_after is not None)):
                codes.append(self._start(watch, kill=self.kill_after is not None and not codes))
            seconds = clock.monotonic() - began
            told = watch.counters()
        ground.server.control.change(limits=None, latency={}, fault_rate=0.0)
        self._settle(clock)
        verdict = ground.verdict()
        return Outcome(
            seconds=round(seconds, 1),
            codes=tuple(codes),
            statements=sum(told["jobs"].values()),
            by_kind={kind: count for kind, count in told["jobs"].items() if count},
            most_in_flight=max(told["max_in_flight"].values()),
            refused=sum(told["rejections"].values()),
            lost_answers=sum(told["faults"].values()),
            requests=told["requests"],
            missing=verdict.missing,
            doubled=verdict.doubled,
            wrong=verdict.wrong,
            partial_dates=watch.partial_dates,
            doubled_seen=watch.doubled,
            load=round(os.getloadavg()[0], 1),
            samples=tuple(watch.samples),
        )

    def _start(self, watch: Watch, *, kill: bool) -> int | None:
        """One start to its end; its exit code, None if the time limit stopped it."""
        with self._log().open("a") as log:
            process = self._popen(log)
            try:
                if kill and self.kill_after is not None and self._reached(watch, process, self.kill_after):
                    kill_tree(process)
                return process.wait(self.limit)
            except subprocess.TimeoutExpired:
                return None
            finally:
                kill_tree(process)

    def _popen(self, log: TextIO) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command,
            env=self.ground.environment(**self.environment),
            cwd=REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def _reached(self, watch: Watch, process: subprocess.Popen[bytes], jobs: int) -> bool:
        """Wait until the service has accepted so many jobs; False if the command ended before."""
        clock = SystemClock()
        while process.poll() is None:
            if sum(watch.counters()["jobs"].values()) >= jobs:
                return True
            clock.sleep(LOOK_SECONDS)
        return False

    def _settle(self, clock: SystemClock) -> None:
        """Wait until nothing is in flight: what a stopped command has left may still change rows."""
        while any(self.ground.server.control.counters()["in_flight"].values()):
            clock.sleep(LOOK_SECONDS)

    def _log(self) -> Path:
        return self.ground.folder / "told.txt"


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL a command and every process that it started."""
    if process.poll() is not None:
        return
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(process.pid)
        for each in [*root.children(recursive=True), root]:
            with suppress(psutil.NoSuchProcess):
                each.send_signal(signal.SIGKILL)
