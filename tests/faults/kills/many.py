"""Cases one after the other, until so many kills are carried out."""

import traceback
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from time import monotonic

from tests.faults.kills.case import Trial
from tests.faults.kills.place import opened
from tests.faults.kills.schedule import Case, Pool, cases
from tests.faults.kills.tally import Line, line_of

MOST_CASES_A_KILL = 4


def carry_out(
    folder: Path, pool: Pool, kills: int, seed: int, seconds: float, tell: Callable[[str], None]
) -> Iterator[Line]:
    """A line for every case, beginning with that seed; no case begins after so many seconds.

    Moments may never come where the machine's pace changes, but hardly ever in that many cases.
    """
    until, done = monotonic() + seconds, 0
    with opened(folder, pool) as place:
        for case in islice(cases(pool, seed), MOST_CASES_A_KILL * kills):
            if done >= kills or monotonic() > until:
                return
            trial = Trial(place, case)
            try:
                trial.run()
                failure = ""
            except Exception as error:  # noqa: BLE001 (whatever it was, it is told with its seed, and others go on)
                tell(traceback.format_exc())
                failure = f"{error}"[:4000] or type(error).__name__
                place.leave_shop()
            line = line_of(trial.result, failure)
            tell(_told(case, line))
            done += len(line.killed)
            yield line


def _told(case: Case, line: Line) -> str:
    what = "; ".join(str(kill) for kill in case.kills)
    if line.failure:
        return f"seed {case.seed} FAILED: {what}"
    took = f", whole {line.seconds:.1f} s later" if line.seconds is not None else ""
    return f"seed {case.seed}: {what}: {len(line.killed)} kills, {line.resumes} resumes{took}"
