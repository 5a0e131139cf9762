"""Backfills on KubeRay: to SUCCEEDED, with a worker or the head killed, suspended, deleted; a budget lowered midway."""

import itertools
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.kubernetes import Release, run, until

pytestmark = pytest.mark.usefixtures("has_kuberay")

KINDS = ("query", "script", "commit", "load", "read")
NUMBERS = itertools.count(1)
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


@pytest.fixture(scope="module")
def undisturbed(release: Release) -> dict[str, list[str]]:
    """What a run in one pod computes."""
    release.daily("undisturbed")
    assert release.job_end("undisturbed") == "Complete"
    return computed(release)[0]


@pytest.fixture
def fresh(namespace: str) -> Iterator[Release]:
    """The same league in a warehouse of its own, whose jobs take a while."""
    found = Release(namespace, f"r{next(NUMBERS)}")
    found.helm(*SMALL, command="install")
    assert found.job_end(f"{found.name}-backcourt-league") == "Complete"
    latency(found, 0.4)
    yield found
    run("helm", "uninstall", found.name, "--namespace", namespace)


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


def test_two_workers_succeed(fresh: Release, undisturbed: dict[str, Any]) -> None:
    ended = succeeded(fresh, begin(fresh))
    assert ended.get("failed", 0) == 0
    assert computed(fresh) == (undisturbed, {1})


def test_a_submitted_run_is_followed_to_its_end(fresh: Release, undisturbed: dict[str, Any]) -> None:
    run_id = f"{fresh.name}-submitted"
    words = ("submit", "--namespace", fresh.namespace, "--release", fresh.name, "--run", run_id, "--end", "2023-10-29")
    done = run(BACKCOURT, *words, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.split(f"{run_id} ")
    assert any(part.startswith("starts: ") for part in said), done.stdout
    assert any(part.startswith("runs on Ray cluster ") for part in said), done.stdout
    assert said[-1].strip() == "is done."
    assert computed(fresh) == (undisturbed, {1})
    listed = run(BACKCOURT, "runs", "--namespace", fresh.namespace, "--json")
    assert [row["exit_code"] for row in json.loads(listed.stdout) if row["run"] == run_id] == [0]


def test_a_killed_worker_costs_nothing_but_time(fresh: Release, undisturbed: dict[str, Any]) -> None:
    job = begin(fresh)
    kill(fresh, "worker")
    ended = succeeded(fresh, job)
    assert ended.get("failed", 0) == 0
    assert computed(fresh) == (undisturbed, {1})


def test_a_killed_head_is_a_second_start_that_goes_on(fresh: Release, undisturbed: dict[str, Any]) -> None:
    """KubeRay makes a new head and new workers; the submitter's next pod finds no job there and submits it again."""
    job = begin(fresh)
    kill(fresh, "head")
    succeeded(fresh, job)
    with fresh.bigquery() as warehouse:
        sql = f"SELECT start_number FROM nba_orchestration.runs WHERE run_id = '{job}' AND event = 'started'"
        starts = sorted(row[0] for row in warehouse.client.query(sql).result())
    assert starts == [1, 2]
    assert computed(fresh) == (undisturbed, {1})


def test_a_suspended_run_stops_cleanly_and_goes_on(fresh: Release, undisturbed: dict[str, Any]) -> None:
    job = begin(fresh)
    until_halfway(fresh)
    fresh.kubectl("patch", "rayjob", job, "--type=merge", "--patch", '{"spec": {"suspend": true}}')
    until_status(fresh, job, "Suspended", seconds=180)
    until("its pods are gone", lambda: not fresh.pods(f"app.kubernetes.io/instance={fresh.name},ray.io/node-type"), 120)
    with fresh.bigquery() as warehouse:
        sql = f"SELECT event, details FROM nba_orchestration.runs WHERE run_id = '{job}' AND event = 'ended'"
        (ended,) = [tuple(row.values()) for row in warehouse.client.query(sql).result()]
    assert json.loads(ended[1])["exit_code"] == 143  # backcourt drain came before the end
    latency(fresh, 0.0)
    fresh.kubectl("patch", "rayjob", job, "--type=merge", "--patch", '{"spec": {"suspend": false}}')
    succeeded(fresh, job)
    assert computed(fresh) == (undisturbed, {1})


def test_a_deleted_run_leaves_whole_partitions(fresh: Release, undisturbed: dict[str, Any]) -> None:
    job = begin(fresh)
    until_halfway(fresh)
    fresh.kubectl("delete", "rayjob", job, "--timeout=180s")
    tables, counts = computed(fresh)
    assert counts == {1}
    assert all(set(rows) <= set(undisturbed[name]) for name, rows in tables.items())
    latency(fresh, 0.0)
    fresh.daily("rest")
    assert fresh.job_end("rest") == "Complete"
    assert computed(fresh) == (undisturbed, {1})


def told(release: Release, job: str, event: str) -> list[dict[str, Any]]:
    """What the run itself said in its log of such an event, the last line last."""
    selector = f"ray.io/originated-from-cr-name={job},app.kubernetes.io/component=submitter"
    lines = run("kubectl", "-n", release.namespace, "logs", "-l", selector, "--tail=-1").stdout.splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    return [line for line in found if line["event"] == event]


def test_a_lower_budget_reaches_a_run_that_is_alive(fresh: Release) -> None:
    lower = ("budget.load=1", "budget.read=1", "budget.query=2")
    job = begin(fresh, "pipeline.chunkDays=1")
    until("the run has started", lambda: told(fresh, job, "run started"), 300, 0.5)
    latency(fresh, 25.0)  # so that it is alive for the minute or two that a mounted ConfigMap takes
    (first, *_) = until("the run tells of its progress", lambda: told(fresh, job, "progress"), 60)
    assert (first["limits"]["load"], first["limits"]["read"], first["limits"]["query"]) == (4, 4, 4)
    before = status(fresh, job)["jobId"]
    fresh.helm(*SMALL, "backfill.enabled=true", "backfill.run=all", "pipeline.chunkDays=1", *lower)

    def obeyed() -> bool:
        last = told(fresh, job, "progress")[-1]
        seen = all(last["limits"][kind] == limit for kind, limit in {"load": 1, "read": 1, "query": 2}.items())
        return seen and all(last["permits"][kind] <= last["limits"][kind] for kind in last["limits"])

    until("the run obeys the lower budget", obeyed, 180)
    with fresh.bigquery() as warehouse:
        warehouse.control.reset()
        seen = until(
            "a load or a read, counted by the warehouse",
            lambda: (m := warehouse.control.counters()["max_in_flight"])["load"] + m["read"] and m,
            120,
        )
        time.sleep(30)
        seen = warehouse.control.counters()["max_in_flight"]
    assert max(seen["load"], seen["read"]) == 1
    now = status(fresh, job)
    assert (now["jobId"], now["jobStatus"]) == (before, "RUNNING")  # the very run, not restarted
    latency(fresh, 0.0)
    succeeded(fresh, job)
