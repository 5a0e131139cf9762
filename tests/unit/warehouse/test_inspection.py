"""Rights by name, locations and the server's clock, from a server that answers as Google's references say."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from backcourt.warehouse.endpoint import Endpoint
from backcourt.warehouse.errors import AccessDenied, Unreachable, WarehouseError
from backcourt.warehouse.inspection import PROJECT_RIGHTS, TABLE_RIGHTS, Inspection
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import TableRef
from tests.unit.json_server import json_server

GRANTED = {
    "/bigquery/v2/projects/p/datasets/d/tables/t:testIamPermissions": ["bigquery.tables.get"],
    "/v1/projects/p:testIamPermissions": ["bigquery.jobs.create"],
}
DATASETS = {"/bigquery/v2/projects/p/datasets/d": "europe-west4"}
REFUSAL = {"error": {"code": 403, "message": "Access Denied", "errors": [{"reason": "accessDenied"}]}}
NOT_FOUND = {"error": {"code": 404, "message": "Not found: Dataset", "errors": [{"reason": "notFound"}]}}


def google(method: str, address: str, body: dict[str, Any]) -> tuple[int, Any]:
    path = address.partition("?")[0]
    if method == "POST":
        rights = GRANTED.get(path)
        return (
            (403, REFUSAL)
            if rights is None
            else (200, {"permissions": [r for r in body["permissions"] if r in rights]})
        )
    if path in DATASETS:
        return 200, {"datasetReference": {"projectId": "p", "datasetId": "d"}, "location": DATASETS[path]}
    return (403, REFUSAL) if path == "/bigquery/v2/projects/p/datasets" else (404, NOT_FOUND)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with json_server(google, "Fri, 01 Mar 2024 10:00:00 GMT") as served:
        yield served


def inspection(address: str, project: str = "p") -> Inspection:
    return Inspection(Endpoint(project, address), Names(project, {}), timeout=5, resource_manager=address)


def test_the_rights_that_are_missing_are_named(address: str) -> None:
    seen = inspection(address)
    assert seen.lacking_on_project(PROJECT_RIGHTS) == (
        "bigquery.jobs.list",
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
