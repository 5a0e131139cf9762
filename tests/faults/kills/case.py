"""Carries out one case: kill, the same command again, kill again …; in the end all is as if nothing had happened.

A step is hit from outside: the proxy holds back the call that begins it, and the victim is killed while it hangs.
Nothing in the product knows of it. What the call asked for is done later all the same, when the same command may be at
work again.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic

from tests.faults.kills.fork_server import Child
from tests.faults.kills.invariants import assert_as_if_nothing_happened
from tests.faults.kills.place import LONGEST, Place
from tests.faults.kills.schedule import Case, Kill, Step
from tests.faults.kills.striking import in_the_command, strike
from tests.faults.reader import Reader
from tests.integration.shop_runs import eventually

DELAY = 1.0
"""Seconds for which a call is held back: long enough to see it and to kill."""
LOOK_SECONDS = 0.02
READER_PAUSE = 0.2
CALLS: dict[Step, dict[str, str]] = {
    Step.BEFORE_LOAD: {"method": "upload", "job_id_contains": "-{}-"},
    Step.AFTER_LOAD: {"method": "get", "kind": "load", "job_id_contains": "-{}-"},
    Step.ANNOUNCED: {"method": "insert", "job_id_contains": "-event-commit_sent-"},
    Step.SCRIPT_ON_ITS_WAY: {"method": "insert", "kind": "commit", "job_id_contains": "-{}-"},
    Step.SCRIPT_SENT: {"method": "results", "kind": "commit", "job_id_contains": "-{}-"},
    Step.ANSWER_LOST: {"method": "get", "kind": "commit", "job_id_contains": "-{}-"},
    Step.BEFORE_DROP: {"method": "drop", "job_id_contains": "_{}_"},
}
"""The call to BigQuery that begins a step, by what the proxy knows of it; {} is the table."""
UNFINISHED = (1, 4, 5, 6)
"""How a command may end that lost its server or its Ray: it says so, and the rest is for the next."""


@dataclass
class Result:
    """What a case did.

    `missed` are kills whose moment never came: the command had ended, or nobody of that kind lived. `resumes` are
    starts after a kill; a command that outlives a kill needs none. `seconds` is from the last kill to the end of the
    command that had everything whole. `looks` are those of the polling reader.
    """

    case: Case
    killed: list[Kill] = field(default_factory=list)
    missed: list[Kill] = field(default_factory=list)
    resumes: int = 0
    seconds: float | None = None
    looks: int = 0


class Trial:
    """One case on dates of its own."""

    def __init__(self, place: Place, case: Case) -> None:
        self._place, self._case = place, case
        self._window = place.window()
        self._run = self._window.store.run_id(f"k{case.seed}")
        self._command: Child | None = None
        self._killed_at = 0.0
        self.result = Result(case)

    def run(self) -> Result:
        """Every kill, then the command to its end.

        Raises:
            AssertionError: in the end something is not as if nothing had happened.
        """
        try:
            with Reader(self._window.store, READER_PAUSE) as reader:
                self._kill_all()
                self._finish()
            self.result.looks = reader.looks
        finally:
            if self._command and self._command.code is None:
                self._command.send(signal.SIGKILL)
        return self.result

    def _kill_all(self) -> None:
        """One kill after the other, until the command has nothing left to do."""
        for kill in self._case.kills:
            command = self._at_work()
            (self.result.killed if self._killed(kill, command) else self.result.missed).append(kill)
            if command.code == 0:
                return

    def _at_work(self) -> Child:
        """The command that is at work or has done everything; the same command again if it has ended otherwise."""
        if self._command and self._command.code:
            self._assert_unfinished(self._command)
            self._command = None
        if self._command is None:
            self.result.resumes += bool(self.result.killed)
            self._command = self._place.start(self._window, self._run, own_ray=self._case.own_ray)
        return self._command

    def _killed(self, kill: Kill, command: Child) -> bool:
        """Await the kill's moment, and kill; False if that moment does not come."""
        with self._held_back(kill):
            came = self._has_come(kill, command)
            at = monotonic()
            if not came or not strike(kill.victim, self._place, self._case, command):
                return False
        if in_the_command(kill.victim, self._case.pool):
            code = command.wait(LONGEST)
            if code == 0:
                return False  # it had done everything before the signal reached it
            assert code == -signal.SIGKILL, command.told
        self._killed_at = at
        return True

    @contextmanager
    def _held_back(self, kill: Kill) -> Iterator[None]:
        """The proxy holds back the call that begins the kill's step; a server that was killed forgets it."""
        control = self._place.server.control
        control.reset()
        if kill.step:
            call = CALLS[kill.step]
            call = {**call, "job_id_contains": call["job_id_contains"].format(kill.table)}
            control.change(faults=[{"mode": "delay", "seconds": DELAY, **call}])
        try:
            yield
        finally:
            with suppress(OSError):  # no server: the suite itself is being stopped
                self._place.server.control.change(faults=[])

    def _has_come(self, kill: Kill, command: Child) -> bool:
        if kill.step is None:
            return command.wait(kill.share * self._window.length) is None
        control = self._place.server.control

        def is_held_back() -> bool:
            return bool(control.counters()["faults"].get("delay"))

        eventually(lambda: is_held_back() or command.code is not None, LONGEST, LOOK_SECONDS)
        return is_held_back() and command.code is None

    # --- the end ----------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """The same command until it has done everything: the one at work, or else the next."""
        command = self._at_work()
        if command.wait(LONGEST) not in (0, None):
            command = self._at_work()
        assert command.wait(LONGEST) == 0, command.told
        self.result.seconds = monotonic() - self._killed_at if self.result.killed else None
        assert_as_if_nothing_happened(self._window, self._place.whole, command)

    def _assert_unfinished(self, command: Child) -> None:
        """A command may end for a kill that it outlived at first, but it says so in its own words."""
        code = command.code
        if code == -signal.SIGKILL:
            return
        assert self.result.killed, command.told
        assert code in UNFINISHED, command.told
        assert "Traceback" not in command.told, command.told
