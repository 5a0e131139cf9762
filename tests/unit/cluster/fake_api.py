"""A server with the paths, selectors and error bodies of Kubernetes' API, for what the command asks of it.

Real clusters are in tests/cluster; here objects can be in states that no cluster gets into on request.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import yaml

from tests.unit.json_server import json_server

Object = dict[str, Any]
RAYJOBS = "/apis/ray.io/v1/namespaces/nightly/rayjobs"
CORE = "/api/v1/namespaces/nightly"
SELECTABLE = {"involvedObject.kind", "involvedObject.name", "type"}


@dataclass
class FakeApi:
    """What the cluster holds. `broken` answers everything with that code; `definitions` says whether RayJobs exist."""

    config_maps: list[Object] = field(default_factory=list)
    rayjobs: dict[str, Object] = field(default_factory=dict)
    pods: list[Object] = field(default_factory=list)
    events: list[Object] = field(default_factory=list)
    logs: dict[str, list[str]] = field(default_factory=dict)
    broken: int = 0
    definitions: bool = True
    asked: list[str] = field(default_factory=list)

    def get(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        labels, fields = query.get("labelSelector", ""), query.get("fieldSelector", "")
        kinds = {f"{CORE}/configmaps": self.config_maps, f"{CORE}/pods": self.pods, f"{CORE}/events": self.events}
        if self.definitions:
            kinds[RAYJOBS] = list(self.rayjobs.values())
        if path in kinds:
            return 200, listed(o for o in kinds[path] if matches(o, labels) and chosen(o, fields))
        if path.startswith(f"{RAYJOBS}/") and self.definitions:
            name = path.rpartition("/")[2]
            return (200, self.rayjobs[name]) if name in self.rayjobs else status(404, "NotFound", name)
        return self._log(path.split("/")[-2], query) if path.endswith("/log") else status(404, "NotFound")

    def post(self, path: str, body: Object) -> tuple[int, Any]:
        if path != RAYJOBS or not self.definitions:
            return status(404, "NotFound")
        name = body["metadata"]["name"]
        if name in self.rayjobs:
            return status(409, "AlreadyExists", name, f'rayjobs.ray.io "{name}" already exists')
        made = body["metadata"] | {"namespace": "nightly", "creationTimestamp": "2026-11-21T08:00:00Z", "uid": "u1"}
        self.rayjobs[name] = body | {"metadata": made}
        return 201, self.rayjobs[name]

    def _log(self, pod: str, query: dict[str, str]) -> tuple[int, Any]:
        if pod not in self.logs:
            return status(400, "BadRequest", pod, f'container "submitter" in pod "{pod}" is waiting to start')
        assert query["timestamps"] == "true"
        return 200, "".join(f"{line}\n" for line in self.logs[pod])


@contextmanager
def serving(api: FakeApi, folder: Path) -> Iterator[Path]:
    """Serve it; the kubeconfig that names it."""

    def answer(method: str, address: str, body: Object) -> tuple[int, Any]:
        url = urlparse(address)
        api.asked.append(f"{method} {url.path}")
        query = {name: found[0] for name, found in parse_qs(url.query).items()}
        if api.broken:
            return status(api.broken, "Broken")
        return api.post(url.path, body) if method == "POST" else api.get(url.path, query)

    with json_server(answer) as address:
        yield kubeconfig(folder, address)


def kubeconfig(folder: Path, address: str) -> Path:
    file = folder / "kubeconfig"
    file.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "here",
                "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "nightly"}}],
                "clusters": [{"name": "c", "cluster": {"server": address}}],
                "users": [{"name": "u", "user": {"token": "t"}}],
            }
        )
    )
    return file


def listed(objects: Any) -> Object:
    return {"kind": "List", "apiVersion": "v1", "metadata": {}, "items": list(objects)}


def matches(found: Object, selector: str) -> bool:
    wanted = [part.split("=", 1) for part in selector.split(",") if part]
    labels = found["metadata"].get("labels", {})
    return all(labels.get(name) == value for name, value in wanted)


def chosen(event: Object, selector: str) -> bool:
    wanted = dict(part.split("=", 1) for part in selector.split(",") if part)
    if not wanted:
        return True
    assert set(wanted) <= SELECTABLE
    known = {
        "involvedObject.kind": event["involvedObject"]["kind"],
        "involvedObject.name": event["involvedObject"]["name"],
        "type": event["type"],
    }
    return all(known[name] == value for name, value in wanted.items())


def status(code: int, reason: str, name: str = "", message: str = "") -> tuple[int, Object]:
    """The body that the API server gives with an error; without a name where the whole kind is unknown."""
    details = {"name": name, "group": "ray.io", "kind": "rayjobs"} if name else {}
    text = message or (f'rayjobs.ray.io "{name}" not found' if name else "the server could not find the resource")
    return code, {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": text,
        "reason": reason,
        "details": details,
        "code": code,
    }
