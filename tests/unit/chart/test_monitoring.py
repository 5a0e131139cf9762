"""What the chart gives to Prometheus and Grafana names metrics that the program has."""

import json
import re

from tests.unit.chart.rendering import (
    PROJECT,
    one,
)


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
    for name in ("daily", "validate", "cleanup"):
        pattern = re.search(r'job_name=~"([^"]*)"', rules["BackcourtJobFailed"])
        assert pattern
        assert re.fullmatch(pattern[1], f"backcourt-{name}-29392922")
    labelled = (
        PROJECT,
        "monitoring.rules.enabled=true",
        "monitoring.podMonitor.enabled=true",
        "monitoring.labels.release=p",
    )
    assert [one(kind, *labelled)["metadata"]["labels"]["release"] for kind in ("PrometheusRule", "PodMonitor")] == [
        "p"
    ] * 2
    one("CronJob", PROJECT, ending="backcourt-daily")


def test_prometheus_finds_the_nights_metrics() -> None:
    pod = one("CronJob", PROJECT, ending="-daily")["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "metrics", "containerPort": 8080} in pod["ports"]
    assert {"name": "BACKCOURT_METRICS_PORT", "value": "8080"} in pod["env"]
    monitor = one("PodMonitor", PROJECT, "monitoring.podMonitor.enabled=true")["spec"]
    assert "daily" in monitor["selector"]["matchExpressions"][0]["values"]


def metric_names(expression: str) -> set[str]:
    return set(re.findall(r"\bray_[a-z_]+", expression))
