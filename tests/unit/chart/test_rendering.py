"""What the chart makes: security, the RayJob's fields, CronJobs, settings that the program itself can read."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from backcourt.cluster.kubernetes import INSTANCE, TEMPLATE
from backcourt.cluster.rayjob import RayJob
from jobs.settings import BudgetSettings, load_settings
from tests.unit.chart.rendering import CHART, PROJECT, ROOT, TRYOUT, objects, one, pod_specs, refusal, text, tool

EVERYTHING = (
    PROJECT,
    "backfill.enabled=true",
    "dashboard.ingress.enabled=true",
    "dashboard.ingress.host=ray.example.com",
    "monitoring.podMonitor.enabled=true",
    "monitoring.rules.enabled=true",
    "monitoring.grafana.enabled=true",
    "kueue.queueName=backfills",
    "rayCronJob.enabled=true",
    "alerts.webhookSecret=slack",
)


def all_pod_specs() -> dict[str, dict[str, Any]]:
    return pod_specs(objects(*EVERYTHING)) | pod_specs(objects("backfill.enabled=true", values=TRYOUT))


def containers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [*spec.get("initContainers", []), *spec["containers"]]


# --- security -----------------------------------------------------------------------------------------------------


def test_every_pod_fits_the_restricted_standard() -> None:
    specs = all_pod_specs()
    # three CronJobs, helm test, local BigQuery, league, and head, worker and submitter, of a RayJob and a RayCronJob
    assert len(specs) == 3 + 3 + 3 + 3
    for where, spec in specs.items():
        pod = spec["securityContext"]
        assert pod["runAsNonRoot"] is True, where
        assert pod["runAsUser"] == 10001, where
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}, where
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec), where
        assert all(set(v) - {"name"} <= {"emptyDir", "configMap", "secret"} for v in spec["volumes"]), where
        for container in containers(spec):
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False, where
            assert security["readOnlyRootFilesystem"] is True, where
            assert security["capabilities"] == {"drop": ["ALL"]}, where


def test_every_container_says_what_it_needs() -> None:
    for where, spec in all_pod_specs().items():
        for container in containers(spec):
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}, where
            assert container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"], where
        sized = [v["emptyDir"] for v in spec["volumes"] if "emptyDir" in v and v["name"] == "tmp"]
        assert sized, where
        assert all("sizeLimit" in directory for directory in sized), where


def with_token(specs: dict[str, dict[str, Any]]) -> set[str]:
    return {where for where, spec in specs.items() if spec["automountServiceAccountToken"]}


def test_only_the_pods_of_runs_are_given_a_token_of_kubernetes() -> None:
    found = with_token(all_pod_specs())
    assert {where for where in found if "headGroupSpec" not in where} == {
        "CronJob/backcourt-daily/jobTemplate/spec/template/spec"
    }
    assert len(found) == 1 + 2  # the heads of a RayJob and a RayCronJob
    assert one("ServiceAccount", PROJECT)["automountServiceAccountToken"] is False


def test_without_shares_no_pod_is_given_a_token_and_nothing_is_granted() -> None:
    alone = objects(*EVERYTHING, "shares.enabled=false")
    assert with_token(pod_specs(alone)) == set()
    assert not [o for o in alone if "Role" in o["kind"] or o["metadata"]["name"].endswith(("-shares", "-kubernetes"))]
    assert (
        yaml.safe_load(one("ConfigMap", PROJECT, "shares.enabled=false", ending="-settings")["data"]["settings.yaml"])[
            "shares"
        ]
        == "none"
    )


def test_only_the_autoscaler_asks_kubernetes_for_pods() -> None:
    job = one("RayJob", PROJECT, "backfill.enabled=true", "workers.autoscaling.enabled=true")["spec"]["rayClusterSpec"]
    assert job["headGroupSpec"]["template"]["spec"]["automountServiceAccountToken"] is True
    assert job["workerGroupSpecs"][0]["template"]["spec"]["automountServiceAccountToken"] is False
    assert job["autoscalerOptions"]["version"] == "v2"
    assert job["autoscalerOptions"]["securityContext"]["readOnlyRootFilesystem"] is True


def test_runs_may_read_and_change_the_shares_and_nothing_else() -> None:
    role, binding = one("Role", *EVERYTHING), one("RoleBinding", *EVERYTHING)
    shares = one("ConfigMap", *EVERYTHING, ending="-shares")["metadata"]["name"]
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [shares], "verbs": ["get", "update"]}
    ]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "backcourt", "namespace": "backcourt"}]
    kinds = {o["kind"] for o in [*objects(*EVERYTHING), *objects("backfill.enabled=true", values=TRYOUT)]}
    assert not {kind for kind in kinds if "ClusterRole" in kind}


def test_the_shares_are_kept_and_never_written_by_the_chart() -> None:
    shares = one("ConfigMap", PROJECT, ending="-shares")
    assert shares["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert "data" not in shares
    settings = yaml.safe_load(one("ConfigMap", PROJECT, ending="-settings")["data"]["settings.yaml"])
    assert settings["shares"] == "configmap:backcourt/backcourt-shares"


def test_a_second_release_may_use_the_shares_of_the_first() -> None:
    second = (PROJECT, "shares.configMap=first-backcourt-shares")
    assert not [o for o in objects(*second) if o["kind"] == "ConfigMap" and o["metadata"]["name"].endswith("-shares")]
    assert one("Role", *second)["rules"][0]["resourceNames"] == ["first-backcourt-shares"]
    settings = yaml.safe_load(one("ConfigMap", *second, ending="-settings")["data"]["settings.yaml"])
    assert settings["shares"] == "configmap:backcourt/first-backcourt-shares"


def test_who_has_no_token_is_not_told_to_ask_for_the_shares() -> None:
    without = 0
    for where, spec in all_pod_specs().items():
        for container in containers(spec):
            command = [*container.get("command", []), *container.get("args", []), "", ""][1]
            if command in ("daily", "backfill", "ingest", "status") and not spec["automountServiceAccountToken"]:
                without += 1
                assert {"name": "BACKCOURT_SHARES", "value": "none"} in container.get("env", []), where
    assert without == 2  # the try-out's ingestion, and `helm test`


def test_no_secret_is_in_an_environment_or_an_argument() -> None:
    for where, spec in all_pod_specs().items():
        for container in containers(spec):
            for variable in container.get("env", []):
                assert "valueFrom" not in variable, where
                assert variable["name"] != "RAY_AUTH_TOKEN" or variable["value"] == "", where
    token = one("Secret", PROJECT)["data"]["auth_token"]
    assert text(PROJECT, values=()).count(token) == 1


def test_the_network_policy_names_both_directions_and_no_open_port() -> None:
    spec = one("NetworkPolicy", PROJECT, ending="backcourt")["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert all(rule.get("from") for rule in spec["ingress"])
    assert all(rule.get("to") for rule in spec["egress"])
    blocks = {to["ipBlock"]["cidr"] for rule in spec["egress"] for to in rule["to"] if "ipBlock" in to}
    assert blocks == {
        "199.36.153.8/30",
        "199.36.153.4/30",
        "169.254.169.254/32",
        "169.254.169.252/32",
        "169.254.20.10/32",
    }


@pytest.mark.parametrize("asking", ["shares.enabled=true", "workers.autoscaling.enabled=true"])
def test_only_runs_and_the_autoscaler_may_reach_kubernetes(asking: str) -> None:
    settings = (PROJECT, "shares.enabled=false", asking, "networkPolicy.apiServerCidrs={10.1.2.3/32}")
    spec = one("NetworkPolicy", *settings, ending="-kubernetes")["spec"]
    runs = ["head", "daily"] if "shares" in asking else ["head"]
    assert spec["podSelector"]["matchExpressions"] == [
        {"key": "app.kubernetes.io/component", "operator": "In", "values": runs}
    ]
    assert spec["policyTypes"] == ["Egress"]
    assert [to["ipBlock"]["cidr"] for rule in spec["egress"] for to in rule["to"]] == ["10.1.2.3/32"]
    neither = objects(PROJECT, "shares.enabled=false")
    assert len([o for o in neither if o["kind"] == "NetworkPolicy"]) == 1


# --- the RayJob ---------------------------------------------------------------------------------------------------


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


# --- CronJobs -----------------------------------------------------------------------------------------------------


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
    assert template["entrypoint"] == "exec backcourt daily --config /etc/backcourt/settings.yaml"
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


# --- settings -----------------------------------------------------------------------------------------------------


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


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ((), "bigquery.project is empty. Set it to your Google Cloud project"),
        ((PROJECT, "budget.query=0"), "/budget/query"),
        ((PROJECT, "budget.query=many"), "/budget/query"),
        ((PROJECT, "budgets.query=4"), "'budgets' not allowed"),
        ((PROJECT, "workers.replica=4"), "'replica' not allowed"),
        ((PROJECT, "workers.cpu=0.5"), "/workers/cpu"),
        ((PROJECT, "workers.memory=16"), "/workers/memory"),
        ((PROJECT, "pipeline.blockBelow=1.5"), "/pipeline/blockBelow"),
        ((PROJECT, "pipeline.models=models"), "/pipeline/models"),  # a folder beside what?
        ((PROJECT, "pipeline.blockBelow=0.99"), "blockBelow is above pipeline.warnBelow"),
        ((PROJECT, "cronJobs.daily.schedule=daily"), "/cronJobs/daily/schedule"),
        ((PROJECT, "cronJobs.Daily_1.enabled=true"), "Daily_1"),
        ((PROJECT, "backfill.start=24.10.2023"), "/backfill/start"),
        ((PROJECT, "backfill.enabled=true", "backfill.run=$(reboot)"), "/backfill/run"),
        ((PROJECT, "backfill.tables={a;b}"), "/backfill/tables/0"),
        ((PROJECT, "backfill.enabled=true", f"backfill.run={'a' * 42}"), "at most 47"),
        ((PROJECT, "dashboard.ingress.enabled=true"), "needs dashboard.ingress.host"),
        ((PROJECT, "workers.autoscaling.minReplicas=3"), "minReplicas is above workers.replicas"),
        (("bigquery.project=My Project",), "/bigquery/project"),
        ((PROJECT, "shares.configMap=a b"), "/shares/configMap"),
    ],
    ids=lambda value: ",".join(value)[:60] if isinstance(value, tuple) else None,
)
def test_a_wrong_value_is_refused_with_a_sentence(settings: tuple[str, ...], said: str) -> None:
    assert said in refusal(*settings)


def test_every_value_is_in_the_schema_and_every_object_closed() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())

    def walk(values: dict[str, Any], at: dict[str, Any], where: str) -> None:
        assert at.get("additionalProperties") is not None, where
        for name, value in values.items():
            inner = at.get("properties", {}).get(name) or at["additionalProperties"]
            assert inner, f"{where}.{name}"
            if isinstance(value, dict) and value:
                walk(value, inner, f"{where}.{name}")

    walk(yaml.safe_load((CHART / "values.yaml").read_text()), schema, "")


def test_every_value_has_a_comment() -> None:
    lines = (CHART / "values.yaml").read_text().splitlines()
    leaves = [
        n
        for n, line in enumerate(lines)
        if line.split("#")[0].strip() and not line.split("#")[0].rstrip().endswith(":")
    ]
    assert len(leaves) > 60
    assert [lines[n] for n in leaves if not lines[n - 1].strip().startswith("#")] == []


# --- other people's tools -----------------------------------------------------------------------------------------


def test_the_readme_of_the_chart_is_made_from_the_values() -> None:
    readme = CHART / "README.md"
    made = subprocess.run(
        [tool("helm-docs"), "--chart-search-root", str(CHART), "--dry-run", "--log-level", "warning"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert made.stdout.strip() == readme.read_text().strip()


def test_helm_lint_finds_nothing_wrong() -> None:
    done = subprocess.run(
        [tool("helm"), "lint", "--strict", str(CHART), "--set", PROJECT],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_dashboard_shows_metrics_that_exist() -> None:
    from ray_tasks.telemetry import RunMetrics, WorkerMetrics

    dashboard = json.loads(
        one("ConfigMap", PROJECT, "monitoring.grafana.enabled=true", ending="-grafana")["data"]["backcourt.json"]
    )
    asked = {w for p in dashboard["panels"] for t in p["targets"] for w in metric_names(t["expr"])}
    metrics = [*vars(RunMetrics("x")).values(), *vars(WorkerMetrics("x")).values()]
    made = {f"ray_{m.info['name']}" for m in metrics if hasattr(m, "info")}
    ours = {name for name in asked if name.startswith("ray_backcourt")}
    assert {name.removesuffix("_total").removesuffix("_bucket") for name in ours} <= made
    assert len(ours) >= 5


def test_prometheus_alerts_of_what_the_webhook_tells() -> None:
    from ray_tasks.telemetry import RunMetrics, StandingMetrics

    rule = one("PrometheusRule", PROJECT, "monitoring.rules.enabled=true")
    rules = {r["alert"]: r["expr"] for r in rule["spec"]["groups"][0]["rules"]}
    told = (
        "PartitionsBlocked",
        "PartitionsForced",
        "PartitionsFailed",
        "BreakerOpen",
        "BudgetHalved",
        "NoRun",
        "OldCode",
    )
    assert {f"Backcourt{name}" for name in told} <= set(rules)
    metrics = [*vars(RunMetrics("x")).values(), *vars(StandingMetrics("x", 0, False)).values()]
    made = {f"ray_{m.info['name']}" for m in metrics if hasattr(m, "info")}
    assert {name for expression in rules.values() for name in metric_names(expression)} <= made
    assert 'cronjob="backcourt-daily"' in rules["BackcourtNoRun"]
    one("CronJob", PROJECT, ending="backcourt-daily")


def test_prometheus_finds_the_nights_metrics() -> None:
    pod = one("CronJob", PROJECT, ending="-daily")["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "metrics", "containerPort": 8080} in pod["ports"]
    assert {"name": "BACKCOURT_METRICS_PORT", "value": "8080"} in pod["env"]
    monitor = one("PodMonitor", PROJECT, "monitoring.podMonitor.enabled=true")["spec"]
    assert "daily" in monitor["selector"]["matchExpressions"][0]["values"]


def test_pods_reach_the_webhook_where_one_is_set_and_only_there() -> None:
    def open_blocks(*settings: str) -> list[str]:
        egress = one("NetworkPolicy", PROJECT, *settings, ending="backcourt")["spec"]["egress"]
        return [to["ipBlock"]["cidr"] for rule in egress for to in rule["to"] if "ipBlock" in to]

    assert "0.0.0.0/0" not in open_blocks()
    assert "0.0.0.0/0" in open_blocks("alerts.webhookSecret=slack")
    assert "203.0.113.0/24" in open_blocks("alerts.webhookSecret=slack", "alerts.cidrs={203.0.113.0/24}")


def test_pods_ask_the_dns_that_is_named() -> None:
    egress = one("NetworkPolicy", PROJECT, "networkPolicy.dnsCidrs={10.1.2.3/32}", ending="backcourt")["spec"]["egress"]
    (dns,) = [rule for rule in egress if {"port": 53, "protocol": "UDP"} in rule.get("ports", [])]
    assert [to["ipBlock"]["cidr"] for to in dns["to"] if "ipBlock" in to] == ["10.1.2.3/32"]
    assert (
        one("NetworkPolicy", PROJECT, ending="backcourt")["spec"]["egress"][1]["to"][1]["ipBlock"]["cidr"]
        == "169.254.20.10/32"
    )


def metric_names(expression: str) -> set[str]:
    return set(re.findall(r"\bray_[a-z_]+", expression))
