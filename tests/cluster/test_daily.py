"""The try-out's daily run: to Complete, again, killed halfway, and stopped in the grace period."""

import json
import re

import pytest

from tests.cluster.kubernetes import Release, must, until

LATENCY = {"query": 0.5, "load": 0.5, "commit": 0.5, "read": 0.5}
"""Seconds that make a run of six dates long enough to be hit halfway."""


def slow(release: Release, seconds: float) -> None:
    with release.bigquery() as warehouse:
        warehouse.control.change(latency=dict.fromkeys(LATENCY, seconds))


def committed_in(release: Release) -> int:
    with release.bigquery() as warehouse:
        return len([row for row in warehouse.ledger() if not row[0].startswith("nba_raw.")])


def running_pod(release: Release, job: str) -> str:
    """The name of the job's pod, once its first partitions are committed."""

    def name() -> str:
        pods = [p for p in release.pods(f"job-name={job}") if p["status"]["phase"] == "Running"]
        return str(pods[0]["metadata"]["name"]) if pods else ""

    return str(until(f"job {job} runs", name, 120))


@pytest.fixture(scope="module")
def undisturbed(namespace: str, release: Release) -> dict[str, list[str]]:
    """What a run that nobody disturbs computes."""
    release.daily("undisturbed")
    assert release.job_end("undisturbed") == "Complete"
    with release.bigquery() as warehouse:
        return warehouse.tables()


@pytest.fixture
def fresh(namespace: str, release: Release) -> Release:
    """The same league in a BigQuery that has computed nothing yet."""
    deployment = f"deployment/{release.name}-backcourt-bigquery"
    league = f"{release.name}-backcourt-league"
    job = release.get("job", league)
    release.kubectl("rollout", "restart", deployment)
    release.kubectl("rollout", "status", deployment, "--timeout=180s")
    release.kubectl("delete", "job", league)
    job = {
        **{key: job[key] for key in ("apiVersion", "kind")},
        "metadata": {"name": league},
        "spec": {key: value for key, value in job["spec"].items() if key != "selector"},
    }
    for label in [k for k in job["spec"]["template"]["metadata"]["labels"] if "controller-uid" in k or "job-name" in k]:
        del job["spec"]["template"]["metadata"]["labels"][label]
    release.kubectl("create", "-f", "-", stdin=json.dumps(job))
    assert release.job_end(league) == "Complete"
    return release


def test_a_daily_run_completes_and_its_rows_are_there(release: Release, undisturbed: dict[str, list[str]]) -> None:
    assert release.exit_codes("undisturbed") == [0]
    assert len(undisturbed) >= 5
    assert len(undisturbed["nba_analytics.player_game_summary"]) > 100
    with release.bigquery() as warehouse:
        ledger = warehouse.ledger()
    assert {count for _, _, count in ledger} == {1}
    logs = release.kubectl("logs", "job/undisturbed")
    lines = [json.loads(line) for line in logs.splitlines() if line.startswith("{")]
    assert any("run_id" in line or "run" in line for line in lines), logs[-2000:]


def test_a_second_run_has_nothing_to_do(release: Release, undisturbed: dict[str, list[str]]) -> None:
    release.daily("again")
    assert release.job_end("again") == "Complete"
    with release.bigquery() as warehouse:
        assert warehouse.tables() == undisturbed
        assert {count for _, _, count in warehouse.ledger()} == {1}


def test_the_pod_runs_as_nobody_on_a_root_that_cannot_be_written(release: Release) -> None:
    def inside(*command: str) -> str:
        return release.kubectl("exec", f"deployment/{release.name}-backcourt-bigquery", "--", *command)

    assert inside("id", "-u").strip() == "10001"
    status = inside("cat", "/proc/1/status")
    assert re.search(r"CapEff:\s+0+\n", status)
    assert "NoNewPrivs:\t1" in status
    assert "Seccomp:\t2" in status
    assert inside("sh", "-c", "touch /opt/x 2>&1; touch /usr/x 2>&1; true").count("Read-only file system") == 2
    assert inside("backcourt", "version").startswith("backcourt ")
    assert inside("sh", "-c", "command -v gcc cc make pip pip3 || true").strip() == ""


def test_the_helm_test_passes(release: Release) -> None:
    shown = must("helm", "test", release.name, "--namespace", release.namespace, "--logs", "--timeout", "3m")
    assert "Succeeded" in shown


def test_a_pod_killed_halfway_loses_and_doubles_nothing(fresh: Release, undisturbed: dict[str, list[str]]) -> None:
    slow(fresh, 0.5)
    fresh.daily("killed")
    pod = running_pod(fresh, "killed")
    until("something is committed", lambda: committed_in(fresh) > 0, 180, 0.5)
    fresh.kubectl("delete", "pod", pod, "--grace-period=0", "--force")
    halfway = committed_in(fresh)
    assert fresh.job_end("killed") == "Complete"  # the Job makes a second pod
    with fresh.bigquery() as warehouse:
        assert warehouse.tables() == undisturbed
        ledger = warehouse.ledger()
    assert halfway < len(ledger)
    assert {count for _, _, count in ledger} == {1}
    slow(fresh, 0.0)


def test_sigterm_in_the_grace_period_is_a_clean_stop(fresh: Release, undisturbed: dict[str, list[str]]) -> None:
    slow(fresh, 0.5)
    fresh.daily("stopped")
    running_pod(fresh, "stopped")
    until("something is committed", lambda: committed_in(fresh) > 0, 180, 0.5)
    fresh.kubectl("patch", "job", "stopped", "--patch", '{"spec": {"suspend": true}}')  # SIGTERM to its pod
    until("the pod has ended", lambda: not fresh.pods("job-name=stopped"), 120)
    with fresh.bigquery() as warehouse:
        query = (
            "SELECT event, details FROM nba_orchestration.runs WHERE run_id LIKE 'daily-%' "
            "AND event IN ('ended', 'left_running') ORDER BY `at` DESC LIMIT 1"
        )
        (ended,) = [tuple(row.values()) for row in warehouse.client.query(query).result()]
    assert ended[0] == "ended"
    assert json.loads(ended[1])["exit_code"] == 143
    slow(fresh, 0.0)
    fresh.kubectl("patch", "job", "stopped", "--patch", '{"spec": {"suspend": false}}')
    assert fresh.job_end("stopped") == "Complete"
    with fresh.bigquery() as warehouse:
        assert warehouse.tables() == undisturbed
        assert {count for _, _, count in warehouse.ledger()} == {1}


def test_an_evicted_pod_is_not_counted_as_a_failure(fresh: Release, undisturbed: dict[str, list[str]]) -> None:
    """A node that is drained takes the pod along: it stops cleanly, and another one goes on."""
    slow(fresh, 0.5)
    fresh.daily("evicted")
    pod = running_pod(fresh, "evicted")
    until("something is committed", lambda: committed_in(fresh) > 0, 180, 0.5)
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": fresh.namespace}}
    path = f"/api/v1/namespaces/{fresh.namespace}/pods/{pod}/eviction"
    must("kubectl", "create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))
    slow(fresh, 0.0)
    assert fresh.job_end("evicted") == "Complete"
    assert fresh.get("job", "evicted")["status"].get("failed", 0) == 0
    with fresh.bigquery() as warehouse:
        assert warehouse.tables() == undisturbed
        query = "SELECT details FROM nba_orchestration.runs WHERE event = 'ended' ORDER BY `at`"
        ends = [json.loads(row[0])["exit_code"] for row in warehouse.client.query(query).result()]
    assert ends[-2:] == [143, 0]
