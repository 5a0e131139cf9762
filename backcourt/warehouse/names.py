"""Identifiers in SQL: validated and quoted in one place, so that no name ever carries SQL."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from backcourt.errors import UsageError
from backcourt.warehouse.requests import TableRef

_PROJECT = re.compile(r"[A-Za-z0-9_.:-]+")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]+")
_NO_LABEL = re.compile(r"[^a-z0-9_-]")

MAX_LABEL = 63
"""Characters of a label's key or value (Labels, read 2026-11)."""


@dataclass(frozen=True)
class Names:
    """Where logical datasets are: `datasets` maps a logical name to the real one, by default itself."""

    project: str
    datasets: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a project or dataset that cannot be one.

        Raises:
            UsageError: a name holds other characters than BigQuery's.
        """
        _checked(self.project, "project", _PROJECT)
        for real in self.datasets.values():
            _checked(real, "dataset")

    def dataset(self, logical: str) -> str:
        """The real dataset of a logical one."""
        return _checked(self.datasets.get(logical, logical), "dataset")

    def full(self, ref: TableRef) -> str:
        """`project.dataset.table`, as the REST interface and messages write it."""
        return f"{self.project}.{self.dataset(ref.dataset)}.{_checked(ref.name, 'table')}"

    def quoted(self, ref: TableRef) -> str:
        """The table in SQL, in backticks."""
        return f"`{self.full(ref)}`"

    def path(self, ref: TableRef) -> str:
        """The table as the Storage Read API names it."""
        dataset = self.dataset(ref.dataset)
        return f"projects/{self.project}/datasets/{dataset}/tables/{_checked(ref.name, 'table')}"


def column(name: str) -> str:
    """A column in SQL, in backticks.

    Raises:
        UsageError: it holds other characters than [A-Za-z0-9_-].
    """
    return f"`{_checked(name, 'column')}`"


def label(value: str) -> str:
    """A label's value as BigQuery takes it: lower case, anything else a dash, at most 63 characters."""
    return _NO_LABEL.sub("-", value.lower())[:MAX_LABEL]


def job_id(value: str) -> str:
    """A job id as BigQuery takes it.

    Raises:
        UsageError: it is empty, longer than 1,024 characters or holds others than [A-Za-z0-9_-] (jobs reference,
            read 2026-11).
    """
    if len(value) > 1024:
        raise UsageError(f"Job id {value[:80]}… is longer than 1,024 characters.", "Choose a shorter run id.")
    return _checked(value, "job id")


def _checked(value: str, kind: str, allowed: re.Pattern[str] = _IDENTIFIER) -> str:
    if not allowed.fullmatch(value):
        raise UsageError(
            f"{value!r} cannot be the name of a {kind} in BigQuery.",
            "Use letters, digits, '_' and '-'.",
        )
    return value
