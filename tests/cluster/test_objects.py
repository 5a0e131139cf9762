"""Every object passes the API server's own validation, pod security included; what must not pass does not."""

import json
from collections.abc import Iterator

import pytest
import yaml

from tests.cluster.kubernetes import CHART, ROOT, Release, image_settings, must, run
from tests.unit.chart.rendering import EVERYTHING


def rendered(namespace: str, *settings: str, values: tuple[str, ...] = ()) -> str:
    sets = [part for setting in (*image_settings(), *settings) for part in ("--set", setting)]
    return must("helm", "template", "dry", str(CHART), "--namespace", namespace, *values, *sets)


def without(text: str, *kinds: str) -> str:
    return yaml.safe_dump_all([d for d in yaml.safe_load_all(text) if d and d["kind"] not in kinds])


def missing_kinds() -> tuple[str, ...]:
    """Kinds of operators that this cluster does not have."""
    names = must("kubectl", "get", "crd", "-o", "name")
    ray = {"RayJob": "rayjobs.ray.io", "RayCronJob": "raycronjobs.ray.io"}
    wanted = {**ray, "PodMonitor": "podmonitors.monitoring", "PrometheusRule": "prometheusrules."}
    return tuple(kind for kind, name in wanted.items() if name not in names)


@pytest.mark.parametrize(
    "settings",
    [
        ("bigquery.project=my-project", "backfill.enabled=true"),
        ("bigquery.project=my-project", "backfill.enabled=true", "workers.autoscaling.enabled=true"),
        ("tryout.enabled=true", "backfill.enabled=true"),
        # As Kueue has it; no Kueue runs here, so this is all that is seen of it.
        ("bigquery.project=my-project", "backfill.enabled=true", "kueue.queueName=backfills", "backfill.suspend=true"),
        EVERYTHING,
    ],
    ids=["default", "autoscaling", "tryout", "queued", "everything"],
)
def test_the_api_server_takes_every_object(namespace: str, settings: tuple[str, ...]) -> None:
    text = without(rendered(namespace, *settings), "Pod", *missing_kinds())  # a pod needs its service account first
    done = run("kubectl", "apply", "-n", namespace, "--dry-run=server", "--validate=strict", "-f", "-", stdin=text)
    assert done.returncode == 0, done.stderr
    assert "would violate PodSecurity" not in done.stderr
    assert done.stdout.count("(server dry run)") == len(list(yaml.safe_load_all(text)))


@pytest.mark.parametrize("kind", ["CronJob", "RayJob", "Deployment", "Job", "Pod"])
def test_every_pod_template_is_let_in_by_the_restricted_standard(namespace: str, kind: str) -> None:
    """The API server only warns of templates; a pod made from each is what it decides about."""
    text = rendered(namespace, "tryout.enabled=true", "backfill.enabled=true", values=())
    for document in filter(None, yaml.safe_load_all(text)):
        if document["kind"] != kind:
            continue
        for number, spec in enumerate(pod_specs(document)):
            alone = {key: value for key, value in spec.items() if key != "serviceAccountName"}
            pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"dry-{number}"}, "spec": alone}
            must("kubectl", "create", "-n", namespace, "--dry-run=server", "-f", "-", stdin=json.dumps(pod))


def pod_specs(node: object) -> Iterator[dict[str, object]]:
    if isinstance(node, dict):
        if "containers" in node:
            yield node
        for child in node.values():
            yield from pod_specs(child)
    elif isinstance(node, list):
        for child in node:
            yield from pod_specs(child)


def test_a_root_pod_is_refused_here(namespace: str) -> None:
    """The namespace does enforce: otherwise the tests above would prove nothing."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "root"},
        "spec": {"containers": [{"name": "x", "image": "x", "securityContext": {"runAsUser": 0}}]},
    }
    done = run("kubectl", "create", "-n", namespace, "--dry-run=server", "-f", "-", stdin=json.dumps(pod))
    assert "violates PodSecurity" in done.stderr


def test_the_plain_manifests_are_taken(namespace: str) -> None:
    for folder in ("k8s", "k8s/backfill"):
        text = must("kubectl", "kustomize", str(ROOT / folder)).replace(
            "namespace: backcourt\n", f"namespace: {namespace}\n"
        )
        text = without(text, "Namespace", *missing_kinds())
        must("kubectl", "apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=text)


def test_the_service_account_may_change_the_shares_and_nothing_else(release: Release) -> None:
    """Beyond what everybody who is logged in may ask."""
    name, namespace = f"{release.name}-backcourt", release.namespace
    account = f"system:serviceaccount:{namespace}:{name}"
    listed = must("kubectl", "auth", "can-i", "--list", "--as", account, "-n", namespace, "--no-headers")
    rights = {line.split()[0]: line for line in listed.splitlines() if not line.startswith(("[", " "))}
    assert set(rights) - {""} <= {
        "configmaps",
        "selfsubjectreviews.authentication.k8s.io",
        "selfsubjectaccessreviews.authorization.k8s.io",
        "selfsubjectrulesreviews.authorization.k8s.io",
    }
    assert rights["configmaps"].split(maxsplit=1)[1].split() == ["[]", f"[{name}-shares]", "[get", "update]"]
    asked = [("get", "secrets"), ("list", "pods"), ("create", "pods"), ("create", "rayjobs.ray.io")]
    asked += [("get", f"configmap/{name}-settings"), ("list", "configmaps"), ("delete", f"configmap/{name}-shares")]
    for verb, resource in asked:
        assert run("kubectl", "auth", "can-i", verb, resource, "--as", account, "-n", namespace).stdout.strip() == "no"
