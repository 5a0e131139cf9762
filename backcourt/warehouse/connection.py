"""How to reach BigQuery, as a value: it travels to every worker, which makes a warehouse of its own from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from backcourt.clock import Clock
from backcourt.warehouse.client import BigQueryWarehouse
from backcourt.warehouse.endpoint import Endpoint


@dataclass(frozen=True)
class Connection:
    """Where BigQuery is and how its jobs run. `datasets` maps logical datasets to real ones, where they differ."""

    endpoint: Endpoint
    datasets: Mapping[str, str] = field(default_factory=dict)
    location: str | None = None
    priority: str = "INTERACTIVE"
    maximum_bytes_billed: int | None = None

    def open(self, clock: Clock) -> BigQueryWarehouse:
        """A warehouse for this process.

        Raises:
            AccessDenied: no usable credentials.
        """
        return BigQueryWarehouse(
            self.endpoint,
            self.datasets,
            clock=clock,
            location=self.location,
            priority=self.priority,
            maximum_bytes_billed=self.maximum_bytes_billed,
        )
