"""Where the engine keeps its own state: names of the tables in the state dataset."""

from dataclasses import dataclass

from backcourt.pipeline.table import Table
from backcourt.warehouse.requests import TableRef


@dataclass(frozen=True)
class State:
    """The tables of one state dataset (a logical name)."""

    dataset: str

    @property
    def ledger(self) -> TableRef:
        """Which partitions are committed."""
        return TableRef(self.dataset, "ledger")

    @property
    def runs(self) -> TableRef:
        """What happened in runs, append-only."""
        return TableRef(self.dataset, "runs")

    @property
    def outcomes(self) -> TableRef:
        """What became of each partition in each run."""
        return TableRef(self.dataset, "partition_outcomes")

    @property
    def breaker_events(self) -> TableRef:
        """What happened to tables, as their circuit breakers see it."""
        return TableRef(self.dataset, "breaker_events")

    @property
    def operations(self) -> TableRef:
        """What operators changed by hand: repairs and cleanups."""
        return TableRef(self.dataset, "operations")

    @property
    def holds(self) -> TableRef:
        """Tables that an operator keeps runs off, and when they were let go again."""
        return TableRef(self.dataset, "holds")

    def backup(self, table: Table, operation_id: str) -> TableRef:
        """The table as it was before an operation changed it."""
        return TableRef(self.dataset, f"backup__{table.name}__{operation_id}".replace("-", "_"))

    def head(self, table: Table) -> TableRef:
        """The one-row table that makes two commits of `table` conflict; table names are unique in a pipeline."""
        return TableRef(self.dataset, f"head__{table.name}")
