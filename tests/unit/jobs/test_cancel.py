"""`backcourt cancel` of a run on this machine: its process gets an interrupt, a file that was left behind gets none."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backcourt.clock import SystemClock
from jobs.cancel import alive_here
from jobs.cli import app

SLEEPER = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell that starts tests in the background has it ignored
print("up", flush=True)
time.sleep(600)
"""


@pytest.fixture
def process() -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen([sys.executable, "-c", SLEEPER], stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        assert started.stdout.readline() == "up\n"
        yield started
        started.kill()


def live_file(folder: Path, pid: int, seconds_old: float = 0.0) -> None:
    at = SystemClock().now() - timedelta(seconds=seconds_old)
    (folder / "season.json").write_text(json.dumps({"run_id": "season", "pid": pid, "at": at.isoformat()}))


def test_a_run_on_this_machine_is_interrupted(tmp_path: Path, process: "subprocess.Popen[str]") -> None:
    live_file(tmp_path, process.pid)
    env = {"BACKCOURT_RUN_FOLDER": str(tmp_path)}
    tried = CliRunner().invoke(app, ["cancel", "season", "--dry-run"], env=env)
    assert (tried.exit_code, process.poll()) == (0, None)
    done = CliRunner().invoke(app, ["cancel", "season", "--json"], env=env)
    assert json.loads(done.output)["asked_by"] == "signal"
    assert process.wait(30) == -signal.SIGINT


def test_what_a_killed_run_left_is_not_taken_for_a_run(tmp_path: Path) -> None:
    live_file(tmp_path, os.getpid(), seconds_old=3600)
    assert alive_here(tmp_path, "season", SystemClock().now()) is None
    live_file(tmp_path, os.getpid())
    assert alive_here(tmp_path, "another", SystemClock().now()) is None
    found = alive_here(tmp_path, "season", SystemClock().now())
    assert found is not None
    assert found["pid"] == os.getpid()
