"""`python -m tests.faults.kills --pool serial --kills 900`: seeded kills, and what became of them.

With --into, the account goes on where that file ends: the same command again carries out what is left of --kills.
"""

import argparse
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.kills.many import carry_out
from tests.faults.kills.schedule import Pool
from tests.faults.kills.tally import Line, kills_in, next_seed, read, summary, write


def main() -> int:
    """0 if everything was as if nothing had happened."""
    asked = _asked()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that server and Ray are stopped then too
    lines: list[Line] = list(read(asked.into)) if asked.into else []
    left = asked.kills - kills_in(lines, asked.pool)
    if left > 0:
        seed = next_seed(lines, asked.pool, asked.seed)
        with TemporaryDirectory(prefix="backcourt-kills-") as folder:
            for line in carry_out(Path(folder), asked.pool, left, seed, asked.seconds, _say):
                lines.append(line)
                if asked.into:
                    write(asked.into, line)
    _say(summary(lines))
    return 1 if any(line.failure for line in lines) else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("--pool", type=Pool, choices=list(Pool), default=Pool.SERIAL)
    parser.add_argument("--kills", type=int, default=100, help="how many, over all invocations with the same --into")
    parser.add_argument("--seed", type=int, default=1, help="of the first case; the next ones follow")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no case after so long")
    parser.add_argument("--into", type=Path, help="file that keeps the account")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
