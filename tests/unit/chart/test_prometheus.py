"""Prometheus itself reads the chart's alerts and its dashboard's questions, and each alert fires when it ought to."""

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.unit.chart.rendering import PROJECT, one, tool

DAILY, NIGHT = "backcourt-daily", "backcourt-daily-29392922"
IN_NAMESPACE = 'namespace="backcourt"'
CASES: list[tuple[str, dict[str, str], str, str, dict[str, str]]] = [
    # alert, series, when it is asked, when it was still silent, what it is about
    ("PartitionsBlocked", {'dates{run="r",outcome="blocked"}': "0 0 3 _x20"}, "20m", "1m", {"run": "r"}),
    ("PartitionsFailed", {'dates{run="r",outcome="failed"}': "0 0 1 _x20"}, "20m", "1m", {"run": "r"}),
    (
        "PermitsOrphaned",
        {'permits{run="r",kind="load",state="orphaned"}': "2x30"},
        "11m",
        "9m",
        {"run": "r", "kind": "load"},
    ),
    ("PartitionsForced", {'dates_forced{run="r"}': "0 0 1 _x20"}, "20m", "1m", {"run": "r"}),
    ("BreakerOpen", {'breakers_open{run="r"}': "0 0 2 2"}, "3m", "1m", {"run": "r"}),
    (
        "BudgetHalved",
        {
            'permits{run="r",kind="read",state="limit"}': "8x30",
            'permits{run="r",kind="read",state="setting"}': "16x30",
            'permits{run="r",kind="query",state="limit"}': "4x30",
            'permits{run="r",kind="query",state="setting"}': "4x30",
            'permits{run="r",kind="query",state="share"}': "1x30",  # a smaller share is no halved budget
        },
        "11m",
        "9m",
        {"run": "r", "kind": "read"},
    ),
    ("OldCode", {'old_code{run="r"}': "0 0 1 1"}, "3m", "1m", {"run": "r"}),
    (
        "NoRun",
        {f'kube_cronjob_status_last_schedule_time{{{IN_NAMESPACE},cronjob="{DAILY}"}}': "0x1600"},
        "26h1m",
        "25h59m",
        {},
    ),
    (
        "JobFailed",
        {f'kube_job_failed{{{IN_NAMESPACE},condition="true",job_name="{NIGHT}"}}': "0 0 1 1"},
        "3m",
        "1m",
        {"job_name": NIGHT},
    ),
]


def rules() -> dict[str, Any]:
    groups = one("PrometheusRule", PROJECT, "monitoring.rules.enabled=true")["spec"]["groups"]
    return {"groups": groups}


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tool("promtool"), *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_each_alert_fires_for_what_it_is_about_and_not_before(tmp_path: Path) -> None:
    known = rules()
    said = {rule["alert"]: rule for group in known["groups"] for rule in group["rules"]}
    assert {f"Backcourt{alert}" for alert, *_ in CASES} == set(said)
    tests = []
    for alert, series, fires_at, silent_at, about in CASES:
        rule = said[f"Backcourt{alert}"]
        whole = {"alertname": rule["alert"], "eval_time": fires_at}
        labels = {**about, **rule["labels"]}
        given = [{"series": n if "kube" in n else f"ray_backcourt_{n}", "values": v} for n, v in series.items()]
        tests.append(
            {
                "interval": "1m",
                "input_series": given,
                "alert_rule_test": [
                    {**whole, "exp_alerts": [{"exp_labels": labels, "exp_annotations": summary(rule, about)}]},
                    {**whole, "eval_time": silent_at, "exp_alerts": []},
                ],
            }
        )
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(known))
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": tests}))
    done = promtool("test", "rules", str(tmp_path / "tests.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr


def summary(rule: dict[str, Any], about: dict[str, str]) -> dict[str, str]:
    """The sentence with the labels and the last value put in; the values are those of CASES."""
    text = rule["annotations"]["summary"]
    for label, value in about.items():
        text = text.replace(f"{{{{ $labels.{label} }}}}", value)
    values = {"PartitionsBlocked": "3", "PartitionsFailed": "1", "PartitionsForced": "1", "BreakerOpen": "2"}
    return {"summary": text.replace("{{ $value }}", values.get(rule["alert"].removeprefix("Backcourt"), ""))}


def test_the_dashboards_questions_are_promql(tmp_path: Path) -> None:
    settings = (PROJECT, "monitoring.grafana.enabled=true")
    dashboard = json.loads(one("ConfigMap", *settings, ending="-grafana")["data"]["backcourt.json"])
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    filled = [text.replace("$__rate_interval", "1m").replace("$run", ".*") for text in asked]
    assert filled
    recorded = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(filled)]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
    done = promtool("check", "rules", str(tmp_path / "rules.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
