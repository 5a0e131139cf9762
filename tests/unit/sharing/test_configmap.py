"""The ConfigMap of shares against a server that answers as Kubernetes' API does: versions, 409, 403, 404."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from backcourt.pipeline.shares import Shares
from backcourt.sharing.configmap import ConfigMapShares, open_configmap
from backcourt.sharing.store import SharesUnreachable, SharesUnusable
from tests.unit.cluster.fake_api import kubeconfig, status
from tests.unit.json_server import json_server
from tests.unit.sharing.test_local_file import share

PATH = "/api/v1/namespaces/nightly/configmaps/backcourt-shares"
KEEP = {"helm.sh/resource-policy": "keep"}


@dataclass
class Api:
    """One ConfigMap, as the chart makes it: without data. `broken` answers everything with that code."""

    version: int = 7
    data: dict[str, str] | None = None
    labels: dict[str, str] = field(default_factory=lambda: {"app.kubernetes.io/part-of": "backcourt"})
    annotations: dict[str, str] = field(default_factory=lambda: dict(KEEP))
    broken: int = 0

    @property
    def object(self) -> dict[str, Any]:
        meta = {
            "name": "backcourt-shares",
            "namespace": "nightly",
            "uid": "u1",
            "resourceVersion": str(self.version),
            "labels": self.labels,
            "annotations": self.annotations,
        }
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta} | ({"data": self.data} if self.data else {})

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if self.broken:
            return status(self.broken, "Broken", "backcourt-shares", "it is so")
        path = path.partition("?")[0]
        if path != PATH:
            return status(404, "NotFound", path.rpartition("/")[2], "not found")
        if method == "PUT":
            if body["metadata"]["resourceVersion"] != str(self.version):
                text = "the object has been modified; please apply your changes to the latest version and try again"
                return status(409, "Conflict", "backcourt-shares", text)
            self.version += 1
            self.data = body.get("data")
            self.labels, self.annotations = body["metadata"].get("labels", {}), body["metadata"].get("annotations", {})
        return 200, self.object


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def store(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ConfigMapShares]:
    with json_server(api.answer) as address:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, address)))
        with open_configmap("nightly", "backcourt-shares") as opened:
            yield opened


def test_the_charts_empty_object_holds_no_shares_and_is_changed_in_its_data_alone(
    api: Api, store: ConfigMapShares
) -> None:
    before = api.object["metadata"]
    seen = store.read()
    assert seen.shares == ()
    assert store.compare_and_swap(seen, (share("a", 3),))
    assert store.read().shares == (share("a", 3),)
    assert api.object["metadata"] == before | {"resourceVersion": "8"}


def test_of_two_that_read_the_same_only_the_first_wins(api: Api, store: ConfigMapShares) -> None:
    first, second = store.read(), store.read()
    assert store.compare_and_swap(first, (share("a", 3),))
    assert not store.compare_and_swap(second, (share("b", 3),))
    assert store.read().shares == (share("a", 3),)
    assert api.version == 8


def test_rivals_lose_no_swap(store: ConfigMapShares) -> None:
    def count_up() -> None:
        done = 0
        while done < 25:
            seen = store.read()
            number = seen.shares[0].permits["query"] if seen.shares else 0
            done += store.compare_and_swap(seen, (share("r", number + 1),))

    rivals = [threading.Thread(target=count_up) for _ in range(4)]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join(60)
    assert store.read().shares[0].permits == {"query": 100}


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        (403, SharesUnusable, "may not be read or changed: it is so. Bind the chart's role"),
        (404, SharesUnusable, "There is no ConfigMap nightly/backcourt-shares. Upgrade the release"),
        (500, SharesUnreachable, "could not answer about ConfigMap nightly/backcourt-shares: it is so"),
    ],
)
def test_a_refusal_is_a_sentence(
    api: Api, store: ConfigMapShares, code: int, error: type[Exception], said: str
) -> None:
    seen = store.read()
    api.broken = code
    with pytest.raises(error, match=said):
        store.read()
    with pytest.raises(error, match=said):
        store.compare_and_swap(seen, ())


def test_an_api_that_is_gone_is_a_sentence(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with json_server(api.answer) as address:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, address)))
    with open_configmap("nightly", "backcourt-shares") as store, pytest.raises(SharesUnreachable, match="not answer"):
        store.read()


def test_without_a_cluster_the_setting_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(SharesUnusable, match="or `shares` to `none`"), open_configmap("n", "c"):
        pytest.fail("opened without a cluster")


def test_data_of_others_in_the_object_stays(api: Api, store: ConfigMapShares) -> None:
    api.data = {"note": "mine"}
    shares: Shares = (share("a"),)
    assert store.compare_and_swap(store.read(), shares)
    assert api.data["note"] == "mine"
    assert store.read().shares == shares
