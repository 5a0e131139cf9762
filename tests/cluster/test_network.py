"""What the network policy lets through and what it does not, where the cluster's network enforces policies at all."""

import json
import re
import uuid

import pytest

from tests.cluster.kubernetes import IMAGE, Release, must, run, until

CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)"


def reaches(release: Release, host: str, port: int, labels: dict[str, str]) -> bool:
    """Whether a pod with these labels can open a connection."""
    name = f"probe-{uuid.uuid4().hex[:6]}"
    secure = release.get("deployment", f"{release.name}-backcourt-bigquery")["spec"]["template"]["spec"]
    (container,) = secure["containers"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "securityContext": secure["securityContext"],
            "containers": [
                {
                    "name": "probe",
                    "image": IMAGE,
                    "imagePullPolicy": "Never",
                    # A rule reaches a new pod a moment after the pod starts.
                    "command": ["sh", "-c", 'sleep 3; exec python -c "$0" "$@"', CONNECT, host, str(port)],
                    "securityContext": container["securityContext"],
                }
            ],
        },
    }
    release.kubectl("create", "-f", "-", stdin=json.dumps(pod))

    def ended() -> str:
        phase = str(release.get("pod", name)["status"]["phase"])
        return phase if phase in ("Succeeded", "Failed") else ""

    try:
        end = until("the probe ends", ended, 60)
        said = release.kubectl("logs", name)
        assert end == "Succeeded" or re.search(r"^(TimeoutError|ConnectionRefusedError|OSError)", said, re.M), said
        return bool(end == "Succeeded")
    finally:
        release.kubectl("delete", "pod", name, "--wait=false")


@pytest.fixture(scope="module")
def enforced(release: Release) -> Release:
    """A release on a network that obeys a policy which has nothing to do with ours."""
    closed = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "closed"},
        "spec": {"podSelector": {"matchLabels": {"closed": "yes"}}, "policyTypes": ["Egress"]},
    }
    release.kubectl("apply", "-f", "-", stdin=json.dumps(closed))
    address = api_address()
    if reaches(release, *address, {"closed": "yes"}):
        pytest.skip("This cluster's network does not enforce NetworkPolicies.")
    assert reaches(release, *address, {})
    return release


def api_address() -> tuple[str, int]:
    """Of Kubernetes' API, by number, so that no DNS takes part."""
    service = json.loads(must("kubectl", "-n", "default", "get", "service", "kubernetes", "-o", "json"))
    return service["spec"]["clusterIP"], service["spec"]["ports"][0]["port"]


def test_pods_of_a_release_reach_each_other_by_name(enforced: Release) -> None:
    assert reaches(enforced, f"{enforced.name}-backcourt-bigquery", 9050, enforced.labels)


@pytest.mark.parametrize(
    "labels",
    [{}, {"app.kubernetes.io/part-of": "backcourt", "app.kubernetes.io/instance": "x"}],
    ids=["stranger", "release"],
)
def test_nobody_else_reaches_them(enforced: Release, labels: dict[str, str]) -> None:
    (pod,) = enforced.pods(f"app.kubernetes.io/component=bigquery,app.kubernetes.io/instance={enforced.name}")
    assert not reaches(enforced, pod["status"]["podIP"], 9050, labels)


def test_they_reach_nothing_else_but_runs_kubernetes_itself(enforced: Release) -> None:
    assert not reaches(enforced, *api_address(), enforced.labels)
    assert reaches(enforced, *api_address(), enforced.labels | {"app.kubernetes.io/component": "daily"})


def test_a_night_completes_behind_the_policy(enforced: Release) -> None:
    enforced.daily("night")
    assert enforced.job_end("night") == "Complete"
    assert run("helm", "test", enforced.name, "--namespace", enforced.namespace).returncode == 0
