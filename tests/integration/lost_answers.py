"""What may become of the calls that publish a partition, as faults of the proxy: the table of cases.

Each case names its faults and how many loads and scripts the service then accepts where one of each would do. A job
that is accepted twice is one whose first attempt is known to have failed, or whose first attempt nobody could find.
"""

from dataclasses import dataclass
from typing import Any

Fault = dict[str, Any]

LOAD = {"method": "upload", "job_id_contains": "-load-"}
SCRIPT = {"method": "insert", "job_id_contains": "-commit-"}
EVENT = {"method": "insert", "job_id_contains": "-event-"}
LOST = ("before", "after", "reset_before", "reset_after")
"""The request never arrives, or its answer is lost; as a 503 or as a broken connection."""
JOBS_OWN_ERRORS = ("backendError", "internalError", "jobBackendError", "jobInternalError", "jobRateLimitExceeded")
LOOKS = 6
"""Look-ups that answer 404 until a job counts as unknown, for the moment."""


@dataclass(frozen=True)
class Case:
    """Faults, and what the service accepts. `resumable`: the file is sent in chunks. Latency in seconds by kind."""

    faults: tuple[Fault, ...]
    loads: int = 1
    scripts: int = 1
    resumable: bool = False
    latency: tuple[tuple[str, float], ...] = ()

    @property
    def hits(self) -> int:
        """Calls that go wrong."""
        return sum(fault.get("times", 1) for fault in self.faults)


def _lost(where: Fault, **more: Any) -> dict[str, Case]:
    return {mode: Case(({"mode": mode, **where},), **more) for mode in LOST}


def _poll(job: str, method: str) -> dict[str, Case]:
    """The job takes a while; looking at it goes wrong. A call for results waits for the end, so that one is enough."""
    slow = (("load" if "load" in job else "commit", 0.3),)
    where = {"method": method, "job_id_contains": job}
    times = {"times": 2 if method == "get" else 1}
    faults = {mode: {"mode": mode, **times, **where} for mode in LOST}
    faults["rateLimitExceeded"] = {"mode": "error", "reason": "rateLimitExceeded", **times, **where}
    return {f"{method}, {name}": Case((fault,), latency=slow) for name, fault in faults.items()}


def _unknown(job: str, times: int, **more: Any) -> Case:
    """The insert's answer is lost, and then the service says so many times that it knows no such job."""
    where = LOAD if job == "-load-" else SCRIPT
    missing = {"mode": "error", "reason": "notFound", "method": "get", "job_id_contains": job, "times": times}
    return Case(({"mode": "after", **where}, missing), **more)


def _ends_with(where: Fault, reason: str, **more: Any) -> Case:
    return Case(({"mode": "job_error", "reason": reason, **where},), **more)


CASES: dict[str, Case] = {
    **{f"staging table, {mode}": case for mode, case in _lost({"method": "create"}).items()},
    **{f"load, {mode}": case for mode, case in _lost(LOAD).items()},
    **{f"load's last chunk, {mode}": case for mode, case in _lost(LOAD, resumable=True).items()},
    **{f"load's poll, {name}": case for name, case in _poll("-load-", "get").items()},
    "load, answer lost, 404 once": _unknown("-load-", 1),
    "load, answer lost, sent again, 409": _unknown("-load-", LOOKS),
    "load, answer lost, sent again, 404 after the 409": _unknown("-load-", LOOKS + 2),
    "load, answer lost, 404 for long after the 409": _unknown("-load-", 2 * LOOKS + 2),
    "load, 409 and no such job": Case(({"mode": "error", "reason": "duplicate", **LOAD},)),
    **{f"load ends with {reason}": _ends_with(LOAD, reason, loads=2) for reason in JOBS_OWN_ERRORS},
    "load cancelled by somebody": _ends_with(LOAD, "stopped", loads=2),
    "announcement, after": Case(({"mode": "after", **EVENT},)),
    "announcement, reset_after": Case(({"mode": "reset_after", **EVENT},)),
    **{f"commit, {mode}": case for mode, case in _lost(SCRIPT).items()},
    **{f"commit's poll, {name}": case for name, case in _poll("-commit-", "results").items()},
    "commit's poll, no look works": Case(
        (
            {"mode": "before", "method": "results", "job_id_contains": "-commit-"},
            {"mode": "reset_after", "method": "get", "job_id_contains": "-commit-", "times": 3},
        ),
        latency=(("commit", 0.3),),
    ),
    "commit, answer lost, 404 once": _unknown("-commit-", 1),
    "commit, answer lost, sent again, 409": _unknown("-commit-", LOOKS),
    "commit, answer lost, sent again, 404 after the 409": _unknown("-commit-", LOOKS + 2),
    "commit, answer lost, 404 for long after the 409": _unknown("-commit-", 2 * LOOKS + 2),
    "commit, answer lost, never found": _unknown("-commit-", 2 * LOOKS + 4, scripts=2),
    "commit, 409 and no such job": Case(({"mode": "error", "reason": "duplicate", **SCRIPT},)),
    **{f"commit ends with {reason}": _ends_with(SCRIPT, reason, scripts=2) for reason in JOBS_OWN_ERRORS},
    "commit cancelled by somebody": _ends_with(SCRIPT, "stopped", loads=2, scripts=2),
    "drop, before": Case(({"mode": "before", "method": "drop"},)),
    "drop, reset_after": Case(({"mode": "reset_after", "method": "drop"},)),
}
