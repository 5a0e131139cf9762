"""Values of the chart: wrong ones are refused, each is described, in the schema and in the README."""

import json
import subprocess
from typing import Any

import pytest
import yaml

from tests.unit.chart.rendering import (
    CHART,
    PROJECT,
    refusal,
    tool,
)


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
        (
            (PROJECT, "dashboard.ingress.enabled=true", "dashboard.ingress.host=a.b"),
            "needs dashboard.ingress.namespace",
        ),
        ((PROJECT, "settings.refresh_dayz=5"), "'refresh_dayz' not allowed"),
        ((PROJECT, "settings.heal_days=5"), "'heal_days' not allowed"),  # pipeline.healDays is
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
