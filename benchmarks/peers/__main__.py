"""Backcourt against its peers: the same work, one after another, in calm weather, with lost answers, with a kill.

    .venv/bin/python -m benchmarks.peers [--only dbt …] [--cases calm …] [--json FILE] [--table]

60 dates × 50 players, each date's rows from 31 days of the source. BigQuery's limits are enforced with 16 slots, every
job takes 1 s. `lost`: 5 of 100 answers get lost after the work was done. `kill`: once the service has accepted half of
the jobs that the calm run took, the command is killed with all its processes. A command that did not end with 0 is
started again, up to 5 times. Then the target's rows are compared with the truth, which a reader has also looked at all
the while. dbt has a Python environment of its own, made when it is first needed: `--dbt FOLDER`, else a temporary one.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.averages.contest import Trial
from benchmarks.averages.ground import ground
from benchmarks.averages.work import Work
from benchmarks.markdown import markdown
from benchmarks.peers.contenders import Contender, contenders, install_dbt
from benchmarks.recorded import RESULTS, record, recorded

SLOTS, LATENCY, LOST = 16, 1.0, 0.05
CASES = ("calm", "lost", "kill")
NAMES = ("threads", "threads-overwrite", "dbt", "ray-data", "backcourt", "backcourt-serial")
KINDS = ("query", "script", "commit", "load", "copy", "read")
SERVICE: Mapping[str, Any] = {"limits": {"slots": SLOTS}, "latency": dict.fromkeys(KINDS, LATENCY)}
LOST_ANSWERS: Mapping[str, Any] = {"fault_rate": LOST, "fault_modes": ["after", "reset_after"], "seed": 7}
HEADER = (
    "",
    "case",
    "starts",
    "ended",
    "seconds",
    "jobs and reads",
    "most in flight",
    "refused",
    "answers lost",
    "missing",
    "doubled",
    "wrong",
    "partial dates seen",
)


def main() -> None:
    """Run what was asked for, then print the table of all that is recorded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--dates", type=int, default=60)
    parser.add_argument("--players", type=int, default=50)
    parser.add_argument("--limit", type=float, default=240.0, help="Seconds after which a start is stopped.")
    parser.add_argument("--dbt", type=Path, help="Folder of dbt's Python environment.")
    parser.add_argument("--json", type=Path, default=RESULTS / "peers.json", help="Where figures are kept.")
    parser.add_argument("--table", action="store_true", help="Run nothing, print the table.")
    given = parser.parse_args()
    with TemporaryDirectory() as folder:
        dbt = (given.dbt or Path(folder) / "dbt").resolve()
        if "dbt" in given.only and not given.table:
            install_dbt(dbt)
        known = contenders(dbt)
        for name in () if given.table else given.only:
            for case in given.cases:
                _run(known[name], f"{name}, {case}", case, given)
    print(_table(known, recorded(given.json)))


def _run(contender: Contender, key: str, case: str, given: argparse.Namespace) -> None:
    """One contender, one case, on a server of its own."""
    service = {**SERVICE, **(LOST_ANSWERS if case == "lost" else {})}
    kill_after = None
    if case == "kill":
        calm = recorded(given.json).get(key.replace("kill", "calm"))
        if calm is None:
            raise SystemExit(f"{key}: half of what? Run the calm case first.")
        kill_after = calm["statements"] // 2
    with ground(Work(given.dates, given.players)) as place:
        trial = Trial(place, contender.command(place), contender.environment(place), given.limit, kill_after=kill_after)
        outcome = trial.run(service)
    figures = {key: value for key, value in outcome.as_json().items() if key != "samples"}
    record(given.json, key, {"versions": contender.versions, "kill_after": kill_after, **figures})


def _table(known: Mapping[str, Contender], figures: Mapping[str, Any]) -> str:
    rows = []
    for case in CASES:
        for name in NAMES:
            found = figures.get(f"{name}, {case}")
            if found:
                rows.append(_row(known[name], case, found))
    return markdown(HEADER, rows)


def _row(contender: Contender, case: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    ended = "done" if found["codes"][-1] == 0 else "gave up"
    keys = ("statements", "most_in_flight", "refused", "lost_answers", "missing", "doubled", "wrong", "partial_dates")
    figures = [str(found.get(key, "–")) for key in keys]
    return (contender.name, case, str(len(found["codes"])), ended, f"{found['seconds']:.0f}", *figures)


if __name__ == "__main__":
    main()
