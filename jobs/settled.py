"""Ends a start at once whose run has just ended in a way that working again would not change.

KubeRay starts a failed RayJob anew, whatever its exit code. A wrong setting, blocked dates and a warehouse that is not
ready are the same on the next cluster, and whoever cancelled a run meant its next start too; a crash, failed partitions
and a limit are another matter. So the chart lets an end with 2, 3, 4 or 130 stand for as long as a new cluster may take
to come up. At a terminal no end stands: whoever repeats a command by hand wants it done.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from backcourt.pipeline.plan import Request
from ray_tasks.lookback import read_runs
from ray_tasks.prepare import Ground

STANDING = frozenset({2, 3, 4, 130})
"""Exit codes that another start would only give again."""
LONGEST_DAYS = 31
"""How long before its end a start may have begun, in days; the chart allows 30."""


@dataclass(frozen=True)
class SettledEnd:
    """An earlier start's end that stands until `until` (UTC)."""

    run_id: str
    start: int
    code: int
    until: datetime


def settled_end(ground: Ground, request: Request, code_version: str, seconds: float) -> SettledEnd | None:
    """The end of the run's last start, where it stands for this one.

    That is: the same request and code, an exit code of STANDING, and no more than `seconds` ago.
    """
    if not seconds:
        return None
    now, window = ground.clock.now(), timedelta(seconds=seconds)
    # A start that has just ended may have begun long before; its events are kept by the day.
    runs = read_runs(ground, (now - window - timedelta(days=LONGEST_DAYS)).date())
    last = next((r for r in runs if r.run_id == ground.run_id), None)
    if last is None or last.ended_at is None or last.exit_code not in STANDING:
        return None
    until = last.ended_at + window
    if now > until or (last.request, last.code_version) != (request.digest, code_version):
        return None
    return SettledEnd(last.run_id, last.start, last.exit_code, until)


def settled_sentence(end: SettledEnd) -> str:
    """What to say of it."""
    return (
        f"Run {end.run_id} ended with {end.code} in start {end.start}, and the same again would too. To have it tried "
        f"all the same, ask for something else, use another run id, or wait until {end.until:%H:%M} UTC."
    )
