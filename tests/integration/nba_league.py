"""A simulated league in the shared local BigQuery, and the commands that work on it, run in the test's own process."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from backcourt.warehouse.emulator import LocalBigQuery
from tests.integration.google_clients import rest_client, rows
from tests.integration.in_process import Told, command

DATASETS = ("nba_raw", "nba_analytics", "nba_precompute", "nba_predictions", "nba_orchestration")


@dataclass(frozen=True)
class League:
    """The NBA pipeline in datasets of its own, told apart by a suffix; `as_of` is today."""

    server: LocalBigQuery
    folder: Path
    suffix: str
    as_of: date

    def run(self, *words: str, **settings: str) -> Told:
        """`backcourt <words>` under settings of its own; its log lines are among what it says."""
        own = {f"BACKCOURT_{name.upper()}": value for name, value in settings.items()}
        return command(words, {**self._variables, **own})

    def done(self, *words: str) -> Told:
        """A command that must end well."""
        told = self.run(*words)
        assert told.code == 0, f"{' '.join(words)}\n{told.text}"
        return told

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a statement; `{dataset.table}` stands for a table's real name."""
        for dataset in DATASETS:
            statement = statement.replace(f"{{{dataset}.", f"{{{dataset}_{self.suffix}.")
        named = statement.replace("{", f"`{self.server.endpoint.project}.").replace("}", "`")
        return rows(rest_client(self.server.endpoint), named)

    @property
    def _variables(self) -> dict[str, str]:
        endpoint = self.server.endpoint
        return {
            "BACKCOURT_PROJECT": endpoint.project,
            "BACKCOURT_ENDPOINT": endpoint.rest,
            "BACKCOURT_STORAGE_ENDPOINT": endpoint.storage,
            "BACKCOURT_DATASETS": json.dumps({name: f"{name}_{self.suffix}" for name in DATASETS}),
            "BACKCOURT_CREATE_DATASETS": "true",
            "BACKCOURT_RUN_FOLDER": str(self.folder / "runs"),
            "BACKCOURT_POOL": "serial",
            "BACKCOURT_AS_OF": str(self.as_of),
            "BACKCOURT_LOG_FORMAT": "text",
        }
