"""These tests run on any cluster that KUBECONFIG names and that has the image; `make test-cluster` says how."""

import os
import uuid
from collections.abc import Iterator

import pytest

from tests.cluster.kubernetes import IMAGE, Release, must, program, run
from tests.cluster.rayjobs import SMALL, latency


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/cluster" in item.nodeid or item.nodeid.startswith("cluster/"):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def namespace() -> Iterator[str]:
    """A namespace of its own that enforces the restricted pod security standard; gone at the end."""
    if not os.environ.get("KUBECONFIG") or not IMAGE:
        pytest.skip("No cluster: set KUBECONFIG and BACKCOURT_TEST_IMAGE (make test-cluster).")
    if not program("kubectl") or not program("helm"):
        pytest.skip("kubectl and helm are needed.")
    name = f"backcourt-{uuid.uuid4().hex[:6]}"
    must("kubectl", "create", "namespace", name)
    must("kubectl", "label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    yield name
    run("kubectl", "delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def release(namespace: str, request: pytest.FixtureRequest) -> Iterator[Release]:
    """The try-out, its league ingested: six dates, so that each module has a warehouse of its own."""
    found = Release(namespace, f"t{uuid.uuid4().hex[:4]}")
    found.helm("tryout.end=2023-10-29", "tryout.latency=0", command="install")
    assert found.job_end(f"{found.name}-backcourt-league") == "Complete"
    yield found
    run("helm", "uninstall", found.name, "--namespace", namespace, "--wait=false")


@pytest.fixture
def fresh(namespace: str) -> Iterator[Release]:
    """The same league in a warehouse of its own, whose jobs take a while."""
    found = Release(namespace, f"r{uuid.uuid4().hex[:4]}")
    found.helm(*SMALL, command="install")
    assert found.job_end(f"{found.name}-backcourt-league") == "Complete"
    latency(found, 0.4)
    yield found
    run("helm", "uninstall", found.name, "--namespace", namespace)


@pytest.fixture(scope="session")
def has_kuberay(namespace: str) -> None:
    """Skips where no KubeRay operator acts on a RayCluster."""
    if run("kubectl", "get", "crd", "rayjobs.ray.io").returncode:
        pytest.skip("KubeRay's definitions are not installed.")
    if not os.environ.get("BACKCOURT_TEST_KUBERAY"):
        pytest.skip("Set BACKCOURT_TEST_KUBERAY=1 where KubeRay's operator runs.")
