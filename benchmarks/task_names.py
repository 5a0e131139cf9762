"""What a task's name costs in Ray: memory of the driver and of its two actors by the number of tasks.

    .venv/bin/python -m benchmarks.task_names [--tasks 20000]

Once every task has the same name, once each its own. Each run has a process of its own, and a Ray.
"""

import argparse
import json
import os
import subprocess
import sys
import time

import psutil
import ray

from benchmarks.markdown import markdown
from benchmarks.processes import mebibytes

SETTLED_SECONDS = 5.0
"""Ray counts its tasks every few seconds."""


class Echo:
    """An actor that answers what it is asked."""

    def call(self, number: int) -> int:
        """The same number."""
        return number

    def process(self) -> int:
        """Its process."""
        return os.getpid()


def main() -> None:
    """Run both and print what they grew by."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--names", choices=("one", "many"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.names:
        _measure(given.tasks, many=given.names == "many")
        return
    header = ("names", "tasks", "driver grown by", "an actor grown by")
    print(markdown(header, [_row(names, given.tasks) for names in ("one", "many")]))


def _row(names: str, tasks: int) -> tuple[str, ...]:
    command = [sys.executable, "-m", "benchmarks.task_names", "--tasks", str(tasks), "--names", names]
    environment = {"MALLOC_ARENA_MAX": "2", **os.environ}  # as in the image, unless told otherwise
    answer = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    grown = json.loads(answer.stdout.splitlines()[-1])
    return (names, f"{tasks:,}", mebibytes(grown["driver"]), mebibytes(grown["actor"]))


def _measure(tasks: int, *, many: bool) -> None:
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    actors = [ray.remote(Echo).remote() for _ in range(2)]
    processes = [psutil.Process(), psutil.Process(ray.get([actor.process.remote() for actor in actors])[0])]
    before = [process.memory_info().rss for process in processes]
    for number in range(tasks):
        name = f"read nba_raw.shots {number}" if many else "read nba_raw.shots"
        ray.get(actors[number % 2].call.options(name=name).remote(number))
    time.sleep(SETTLED_SECONDS)
    after = [process.memory_info().rss for process in processes]
    driver, actor = (now - then for now, then in zip(after, before, strict=True))
    print(json.dumps({"driver": driver, "actor": actor}))


if __name__ == "__main__":
    main()
