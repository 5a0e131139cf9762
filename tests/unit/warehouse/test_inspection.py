"""Rights by name, locations and the server's clock, from a server that answers as Google's references say."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from backcourt.warehouse.endpoint import Endpoint
from backcourt.warehouse.errors import AccessDenied, Unreachable, WarehouseError
from backcourt.warehouse.inspection import PROJECT_RIGHTS, TABLE_RIGHTS, Inspection
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import TableRef

GRANTED = {
    "/bigquery/v2/projects/p/datasets/d/tables/t:testIamPermissions": ["bigquery.tables.get"],
    "/v1/projects/p:testIamPermissions": ["bigquery.jobs.create"],
}
DATASETS = {"/bigquery/v2/projects/p/datasets/d": "europe-west4"}
REFUSAL = {"error": {"code": 403, "message": "Access Denied", "errors": [{"reason": "accessDenied"}]}}
NOT_FOUND = {"error": {"code": 404, "message": "Not found: Dataset", "errors": [{"reason": "notFound"}]}}


class Google(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path in DATASETS:
            reference = {"projectId": "p", "datasetId": "d"}
            self._answer(200, {"datasetReference": reference, "location": DATASETS[path]})
        elif path == "/bigquery/v2/projects/p/datasets":
            self._answer(403, REFUSAL)
        else:
            self._answer(404, NOT_FOUND)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["permissions"]
        path = self.path.partition("?")[0]
        if path not in GRANTED:
            self._answer(403, REFUSAL)
            return
        self._answer(200, {"permissions": [right for right in asked if right in GRANTED[path]]})

    def date_time_string(self, timestamp: Any = None) -> str:  # noqa: ARG002 (the server's signature)
        return "Fri, 01 Mar 2024 10:00:00 GMT"

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Google)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def inspection(address: str, project: str = "p") -> Inspection:
    return Inspection(Endpoint(project, address), Names(project, {}), timeout=5, resource_manager=address)


def test_the_rights_that_are_missing_are_named(address: str) -> None:
    seen = inspection(address)
    assert seen.lacking_on_project(PROJECT_RIGHTS) == (
        "bigquery.readsessions.create",
        "bigquery.readsessions.getData",
    )
    assert seen.lacking_on_table(TableRef("d", "t"), TABLE_RIGHTS) == (
        "bigquery.tables.getData",
        "bigquery.tables.updateData",
    )


def test_a_resource_manager_that_does_not_tell_is_an_error_with_what_to_do(address: str) -> None:
    with pytest.raises(WarehouseError, match="answered 403") as error:
        inspection(address, "q").lacking_on_project(PROJECT_RIGHTS)
    assert "cloudresourcemanager.googleapis.com" in error.value.do


def test_where_a_dataset_is_and_that_one_is_not(address: str) -> None:
    assert inspection(address).location("d") == "europe-west4"
    assert inspection(address).location("e") is None


def test_the_servers_time_is_its_date_header(address: str) -> None:
    assert inspection(address).server_time() == datetime(2024, 3, 1, 10, tzinfo=UTC)


def test_refused_credentials_and_an_absent_service_differ(address: str) -> None:
    with pytest.raises(AccessDenied):
        inspection(address).knock()
    with pytest.raises(Unreachable):
        inspection("http://127.0.0.1:9").server_time()
