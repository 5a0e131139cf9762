"""A driver's free memory goes back to the system while its run goes on."""

import subprocess
import sys
from datetime import date

from backcourt.pipeline.outcomes import Outcome, Partition, PartitionOutcome
from ray_tasks.trimming import EVERY, Trimming

OUTCOME = PartitionOutcome(Partition("d.t", date(2024, 1, 1)), Outcome.COMMITTED)
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


def test_it_trims_every_so_many_outcomes() -> None:
    calls: list[int] = []
    trimming = Trimming(calls.append)
    for _ in range(2 * EVERY + 1):
        trimming.ended(OUTCOME)
    assert calls == [0, 0]


def test_free_memory_between_what_is_kept_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", FRAGMENTED], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "True True 500\n"  # once malloc gives it back by itself, this module is not needed
