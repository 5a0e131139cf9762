"""Renders the chart as `helm template` does; tests that need Helm skip where it is not installed."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
CHART = ROOT / "helm" / "backcourt"
GO_BIN = Path(os.environ.get("GOPATH", Path.home() / "go")) / "bin"
PROJECT = "bigquery.project=my-project"
TRYOUT = ("--values", str(CHART / "values-tryout.yaml"))


def tool(name: str) -> str:
    """The program's path; skips the test where there is none."""
    found = shutil.which(name) or shutil.which(name, path=str(GO_BIN))
    if found is None:
        pytest.skip(f"{name} is not installed: go install it, or put it on the PATH.")
    return found


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tool("helm"), *arguments], capture_output=True, text=True, timeout=120, check=False)


@cache
def text(*settings: str, values: tuple[str, ...] = ()) -> str:
    sets = [part for setting in settings for part in ("--set", setting)]
    done = helm("template", "backcourt", str(CHART), "--namespace", "backcourt", *values, *sets)
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(*settings: str, values: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text(*settings, values=values)) if document]


def one(kind: str, *settings: str, values: tuple[str, ...] = (), ending: str = "") -> dict[str, Any]:
    """The only object of that kind whose name ends so."""
    found = [
        o for o in objects(*settings, values=values) if o["kind"] == kind and o["metadata"]["name"].endswith(ending)
    ]
    assert len(found) == 1, [o["metadata"]["name"] for o in found]
    return found[0]


def refusal(*settings: str) -> str:
    """What Helm says of values that it refuses."""
    sets = [part for setting in settings for part in ("--set", setting)]
    done = helm("template", "backcourt", str(CHART), *sets)
    assert done.returncode != 0
    return done.stderr


def pod_specs(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Every pod template's spec, by the object's kind and name, and its place in a RayJob."""
    specs: dict[str, dict[str, Any]] = {}

    def walk(node: Any, where: str) -> None:
        if isinstance(node, dict):
            if "containers" in node:
                specs[where] = node
            for key, child in node.items():
                walk(child, f"{where}/{key}")
        elif isinstance(node, list):
            for number, child in enumerate(node):
                walk(child, f"{where}/{number}")

    for document in found:
        walk(document.get("spec"), f"{document['kind']}/{document['metadata']['name']}")
    return specs


EVERYTHING = (
    PROJECT,
    "backfill.enabled=true",
    "dashboard.ingress.enabled=true",
    "dashboard.ingress.host=ray.example.com",
    "dashboard.ingress.namespace=ingress-nginx",
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
