"""A local BigQuery that keeps no past of its tables, in the emulator's process.

bqemulator 1.4 copies a table at every load and at every statement outside of scripts that changes it, for
`FOR SYSTEM_TIME AS OF`. The tables of runs and outcomes grow with each such change, and so do their copies.
"""

from datetime import datetime
from typing import Never

import bqemulator.server
from bqemulator.domain.errors import OutOfRangeError
from bqemulator.domain.events import TableDataChanged
from bqemulator.versioning.snapshots import SnapshotManager


class _Forgetful(SnapshotManager):
    """Makes snapshots that a user asks for, and none by itself."""

    def record_change(self, project_id: str, dataset_id: str, table_id: str) -> None:
        self._events.publish(TableDataChanged(project_id, dataset_id, table_id))

    def resolve_time_travel(self, project_id: str, dataset_id: str, table_id: str, target: datetime) -> Never:
        table = f"{project_id}.{dataset_id}.{table_id}"
        raise OutOfRangeError(f"This local BigQuery keeps no past: what {table} was at {target} is not known.")


def install() -> None:
    """Let the emulator forget."""
    bqemulator.server.SnapshotManager = _Forgetful  # type: ignore[attr-defined]
