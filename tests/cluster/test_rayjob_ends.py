"""How `backcourt submit` tells a RayJob's bad ends, each brought about on a real operator; and the autoscaler."""

import json
import subprocess

import pytest
import yaml

from tests.cluster.kubernetes import IMAGE, Release, run, until
from tests.cluster.rayjobs import BACKCOURT, begin, computed, latency, status, succeeded

pytestmark = pytest.mark.usefixtures("has_kuberay")


def submit(release: Release, run_id: str, *words: str) -> "subprocess.CompletedProcess[str]":
    command = ("submit", "--namespace", release.namespace, "--release", release.name, "--run", run_id)
    return run(BACKCOURT, *command, *words, timeout=900)


def cluster_spec(release: Release) -> dict[str, object]:
    template = release.get("configmap", f"{release.name}-backcourt-rayjob")["data"]["rayjob.yaml"]
    return dict(yaml.safe_load(template)["spec"]["rayClusterSpec"])


def change_template(release: Release, **fields: object) -> None:
    """Change fields of the RayJob that `submit` starts from, as a wrong value of the chart would."""
    template = release.get("configmap", f"{release.name}-backcourt-rayjob")
    job = yaml.safe_load(template["data"]["rayjob.yaml"])
    job["spec"] |= fields
    template["data"]["rayjob.yaml"] = yaml.safe_dump(job)
    release.kubectl("replace", "-f", "-", stdin=json.dumps(template))


def test_blocked_dates_are_not_worked_at_again(fresh: Release) -> None:
    """KubeRay starts a failed run anew on a new cluster, twice; each start says that the first one's end stands."""
    latency(fresh, 0.0)
    fresh.daily("all")
    assert fresh.job_end("all") == "Complete"
    with fresh.bigquery() as warehouse:  # which leaves nothing to make the date's summaries of
        warehouse.client.query("DELETE FROM nba_raw.player_box_scores WHERE game_date = '2023-10-28'").result()
    run_id = f"{fresh.name}-blocked"
    words = ("--recompute", "--tables", "player_game_summary", "--dates", "2023-10-28")
    done = submit(fresh, run_id, *words, "--logs")
    assert done.returncode == 3, done.stdout + done.stderr
    assert f"{run_id} ended with exit code 3: dates were blocked by the gate" in done.stdout
    assert f"Run {run_id} ended with 3 in start 1, and the same again would too." in done.stdout
    assert status(fresh, run_id)["failed"] == 3  # backoffLimit 2
    with fresh.bigquery() as warehouse:
        sql = f"SELECT start_number FROM nba_orchestration.runs WHERE run_id = '{run_id}' AND event = 'started'"
        assert [row[0] for row in warehouse.client.query(sql).result()] == [1]


def test_a_run_that_takes_too_long_is_told_so(fresh: Release) -> None:
    change_template(fresh, activeDeadlineSeconds=60)
    latency(fresh, 30.0)
    run_id = f"{fresh.name}-slow"
    done = submit(fresh, run_id)
    assert done.returncode == 6, done.stdout + done.stderr
    assert (
        f"{run_id} failed. It took longer than backfill.activeDeadlineSeconds, and KubeRay does not try that again."
    ) in " ".join(done.stdout.split())
    assert (status(fresh, run_id)["reason"], status(fresh, run_id).get("failed")) == ("DeadlineExceeded", 1)
    listed = json.loads(run(BACKCOURT, "runs", "--namespace", fresh.namespace, "--json").stdout)
    assert [row["state"] for row in listed if row["run"] == run_id] == ["Failed"]


def test_an_image_that_is_not_there_is_told_by_its_name(fresh: Release) -> None:
    cluster = json.loads(json.dumps(cluster_spec(fresh)).replace(IMAGE, "registry.invalid/backcourt:none"))
    change_template(fresh, rayClusterSpec=cluster, preRunningDeadlineSeconds=60, backoffLimit=0)
    run_id = f"{fresh.name}-imageless"
    done = submit(fresh, run_id)
    said = " ".join(done.stdout.split())
    assert f"{run_id} cannot start: the image registry.invalid/backcourt:none of pod {run_id}-" in said
    assert "Push it, or correct image.repository, image.tag and image.pullSecrets." in said
    assert f"{run_id} failed. Its pods were not ready within backfill.preRunningDeadlineSeconds" in said
    assert done.returncode == 6, said


def test_what_the_operator_refuses_is_told_in_its_words(fresh: Release) -> None:
    change_template(fresh, rayClusterSpec=cluster_spec(fresh) | {"rayVersion": "2.40.0"})
    run_id = f"{fresh.name}-refused"
    done = submit(fresh, run_id)
    assert done.returncode == 2, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert f"KubeRay's operator refuses {run_id}: " in said
    assert "2.52" in said  # the version since which Ray knows tokens
    assert said.endswith("Correct the chart's values.")


def test_the_autoscaler_brings_workers_and_takes_them_away(fresh: Release) -> None:
    job = begin(
        fresh, "workers.autoscaling.enabled=true", "workers.autoscaling.idleTimeoutSeconds=10", "workers.replicas=2"
    )
    seen = until("a worker's pod", lambda: fresh.pods("app.kubernetes.io/component=worker"), 300)
    assert {pod["metadata"]["labels"]["app.kubernetes.io/instance"] for pod in seen} == {fresh.name}
    (head,) = fresh.pods(f"app.kubernetes.io/component=head,app.kubernetes.io/instance={fresh.name}")
    assert "autoscaler" in {container["name"] for container in head["spec"]["containers"]}
    succeeded(fresh, job)
    assert computed(fresh)[1] == {1}
