"""What a command does for its memory, from its own entry point."""

import os
import subprocess
import sys

WRITES = """
import io, sys, threading
from pathlib import Path
from jobs.cli import main

if sys.argv[1] == "command":
    sys.argv = ["backcourt", "version"]
    try:
        main()
    except SystemExit:
        pass
import pyarrow as pa, pyarrow.parquet as pq
from ray_tasks.trimming import malloc_trim

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

table = pa.table({f"c{n}": pa.array([f"{n} {i}" for i in range(20_000)]) for n in range(20)})

def write(rows):
    pq.write_table(table[:rows], io.BytesIO())

write(10)
before = resident()
for _ in range(4):  # as commits do, each in a thread of its own
    thread = threading.Thread(target=write, args=[20_000])
    thread.start()
    thread.join()
malloc_trim()(0)
print(resident() - before)
"""


def kept(what: str) -> int:
    """Bytes that a process keeps of what writing Parquet in four threads took."""
    environment = {k: v for k, v in os.environ.items() if k != "ARROW_DEFAULT_MEMORY_POOL"} | {"MALLOC_ARENA_MAX": "2"}
    command = [sys.executable, "-c", WRITES, what]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1])


def test_a_command_keeps_little_of_what_writing_parquet_takes() -> None:
    alone, command = kept("alone"), kept("command")
    assert command < alone / 2, (command, alone)
