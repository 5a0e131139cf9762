"""What the chart makes: the RayJob, CronJobs, and settings that the program itself can read."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from backcourt.cluster.kubernetes import INSTANCE, TEMPLATE
from backcourt.cluster.rayjob import RayJob
from jobs.settings import BudgetSettings, load_settings
from tests.unit.chart.rendering import (
    CHART,
    EVERYTHING,
    PROJECT,
    ROOT,
    TRYOUT,
    all_pod_specs,
    containers,
    objects,
    one,
    pod_specs,
)


def test_the_rayjob_has_the_fields_that_matter() -> None:
    job = one("RayJob", *EVERYTHING)
    spec, cluster = job["spec"], job["spec"]["rayClusterSpec"]
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "backfills"
    assert spec["submissionMode"] == "K8sJobMode"
    assert spec["shutdownAfterJobFinishes"] is True
    assert (spec["backoffLimit"], spec["activeDeadlineSeconds"], spec["preRunningDeadlineSeconds"]) == (2, 43200, 1800)
    assert cluster["authOptions"] == {"mode": "token", "secretName": "backcourt-ray-token"}
    assert cluster["headGroupSpec"]["rayStartParams"] == {"num-cpus": "0"}
    group = cluster["workerGroupSpecs"][0]
    assert (group["replicas"], group["minReplicas"], group["maxReplicas"]) == (2, 2, 2)
    head = cluster["headGroupSpec"]["template"]["spec"]
    assert head["terminationGracePeriodSeconds"] == 75
    assert head["containers"][0]["lifecycle"]["preStop"]["exec"]["command"] == ["backcourt", "drain"]
    environment = {v["name"]: v["value"] for v in head["containers"][0]["env"]}
    assert environment["RAY_JOB_STOP_WAIT_TIME_S"] == "30"
    assert environment["BACKCOURT_WORKERS"] == "8"  # two pods of four
    assert environment["BACKCOURT_SETTLED_SECONDS"] == "1800"  # as long as a new cluster may take


def test_the_entrypoint_is_the_program_itself_and_names_the_run() -> None:
    job = one(
        "RayJob",
        PROJECT,
        "backfill.enabled=true",
        "backfill.run=season-2023",
        "backfill.start=2023-10-24",
        "backfill.end=2024-06-17",
        "backfill.tables={a.x,y}",
        "backfill.force=true",
    )
    assert job["metadata"]["name"] == "backcourt-season-2023"
    assert job["spec"]["entrypoint"] == (
        "exec backcourt backfill --yes --config /etc/backcourt/settings.yaml --run backcourt-season-2023 "
        "--start 2023-10-24 --end 2024-06-17 --tables a.x,y --force"
    )


def test_the_template_that_submit_uses_is_the_releases_rayjob() -> None:
    kept = one("ConfigMap", PROJECT, "workers.replicas=5", ending="-rayjob")
    assert kept["metadata"]["labels"]["app.kubernetes.io/component"] == TEMPLATE.partition("=")[2]
    assert kept["metadata"]["labels"][INSTANCE] == "backcourt"
    job = RayJob.model_validate(yaml.safe_load(kept["data"]["rayjob.yaml"]))
    named = job.named("season-2023", ["--start", "2023-10-24"]).manifest()
    enabled = ("backfill.enabled=true", "backfill.run=season-2023", "backfill.start=2023-10-24", "workers.replicas=5")
    helms = one("RayJob", PROJECT, *enabled)
    assert named["spec"]["entrypoint"] == helms["spec"].pop("entrypoint").replace("backcourt-season", "season")
    assert named["spec"].pop("metadata") == {"run": "season-2023", "tables": "all"}
    assert {k: v for k, v in named["spec"].items() if k != "entrypoint"} == {
        k: v for k, v in helms["spec"].items() if k != "metadata"
    }


def test_the_ray_of_the_chart_is_the_ray_of_the_lock() -> None:
    locked = (ROOT / "requirements" / "base.txt").read_text()
    version = one("RayJob", PROJECT, "backfill.enabled=true")["spec"]["rayClusterSpec"]["rayVersion"]
    assert f"\nray=={version} " in locked


def test_a_changed_budget_changes_nothing_but_the_settings() -> None:
    def others(query: int) -> list[dict[str, Any]]:
        found = objects(PROJECT, "backfill.enabled=true", "ray.tokenSecret=mine", f"budget.query={query}")
        return [o for o in found if o["kind"] != "ConfigMap"]

    assert others(16) == others(8)
    for where, spec in all_pod_specs().items():
        for container in containers(spec):
            assert not any("subPath" in mount for mount in container["volumeMounts"]), where
            assert not any("BUDGET" in variable["name"] for variable in container.get("env", [])), where


def test_the_labels_by_which_kuberay_finds_its_pods_are_left_alone() -> None:
    job = one("RayJob", PROJECT, "backfill.enabled=true")["spec"]
    head = job["rayClusterSpec"]["headGroupSpec"]["template"]["metadata"]["labels"]
    assert "app.kubernetes.io/name" not in head
    policy = one("NetworkPolicy", PROJECT, "backfill.enabled=true", ending="backcourt")["spec"]["podSelector"][
        "matchLabels"
    ]
    budget = one("PodDisruptionBudget", PROJECT, "backfill.enabled=true")["spec"]["selector"]["matchLabels"]
    assert policy.items() <= head.items()
    assert budget.items() <= head.items()
    assert policy.items() <= job["submitterPodTemplate"]["metadata"]["labels"].items()


def test_the_daily_cronjob() -> None:
    spec = one("CronJob", PROJECT, ending="-daily")["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["timeZone"] == "Etc/UTC"
    assert spec["startingDeadlineSeconds"] == 3600
    job = spec["jobTemplate"]["spec"]
    assert job["ttlSecondsAfterFinished"] == 172800
    assert job["podFailurePolicy"]["rules"] == [
        {"action": "FailJob", "onExitCodes": {"containerName": "backcourt", "operator": "In", "values": [2, 3, 4]}},
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
    ]
    pod = job["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["containers"][0]["args"] == ["daily", "--config=/etc/backcourt/settings.yaml"]


@pytest.mark.parametrize(
    ("name", "args"), [("cleanup", ["cleanup", "--apply"]), ("validate", ["validate", "daily", "yesterday"])]
)
def test_every_night_is_validated_and_cleaned_up_after(name: str, args: list[str]) -> None:
    spec = one("CronJob", PROJECT, ending=f"-{name}")["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["schedule"] > one("CronJob", PROJECT, ending="-daily")["spec"]["schedule"].replace("0 11", "0 1")
    container = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == [*args, "--config=/etc/backcourt/settings.yaml"]


@pytest.mark.parametrize("name", ["daily", "validate", "cleanup"])
def test_the_program_has_the_commands_of_the_cronjobs(name: str) -> None:
    args = one("CronJob", PROJECT, ending=f"-{name}")["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][
        0
    ]["args"]
    done = subprocess.run(
        [sys.executable, "-c", "from jobs.cli import main; main()", *args[:-1], "--config", "/no/such/file"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "/no/such/file" in done.stderr  # every flag before it was understood


def test_a_rayjob_by_the_clock_is_the_same_cluster_with_the_nightly_command() -> None:
    settings = (PROJECT, "backfill.enabled=true", "rayCronJob.enabled=true", "kueue.queueName=q")
    cron = one("RayCronJob", *settings)
    assert len(cron["metadata"]["name"]) <= 36
    assert (cron["spec"]["schedule"], cron["spec"]["timeZone"]) == ("0 11 * * *", "Etc/UTC")
    template, job = cron["spec"]["jobTemplate"], one("RayJob", *settings)["spec"]
    run = f"{cron['metadata']['name']}-$(date -u +%Y%m%d)"
    assert template["entrypoint"] == f"exec backcourt daily --run {run} --config /etc/backcourt/settings.yaml"
    assert template["rayClusterSpec"] == job["rayClusterSpec"]


def test_the_webhook_reaches_the_pods_that_send_alerts_as_a_file() -> None:
    settings = (PROJECT, "backfill.enabled=true", "alerts.webhookSecret=slack", "alerts.webhookKey=address")
    told = yaml.safe_load(one("ConfigMap", *settings, ending="-settings")["data"]["settings.yaml"])
    assert told["alert_webhook_file"] == "/etc/alerts/address"
    for where, spec in pod_specs(objects(*settings)).items():
        sends = "CronJob" in where or "headGroupSpec" in where
        mounts = [m["mountPath"] for c in containers(spec) for m in c.get("volumeMounts", [])]
        assert ("/etc/alerts" in mounts) == sends, where
        assert ({"slack"} <= {v.get("secret", {}).get("secretName") for v in spec["volumes"]}) == sends, where
    without = yaml.safe_load(one("ConfigMap", PROJECT, ending="-settings")["data"]["settings.yaml"])
    assert "alert_webhook_file" not in without


def test_a_second_cronjob_is_a_second_entry(tmp_path: Path) -> None:
    daily = yaml.safe_load((CHART / "values.yaml").read_text())["cronJobs"]["daily"]
    values = tmp_path / "values.yaml"
    values.write_text(
        yaml.safe_dump({"cronJobs": {"refresh": {**daily, "args": ["backfill", "--recompute", "--yes"]}}})
    )
    found = objects(PROJECT, values=("--values", str(values)))
    assert [o["metadata"]["name"] for o in found if o["kind"] == "CronJob"] == [
        f"backcourt-{name}" for name in ("cleanup", "daily", "refresh", "validate")
    ]


@pytest.mark.parametrize("values", [(), TRYOUT], ids=["default", "tryout"])
def test_the_program_reads_its_settings(values: tuple[str, ...], tmp_path: Path) -> None:
    settings = one("ConfigMap", PROJECT, "budget.query=7", values=values, ending="-settings")["data"]["settings.yaml"]
    file = tmp_path / "settings.yaml"
    file.write_text(settings)
    loaded = load_settings({}, file)
    assert loaded.budget.query == 7
    assert str(loaded.budget_file) == "/etc/backcourt/settings.yaml"
    assert loaded.is_embedded is False


def test_the_charts_defaults_are_the_programs(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(one("ConfigMap", PROJECT, ending="-settings")["data"]["settings.yaml"])
    ours, theirs = load_settings({}, None), load_settings({}, file)
    different = {n for n in type(ours).model_fields if getattr(ours, n) != getattr(theirs, n)}
    assert different == {"project", "budget_file", "shares"}
    assert theirs.budget == BudgetSettings()


def test_every_setting_can_be_set(tmp_path: Path) -> None:
    """By a value of its own, by `settings`, or by the pods; `settings` has no name that the program lacks."""
    values = (*EVERYTHING, "bigquery.location=EU", "bigquery.datasets.nba_raw=raw", "bigquery.stateDataset=state")
    more = ("bigquery.maximumBytesBilled=1000", "pipeline.timezone=UTC", "pipeline.source=folder:gs://b/f")
    rest = ("pipeline.models=/opt/models", "settings.refresh_days=5", "settings.implausible=block")
    written = one("ConfigMap", *values, *more, *rest, ending="-settings")["data"]["settings.yaml"]
    file = tmp_path / "settings.yaml"
    file.write_text(written)
    loaded = load_settings({}, file)
    assert (loaded.refresh_days, loaded.implausible, loaded.datasets) == (5, "block", {"nba_raw": "raw"})
    extra = set(json.loads((CHART / "values.schema.json").read_text())["properties"]["settings"]["properties"])
    pods = {"workers", "ray_address", "settled_seconds", "dashboard", "metrics_port"}
    local = {
        "endpoint",
        "storage_endpoint",
        "local_folder",
        "run_folder",
        "pool",
        "log_format",
        "alert_webhook",
        "as_of",
    }
    known = set(type(loaded).model_fields)
    assert extra <= known
    assert known - set(yaml.safe_load(written)) - extra == pods | local


def test_pods_of_every_kind_can_be_placed(tmp_path: Path) -> None:
    place = {"nodeSelector": {"pool": "batch"}, "tolerations": [{"key": "batch", "operator": "Exists"}]}
    names = ("head", "workers", "submitter")
    values = tmp_path / "values.yaml"
    values.write_text(
        yaml.safe_dump(
            {**dict.fromkeys(names, place), "cronJobs": dict.fromkeys(("daily", "validate", "cleanup"), place)}
        )
    )
    found = pod_specs(objects(PROJECT, "backfill.enabled=true", values=("--values", str(values))))
    placed = {w: {k: spec.get(k) for k in place} for w, spec in found.items() if w.startswith(("RayJob", "CronJob"))}
    assert len(placed) == 6
    assert [where for where, got in placed.items() if got != place] == []


@pytest.mark.parametrize("folder", ["gs://bucket/models", "/opt/models"])
def test_the_folder_of_models_is_the_programs_setting(folder: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text(one("ConfigMap", PROJECT, f"pipeline.models={folder}", ending="-settings")["data"]["settings.yaml"])
    assert load_settings({}, file).models == folder


def test_the_tryouts_night_is_a_night() -> None:
    """What is tried out is what runs every night, on a day that the simulated league has."""
    container = one("CronJob", values=TRYOUT, ending="-daily")["spec"]["jobTemplate"]["spec"]["template"]["spec"][
        "containers"
    ][0]
    assert container["args"][:3] == ["daily", "--date", "2023-10-31"]
