"""k8s/: what `kubectl apply -k` applies is what the chart renders, and both fit Kubernetes' own schemas."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.unit.chart.rendering import CHART, ROOT, TRYOUT, text, tool

K8S = ROOT / "k8s"
BY_HAND = {"kustomization.yaml", "namespace.yaml", "values.yaml", "images.yaml"}
RENDERED = sorted(path for path in K8S.rglob("*.yaml") if path.name not in BY_HAND)


def rendered() -> dict[str, list[str]]:
    """The chart with k8s/values.yaml, by the template's file name."""
    whole = text(values=("--values", str(K8S / "values.yaml"), "--skip-tests"))
    found: dict[str, list[str]] = {}
    for part in documents(whole):
        found.setdefault(Path(part.splitlines()[0]).name, []).append(part)
    return found


def documents(whole: str) -> list[str]:
    return [part.strip() for part in f"\n{whole}".split("\n---\n") if part.strip()]


def test_the_manifests_are_the_charts() -> None:
    written = {path.name: documents(path.read_text()) for path in RENDERED}
    assert written == rendered(), "Run make chart."


@pytest.mark.parametrize("folder", [K8S, K8S / "backfill"], ids=["base", "backfill"])
def test_a_kustomization_names_every_manifest_beside_it(folder: Path) -> None:
    resources = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    beside = {path.name for path in folder.glob("*.yaml")} - (BY_HAND - {"namespace.yaml"})
    assert set(resources) == beside
    assert len(resources) == len(beside)


def test_the_namespace_enforces_the_restricted_standard() -> None:
    labels = yaml.safe_load((K8S / "namespace.yaml").read_text())["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_no_secret_is_committed() -> None:
    kinds = [d["kind"] for path in RENDERED for d in yaml.safe_load_all(path.read_text()) if d]
    assert "Secret" not in kinds
    assert kinds.count("RayJob") == 1


@pytest.mark.parametrize(
    "whole", [("default", ()), ("tryout", TRYOUT)], ids=lambda value: value[0] if isinstance(value, tuple) else None
)
def test_every_object_fits_kubernetes_schemas(whole: tuple[str, tuple[str, ...]]) -> None:
    program = tool("kubeconform")
    source = text("bigquery.project=my-project", "backfill.enabled=true", values=whole[1])
    done = subprocess.run(
        [program, "-strict", "-output", "json", "-ignore-missing-schemas", "-kubernetes-version", "1.34.0", "-"],
        input=source,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = json.loads(done.stdout)["resources"] or [] if done.stdout else []
    if any("failed downloading schema" in r.get("msg", "") or "dial tcp" in r.get("msg", "") for r in found):
        pytest.skip("Kubernetes' schemas cannot be downloaded here; tests/cluster asks a real API server.")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_chart_and_the_package_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert f'\nversion = "{chart["appVersion"]}"\n' in (ROOT / "pyproject.toml").read_text()
    assert f"ARG VERSION={chart['appVersion']}\n" in (ROOT / "Dockerfile").read_text()
