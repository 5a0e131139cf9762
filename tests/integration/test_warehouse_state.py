"""State tables, run events and history against a server."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count

import pytest

from backcourt.errors import PreflightError
from backcourt.pipeline.outcomes import Category, Outcome, Partition, PartitionOutcome
from backcourt.pipeline.table import Column, FieldType, Table
from backcourt.warehouse.client import BigQueryWarehouse
from backcourt.warehouse.definitions import definition_of, differences, ensure, state_tables
from backcourt.warehouse.endpoint import Endpoint
from backcourt.warehouse.head import seed_head, unseeded
from backcourt.warehouse.history import append_outcomes
from backcourt.warehouse.requests import JobRequest, Kind, TableDefinition, TableRef
from backcourt.warehouse.run_events import (
    Event,
    UnfinishedCommit,
    event_request,
    starts_in,
    starts_request,
    unfinished_in,
    unfinished_request,
)
from tests.integration.warehouse_fixtures import LocalBigQuery, server, warehouse  # noqa: F401

TABLE = Table(
    "d",
    "games",
    "day",
    ("day", "player"),
    (
        Column("day", FieldType.DATE, "The day.", required=True),
        Column("player", FieldType.STRING, "Who.", required=True),
        Column("features", FieldType.FLOAT64, "Numbers.", repeated=True),
    ),
    "Games.",
)
NUMBERS = count(1)
LONG_AGO = date(2020, 1, 1)


@pytest.fixture
def store(warehouse: BigQueryWarehouse) -> BigQueryWarehouse:  # noqa: F811
    for definition in (definition_of(TABLE), *state_tables("o", (TABLE,))):
        warehouse.drop(definition.ref)
    return warehouse


def test_what_is_missing_is_created_once_and_found_equal(store: BigQueryWarehouse) -> None:
    definitions = (definition_of(TABLE), *state_tables("o", (TABLE,)))
    state = ("ledger", "runs", "partition_outcomes", "breaker_events", "operations", "holds", "head__games")
    created = ("d.games", *(f"o.{name}" for name in state))
    assert ensure(store, definitions) == created
    assert ensure(store, definitions) == ()
    for definition in definitions:
        found = store.describe(definition.ref)
        assert found is not None
        assert differences(definition, found) == ()


def test_tables_that_differ_are_named_together_and_nothing_is_created(store: BigQueryWarehouse) -> None:
    declared = definition_of(TABLE)
    wrong = (Column("day", FieldType.DATE, ""), Column("player", FieldType.INT64, "", required=True))
    store.create(TableDefinition(declared.ref, wrong))
    lost = TableDefinition(TableRef("nowhere", "t"), wrong)
    with pytest.raises(PreflightError) as caught:
        ensure(store, (declared, lost, *state_tables("o")))
    text = str(caught.value)
    assert "column day is DATE, declared DATE NOT NULL" in text
    assert "column player is INT64 NOT NULL, declared STRING NOT NULL" in text
    assert "column features (ARRAY<FLOAT64>) is missing" in text
    assert "partitioned by nothing, declared day" in text
    assert "dataset nowhere does not exist" in text
    assert store.describe(TableRef("o", "ledger")) is None


def test_datasets_are_created_only_when_told(server: LocalBigQuery) -> None:  # noqa: F811
    endpoint = Endpoint("p", server.endpoint.rest, server.endpoint.storage)
    elsewhere = BigQueryWarehouse(endpoint, {"d": "my_data", "o": "my_state"})
    with pytest.raises(PreflightError, match="dataset d does not exist"):
        ensure(elsewhere, (definition_of(TABLE),))
    assert ensure(elsewhere, (definition_of(TABLE),), create_datasets=elsewhere.ensure_datasets) == ("d.games",)
    real = BigQueryWarehouse(endpoint).describe(TableRef("my_data", "games"))
    assert real is not None
    assert real.definition.columns == TABLE.all_columns


def test_heads_are_seeded_once(store: BigQueryWarehouse) -> None:
    assert unseeded(store, "o", (TABLE,)) == ()
    ensure(store, state_tables("o", (TABLE,)))
    assert unseeded(store, "o", (TABLE,)) == (TABLE,)
    for _ in range(2):
        store.run(seed_head(TABLE, store.names, "o", "r1", f"seed-{next(NUMBERS)}"))
    sql = "SELECT generation, commit_id FROM `p.o.head__games`"
    rows = store.run(JobRequest(f"look-{next(NUMBERS)}", Kind.QUERY, "r", "t", sql=sql)).rows
    assert [dict(row) for row in rows] == [{"generation": 0, "commit_id": ""}]


def test_commits_without_an_end_are_found(store: BigQueryWarehouse) -> None:
    ensure(store, state_tables("o"))
    events = (
        Event("r1", 1, "started"),
        Event("r1", 1, "commit_sent", "d.games", "r1-1-games-1-commit"),
        Event("r1", 1, "commit_sent", "d.games", "r1-1-games-2-commit"),
        Event("r1", 1, "commit_sent", "d.shots", "r1-1-shots-1-commit", details={"dates": ["2024-01-01"]}),
        Event("r1", 2, "started", nonce="a"),
        Event("r1", 2, "resolved", "d.games", "r1-1-games-1-commit"),
        Event("r2", 1, "started"),
        Event("r2", 1, "commit_sent", "d.games", "r2-1-games-1-commit"),
        Event("r2", 1, "ended"),
    )
    for event in (*events, events[1]):
        store.run(event_request(event, store.names, "o"))

    def unfinished(*tables: str) -> tuple[UnfinishedCommit, ...]:
        request = unfinished_request(store.names, "o", tables, LONG_AGO, "r3", f"look-{next(NUMBERS)}")
        return unfinished_in(store.run(request))

    assert unfinished("d.games") == (UnfinishedCommit("r1", 1, "d.games", "r1-1-games-2-commit"),)
    assert {u.job_id for u in unfinished("d.games", "d.shots")} == {"r1-1-games-2-commit", "r1-1-shots-1-commit"}
    starts = starts_request(store.names, "o", "r1", f"look-{next(NUMBERS)}")
    assert starts_in(store.run(starts)) == (1, 2)
    sql = "SELECT COUNT(*) AS n, MAX(details) AS said FROM `p.o.runs`"
    (row,) = store.run(JobRequest(f"look-{next(NUMBERS)}", Kind.QUERY, "r", "runs", sql=sql)).rows
    assert dict(row) == {"n": len(events), "said": '{"dates":["2024-01-01"]}'}


def test_outcomes_are_appended_once(store: BigQueryWarehouse) -> None:
    ensure(store, state_tables("o"))
    done = PartitionOutcome(
        Partition("d.games", date(2024, 1, 1)),
        Outcome.COMMITTED,
        row_count=3,
        expected_count=4,
        present_count=3,
        commit_id="c1",
    )
    blocked = replace(
        done,
        partition=Partition("d.games", date(2024, 1, 2)),
        outcome=Outcome.BLOCKED,
        category=Category.COVERAGE,
        missing=("a", "b"),
        commit_id="",
    )
    now = datetime(2024, 3, 1, 23, 59, tzinfo=UTC)
    request = append_outcomes((done, blocked), "r1", 2, now, "o", "history-1")
    assert store.run(request).output_rows == 2
    assert store.run(request).adopted
    sql = "SELECT * FROM `p.o.partition_outcomes` ORDER BY partition_date"
    first, second = store.run(JobRequest(f"look-{next(NUMBERS)}", Kind.QUERY, "r", "t", sql=sql)).rows
    assert (first["run_date"], first["start_number"], first["outcome"]) == (date(2024, 3, 1), 2, "committed")
    assert (first["coverage"], first["commit_id"], first["missing"]) == (0.75, "c1", None)
    assert (second["category"], second["missing"], second["commit_id"]) == ("data missing", '["a", "b"]', None)
