"""Backfills on KubeRay: to SUCCEEDED, with a worker or the head killed, suspended, deleted; a budget lowered midway."""

import json
import time
from typing import Any

import pytest

from tests.cluster.kubernetes import Release, run, until
from tests.cluster.rayjobs import (
    BACKCOURT,
    SMALL,
    begin,
    computed,
    kill,
    latency,
    status,
    succeeded,
    told,
    until_halfway,
    until_status,
)

pytestmark = pytest.mark.usefixtures("has_kuberay")


@pytest.fixture(scope="module")
def undisturbed(release: Release) -> dict[str, list[str]]:
    """What a run in one pod computes."""
    release.daily("undisturbed")
    assert release.job_end("undisturbed") == "Complete"
    return computed(release)[0]


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


def test_a_lower_budget_reaches_a_run_that_is_alive(fresh: Release) -> None:
    lower = ("budget.load=1", "budget.read=1", "budget.query=3")  # of two and more, one is left for a nightly run
    job = begin(fresh, "pipeline.chunkDays=1")
    until("the run has started", lambda: told(fresh, job, "run started"), 300, 0.5)
    latency(fresh, 25.0)  # so that it is alive for the minute or two that a mounted ConfigMap takes
    (first, *_) = until("the run tells of its progress", lambda: told(fresh, job, "progress"), 60)
    assert (first["limits"]["load"], first["limits"]["read"], first["limits"]["query"]) == (3, 3, 3)
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
