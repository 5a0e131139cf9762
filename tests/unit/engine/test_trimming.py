"""A driver's free memory goes back to the system while its run goes on."""

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest

from ray_tasks.observing import Progress
from ray_tasks.steps import Telemetry
from ray_tasks.trimming import EVERY_SECONDS, Trimming
from tests.unit.engine.fake_clock import FakeClock

PROGRESS = Progress({}, 1, (), (), (), Telemetry(), 0, 0)
FRAGMENTED = """
from pathlib import Path
from ray_tasks.trimming import malloc_trim

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

blocks = [bytearray(4000) for _ in range(50_000)]  # of glibc's heap, not of pymalloc's
kept = blocks[::100]
full = resident()
del blocks
before = resident()
malloc_trim()(0)
print(full - before < 50_000_000, before - resident() > 100_000_000, len(kept))
"""


def test_it_trims_every_second_however_often_it_is_told_and_whether_or_not_anything_ended() -> None:
    clock, calls = FakeClock(), list[int]()
    trimming = Trimming(clock, calls.append)
    for _ in range(34):  # a little over ten seconds
        clock.sleep(0.3)
        trimming.progress(PROGRESS)
    assert len(calls) == 8  # told every 0.3 s, it is time at every fourth


def test_free_memory_between_what_is_kept_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", FRAGMENTED], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "True True 500\n"  # once malloc gives it back by itself, this module is not needed


class Loop:
    """Refers to itself, as an error with its traceback does."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Python's own collections stay away meanwhile, and what was frozen is thawed again."""
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.usefixtures("no_collector")
def test_objects_that_refer_to_each_other_go_before_it_trims() -> None:
    loop = weakref.ref(Loop())
    was_there: list[bool] = []
    clock = FakeClock()
    trimming = Trimming(clock, lambda _: was_there.append(loop() is not None))
    trimming.progress(PROGRESS)
    assert loop() is not None
    clock.sleep(EVERY_SECONDS)
    trimming.progress(PROGRESS)
    assert was_there == [False]


@pytest.mark.usefixtures("no_collector")
def test_what_a_run_begins_with_is_not_looked_through_again() -> None:
    gc.unfreeze()
    plan = [Loop() for _ in range(1_000)]
    Trimming(FakeClock(), lambda _: None).opened("")
    assert gc.get_freeze_count() > 1_000
    assert not any(each is plan for each in gc.get_objects())
