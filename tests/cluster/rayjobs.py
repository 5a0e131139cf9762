"""Backfills on KubeRay as the tests begin them, look at them, and disturb them."""

import json
import sys
from pathlib import Path
from typing import Any

from tests.cluster.kubernetes import Release, run, until

KINDS = ("query", "script", "commit", "load", "read")
BACKCOURT = str(Path(sys.executable).with_name("backcourt"))
SMALL = (
    "tryout.end=2023-10-29",
    "tryout.latency=0",
    "cronJobs.daily.args={backfill,--yes}",
    "backfill.ttlSecondsAfterFinished=0",
    "workers.memory=2Gi",
    "head.memory=3Gi",
    "budget.load=4",
)
"""A release of six dates that two small workers compute; its CronJob computes the same in one."""


def latency(release: Release, seconds: float) -> None:
    with release.bigquery() as warehouse:
        warehouse.control.change(latency=dict.fromkeys(KINDS, seconds))


def begin(release: Release, *settings: str) -> str:
    """Start a backfill of everything; its RayJob's name."""
    release.helm(*SMALL, "backfill.enabled=true", "backfill.run=all", *settings)
    return f"{release.name}-all"


def status(release: Release, job: str) -> dict[str, Any]:
    return dict(release.get("rayjob", job).get("status", {}))


def until_status(release: Release, job: str, *wanted: str, seconds: float = 600) -> dict[str, Any]:
    def reached() -> dict[str, Any] | None:
        now = status(release, job)
        return now if now.get("jobDeploymentStatus") in wanted else None

    return dict(until(f"RayJob {job} is {' or '.join(wanted)}", reached, seconds, 2.0))


def succeeded(release: Release, job: str) -> dict[str, Any]:
    ended = until_status(release, job, "Complete", "Failed", "ValidationFailed")
    assert (ended["jobDeploymentStatus"], ended.get("jobStatus")) == ("Complete", "SUCCEEDED"), ended
    return ended


def computed(release: Release) -> tuple[dict[str, list[str]], set[int]]:
    with release.bigquery() as warehouse:
        return warehouse.tables(), {count for _, _, count in warehouse.ledger()}


def committed(release: Release) -> int:
    with release.bigquery() as warehouse:
        return len([row for row in warehouse.ledger() if not row[0].startswith("nba_raw.")])


def until_halfway(release: Release) -> int:
    return int(until("something is committed", lambda: committed(release), 400))


def kill(release: Release, component: str) -> None:
    """Without grace, once something is committed."""
    until_halfway(release)
    pods = [p for p in release.pods(f"app.kubernetes.io/component={component}") if p["status"]["phase"] == "Running"]
    ours = [p for p in pods if p["metadata"]["labels"]["app.kubernetes.io/instance"] == release.name]
    release.kubectl("delete", "pod", ours[0]["metadata"]["name"], "--grace-period=0", "--force")


def told(release: Release, job: str, event: str) -> list[dict[str, Any]]:
    """What the run itself said in its log of such an event, the last line last."""
    selector = f"ray.io/originated-from-cr-name={job},app.kubernetes.io/component=submitter"
    lines = run("kubectl", "-n", release.namespace, "logs", "-l", selector, "--tail=-1").stdout.splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return [line for line in found if line["event"] == event]
