"""The head of a table: one row that every commit updates, so that two commits of a table always conflict."""

from collections.abc import Iterable

from backcourt.pipeline.table import Table
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import JobRequest, Kind
from backcourt.warehouse.state import State
from backcourt.warehouse.warehouse import Warehouse


def unseeded(warehouse: Warehouse, state_dataset: str, tables: Iterable[Table]) -> tuple[Table, ...]:
    """The tables whose head exists and, by its metadata, has no row; metadata cost no query.

    The local BigQuery's do not count what INSERT wrote, so there a seeded head is listed again, and seeding does
    nothing.
    """
    state = State(state_dataset)
    found = ((table, warehouse.describe(state.head(table))) for table in tables)
    return tuple(table for table, head in found if head is not None and head.num_rows == 0)


def seed_head(table: Table, names: Names, state_dataset: str, run_id: str, job_id: str) -> JobRequest:
    """The job that gives the head its row if it has none.

    Two rows, by a race of two seeds, are harmless: a commit updates all of them and takes the highest.
    """
    head = names.quoted(State(state_dataset).head(table))
    sql = (
        f"INSERT INTO {head} (generation, commit_id)\n"
        f"SELECT 0, '' FROM UNNEST([1]) AS one WHERE NOT EXISTS (SELECT 1 FROM {head})"
    )
    return JobRequest(job_id, Kind.QUERY, run_id, table.full_name, sql=sql)
