"""What many cases add up to, kept as one JSON line a case, so that several invocations are one account."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.faults.kills.case import Result
from tests.faults.kills.schedule import Pool


@dataclass(frozen=True)
class Line:
    """One case: who was killed and at which moment; `failure` is what went wrong, "" for nothing."""

    pool: str
    seed: int
    killed: tuple[tuple[str, str], ...] = ()
    missed: int = 0
    resumes: int = 0
    seconds: float | None = None
    looks: int = 0
    failure: str = ""


def line_of(result: Result, failure: str) -> Line:
    """A case that has ended, well or not."""
    case, killed = result.case, tuple((str(kill.victim), kill.moment) for kill in result.killed)
    return Line(case.pool, case.seed, killed, len(result.missed), result.resumes, result.seconds, result.looks, failure)


def write(file: Path, line: Line) -> None:
    """Add a line to the account."""
    with file.open("a") as lines:
        lines.write(json.dumps(line.__dict__) + "\n")


def read(file: Path) -> tuple[Line, ...]:
    """The account; empty before the first line."""
    if not file.exists():
        return ()
    return tuple(Line(**json.loads(text)) for text in file.read_text().splitlines())


def kills_in(lines: Iterable[Line], pool: Pool) -> int:
    """Kills that were carried out with that pool."""
    return sum(len(line.killed) for line in lines if line.pool == pool)


def next_seed(lines: Iterable[Line], pool: Pool, first: int) -> int:
    """The seed after the last one of that pool."""
    return max((line.seed + 1 for line in lines if line.pool == pool), default=first)


def replay(line: Line) -> str:
    """The command that does this one case again."""
    return f"python -m tests.faults.kills --pool {line.pool} --seed {line.seed} --kills 1"


def summary(lines: Iterable[Line]) -> str:
    """The account as text: totals of each pool, kills by victim and moment, and how to replay what went wrong."""
    told = list(lines)
    return "\n".join(text for pool in Pool for text in _of_pool([x for x in told if x.pool == pool], pool))


def _of_pool(lines: list[Line], pool: Pool) -> Iterator[str]:
    if not lines:
        return
    seconds = sorted(line.seconds for line in lines if line.seconds is not None)
    times = f"median {median(seconds):.1f} s, worst {seconds[-1]:.1f} s" if seconds else "none measured"
    yield (
        f"{pool}: {kills_in(lines, pool)} kills in {len(lines)} cases, {sum(x.resumes for x in lines)} resumes,"
        f" {sum(x.missed for x in lines)} moments that never came, {sum(x.looks for x in lines)} looks of the reader"
    )
    yield f"  seconds from the last kill of a case until all was whole: {times}"
    counts = Counter(each for line in lines for each in map(tuple, line.killed))
    for victim, total in Counter(victim for victim, _ in counts.elements()).most_common():
        moments = ", ".join(f"{n} {moment}" for (who, moment), n in counts.most_common() if who == victim)
        yield f"  {total:4} × {victim}: {moments}"
    for line in lines:
        if line.failure:
            yield f"  FAILED: seed {line.seed}. Replay: {replay(line)}\n    {line.failure.splitlines()[0]}"
