"""What every command opens first: settings, pipeline, BigQuery, today's date."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from importlib.metadata import entry_points
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from backcourt.clock import Clock, SystemClock
from backcourt.errors import UsageError
from backcourt.pipeline.processor import Pipeline
from backcourt.warehouse.client import BigQueryWarehouse
from backcourt.warehouse.connection import Connection
from backcourt.warehouse.emulator import local_bigquery
from backcourt.warehouse.endpoint import Endpoint
from jobs.settings import LOCAL_PROJECT, Settings


@dataclass(frozen=True)
class Session:
    """An open connection and what belongs to it. `as_of` is today in the pipeline's time zone, or as set."""

    settings: Settings
    pipeline: Pipeline
    connection: Connection
    warehouse: BigQueryWarehouse
    clock: Clock
    state_dataset: str
    as_of: date

    @property
    def creates_datasets(self) -> bool:
        """Whether missing datasets may be created: in a local BigQuery, unless set otherwise."""
        if self.settings.create_datasets is not None:
            return self.settings.create_datasets
        return bool(self.connection.endpoint.rest)


@contextmanager
def open_session(settings: Settings) -> Iterator[Session]:
    """Connect; without a project or an endpoint, to the local BigQuery, started and stopped here.

    Raises:
        UsageError: an unknown pipeline or time zone.
        BackcourtError: BigQuery cannot be reached.
    """
    pipeline = load_pipeline(settings.pipeline)
    if settings.is_embedded:
        with local_bigquery(settings.local_folder, LOCAL_PROJECT) as endpoint:
            yield _session(settings, pipeline, endpoint)
    else:
        project = settings.project or LOCAL_PROJECT
        yield _session(settings, pipeline, Endpoint(project, settings.endpoint, settings.storage_endpoint))


def load_pipeline(name: str) -> Pipeline:
    """The pipeline that an installed package declares under the entry point `backcourt.pipelines`.

    Raises:
        UsageError: there is none of that name, or it is not a Pipeline.
    """
    found = {e.name: e for e in entry_points(group="backcourt.pipelines")}
    if name not in found:
        names = ", ".join(sorted(found)) or "none"
        raise UsageError(f"There is no pipeline {name}.", f"Installed pipelines: {names}.")
    pipeline = found[name].load()
    if not isinstance(pipeline, Pipeline):
        raise UsageError(f"Entry point {name} is no Pipeline.", "Point it at a backcourt.pipeline.processor.Pipeline.")
    return pipeline


def find_tables(pipeline: Pipeline, names: list[str]) -> tuple[str, ...]:
    """Full names of tables given as `table` or `dataset.table`.

    Raises:
        UsageError: an unknown table; the nearest name is offered.
    """
    full = {p.table.name: p.name for p in pipeline.processors} | {p.name: p.name for p in pipeline.processors}
    unknown = [n for n in names if n not in full]
    if unknown:
        near = get_close_matches(unknown[0], full, n=1, cutoff=0.0)
        raise UsageError(f"There is no table {unknown[0]}.", f"Did you mean {near[0]}? `backcourt tables` lists all.")
    return tuple(dict.fromkeys(full[n] for n in names))


def _session(settings: Settings, pipeline: Pipeline, endpoint: Endpoint) -> Session:
    clock = SystemClock()
    connection = Connection(
        endpoint,
        settings.datasets,
        settings.location,
        settings.priority,
        settings.maximum_bytes_billed,
    )
    state = settings.state_dataset or f"{pipeline.name}_orchestration"
    return Session(
        settings, pipeline, connection, connection.open(clock), clock, state, _today(settings, pipeline, clock)
    )


def _today(settings: Settings, pipeline: Pipeline, clock: Clock) -> date:
    name = settings.timezone or pipeline.timezone
    try:
        return settings.as_of or clock.now().astimezone(ZoneInfo(name)).date()
    except (ZoneInfoNotFoundError, ValueError):
        raise UsageError(f"There is no time zone {name}.", "Use an IANA name such as America/New_York.") from None
