"""What a preflight asks Google beside the port: rights by name, locations, the server's clock. Nothing is changed.

Two interfaces tell which rights the caller has: tables.testIamPermissions of BigQuery, for a table, and
projects.testIamPermissions of the Resource Manager, for the project. Rights given on a dataset alone show in neither
before a table exists there (IAM permissions for BigQuery; Resource Manager reference, read 2026-11).
"""

from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime

import google.auth
import requests
from google.api_core.exceptions import NotFound as HttpNotFound
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession

from backcourt.warehouse.client import rest_client
from backcourt.warehouse.endpoint import Endpoint
from backcourt.warehouse.errors import UnknownError
from backcourt.warehouse.foreign_errors import FOREIGN_ERRORS, About, translated
from backcourt.warehouse.jobs_api import NO_RETRY
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import TableRef

BIGQUERY = "https://bigquery.googleapis.com"
RESOURCE_MANAGER = "https://cloudresourcemanager.googleapis.com"
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)

PROJECT_RIGHTS = (
    "bigquery.jobs.create",
    "bigquery.jobs.list",
    "bigquery.readsessions.create",
    "bigquery.readsessions.getData",
)
"""What a run needs of the project: queries and loads, which of its own have not ended, and the Storage Read API."""
DATASET_RIGHTS = ("bigquery.tables.create",)
"""What it needs of its datasets; shown by the project only where it is given there."""
TABLE_RIGHTS = ("bigquery.tables.get", "bigquery.tables.getData", "bigquery.tables.updateData")
"""What it needs of every table."""


class Inspection:
    """Looks at one project. Every call is bounded by `timeout` seconds and raises only errors of ours."""

    def __init__(
        self, endpoint: Endpoint, names: Names, timeout: float = 15.0, resource_manager: str = RESOURCE_MANAGER
    ) -> None:
        """Connect lazily.

        Raises:
            AccessDenied: no usable credentials.
        """
        self._endpoint, self._names, self._timeout = endpoint, names, timeout
        self._resource_manager = resource_manager
        try:
            self._client = rest_client(endpoint, None)
        except FOREIGN_ERRORS as exc:
            raise translated(exc, About(f"Connecting to project {endpoint.project}")) from exc

    def knock(self) -> None:
        """Ask for one dataset: the service can be reached and takes the credentials.

        Raises:
            WarehouseError: it cannot, or it does not.
        """
        try:
            found = self._client.list_datasets(
                self._names.project, max_results=1, retry=NO_RETRY, timeout=self._timeout
            )
            list(found)
        except FOREIGN_ERRORS as exc:
            raise translated(exc, About(f"Listing datasets of project {self._names.project}")) from exc

    def location(self, dataset: str) -> str | None:
        """Where a logical dataset is, "US" for example; None where it does not exist."""
        name = f"{self._names.project}.{self._names.dataset(dataset)}"
        try:
            found = self._client.get_dataset(name, retry=NO_RETRY, timeout=self._timeout)
            return str(found.location or "")
        except HttpNotFound:
            return None
        except FOREIGN_ERRORS as exc:
            raise translated(exc, About(f"Looking at dataset {name}")) from exc

    def lacking_on_table(self, ref: TableRef, rights: Sequence[str] = TABLE_RIGHTS) -> tuple[str, ...]:
        """Those of the rights that the caller lacks on a table."""
        name = self._names.full(ref)
        try:
            answer = self._client.test_iam_permissions(name, list(rights), retry=NO_RETRY, timeout=self._timeout)
        except FOREIGN_ERRORS as exc:
            raise translated(exc, About(f"Asking for rights on {name}", table=str(ref))) from exc
        granted = answer.get("permissions", ())
        return tuple(right for right in rights if right not in granted)

    def lacking_on_project(self, rights: Sequence[str]) -> tuple[str, ...]:
        """Those of the rights that the caller lacks on the whole project.

        Raises:
            WarehouseError: the Resource Manager does not tell; its interface may be off in the project.
        """
        about = About(f"Asking for rights on project {self._names.project}")
        url = f"{self._resource_manager}/v1/projects/{self._names.project}:testIamPermissions"
        try:
            with self._session() as session:
                answer = session.post(url, json={"permissions": list(rights)}, timeout=self._timeout)
                status, body = answer.status_code, answer.json() if answer.ok else {}
        except FOREIGN_ERRORS as exc:
            raise translated(exc, about) from exc
        if status != 200:
            raise UnknownError(
                f"{about.what}: the Resource Manager answered {status}.",
                "Turn on cloudresourcemanager.googleapis.com, or skip this check.",
            )
        granted = body.get("permissions", ())
        return tuple(right for right in rights if right not in granted)

    def server_time(self) -> datetime:
        """The instant by the server's clock, to the second: the Date header of whatever it answers.

        Raises:
            WarehouseError: there is no answer, or none with a date.
        """
        about = About("Asking for the server's time")
        try:
            answer = requests.get(
                self._endpoint.rest or BIGQUERY, timeout=self._timeout, allow_redirects=False, stream=True
            )
            answer.close()
        except FOREIGN_ERRORS as exc:
            raise translated(exc, about) from exc
        try:
            return parsedate_to_datetime(answer.headers["Date"])
        except (KeyError, ValueError) as exc:
            raise UnknownError(f"{about.what}: the answer has no Date.", "Compare the clocks by hand.") from exc

    def _session(self) -> AuthorizedSession:
        if self._endpoint.is_local:
            return AuthorizedSession(AnonymousCredentials())
        credentials, _ = google.auth.default(scopes=_SCOPES)
        return AuthorizedSession(credentials)
