"""What the client does when answers are lost, refused or late: the work is done once, the error says its class."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from itertools import count

import pyarrow as pa
import pytest

from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.table import Column, FieldType, Table
from backcourt.warehouse import errors
from backcourt.warehouse.client import BigQueryWarehouse
from backcourt.warehouse.commit import CommitBatch, commit_request
from backcourt.warehouse.definitions import definition_of, ensure, staging_definition, state_tables
from backcourt.warehouse.emulator import LocalBigQuery
from backcourt.warehouse.head import seed_head
from backcourt.warehouse.ledger_reads import newest_commits
from backcourt.warehouse.requests import JobPhase, JobRequest, Kind, ReadRequest, TableDefinition, TableRef
from tests.integration.warehouse_fixtures import server, warehouse  # noqa: F401

COLUMNS = (
    Column("day", FieldType.DATE, "The day.", required=True),
    Column("player", FieldType.STRING, "Who.", required=True),
)
TABLE = Table("d", "games", "day", ("day", "player"), COLUMNS, "Games.")
REF = TableRef("d", "plain")
DAY = date(2024, 1, 1)
NUMBERS = count(1)


@pytest.fixture
def store(warehouse: BigQueryWarehouse, server: LocalBigQuery) -> Iterator[BigQueryWarehouse]:  # noqa: F811
    warehouse.drop(REF)
    warehouse.create(TableDefinition(REF, COLUMNS))
    server.control.reset()
    yield warehouse
    server.control.change(limits=None, latency={}, race=None, faults=[])


def query(sql: str = "SELECT 1 AS one", timeout: float = 60) -> JobRequest:
    return JobRequest(f"q-{next(NUMBERS)}", Kind.QUERY, "r1", "d.plain", sql=sql, timeout=timeout)


def load(*players: str, into: TableRef = REF) -> JobRequest:
    rows = pa.table({"day": [DAY] * len(players), "player": list(players)}, schema=TABLE.arrow_schema)
    return JobRequest(
        f"l-{next(NUMBERS)}", Kind.LOAD, "r1", "d.plain", destination=into, rows=rows, columns=COLUMNS, timeout=60
    )


def players(store: BigQueryWarehouse) -> list[str]:
    return sorted(store.read(ReadRequest(REF, ("player",), "day", DAY, DAY))["player"].to_pylist())


@pytest.mark.parametrize("mode", ["after", "reset_after"])
def test_a_lost_answer_is_found_by_the_job_id(store: BigQueryWarehouse, server: LocalBigQuery, mode: str) -> None:  # noqa: F811
    server.control.change(faults=[{"mode": mode, "method": "insert"}, {"mode": mode, "method": "upload"}])
    inserted = store.run(query("INSERT INTO `p.d.plain` (day, player) VALUES (DATE '2024-01-01', 'inserted')"))
    loaded = store.run(load("a", "b"))
    assert (inserted.adopted, inserted.output_rows) == (True, 1)
    assert (loaded.adopted, loaded.output_rows) == (True, 2)
    assert players(store) == ["a", "b", "inserted"]


@pytest.mark.parametrize("mode", ["before", "reset_before"])
def test_a_request_that_never_arrived_is_sent_again_under_its_id(
    store: BigQueryWarehouse,
    server: LocalBigQuery,  # noqa: F811
    mode: str,
) -> None:
    server.control.change(faults=[{"mode": mode, "method": "insert"}, {"mode": mode, "method": "upload"}])
    request = query("INSERT INTO `p.d.plain` (day, player) VALUES (DATE '2024-01-01', 'inserted')")
    assert store.run(request).job_id == request.job_id
    assert store.job(request.job_id).phase is JobPhase.DONE
    store.run(load("a"))
    assert players(store) == ["a", "inserted"]


def test_a_request_that_never_arrives_is_given_up_and_leaves_no_job(
    store: BigQueryWarehouse,
    server: LocalBigQuery,  # noqa: F811
) -> None:
    server.control.change(faults=[{"mode": "before", "method": "insert", "times": None}])
    request = query()
    with pytest.raises(errors.TransientError):
        store.run(request)
    assert store.job(request.job_id).phase is JobPhase.MISSING


def test_weather_while_polling_is_waited_out(store: BigQueryWarehouse, server: LocalBigQuery) -> None:  # noqa: F811
    faults = [
        {"mode": "before", "method": "get", "times": 2},
        {"mode": "reset_after", "method": "get"},
        {"mode": "error", "reason": "rateLimitExceeded", "method": "get"},
    ]
    server.control.change(faults=faults, latency={"query": 0.3})
    assert [dict(row) for row in store.run(query()).rows] == [{"one": 1}]


def test_rows_of_a_query_that_has_ended_and_is_forgotten_can_be_asked_for_anew(
    store: BigQueryWarehouse,
    server: LocalBigQuery,  # noqa: F811
) -> None:
    """So it is after the local BigQuery was killed and started again."""
    server.control.change(faults=[{"mode": "error", "reason": "notFound", "method": "results", "times": None}])
    with pytest.raises(errors.TransientError):
        store.run(query())


def test_a_job_that_outlasts_the_call_is_unresolved_and_lives_on(
    store: BigQueryWarehouse,
    server: LocalBigQuery,  # noqa: F811
) -> None:
    server.control.change(latency={"query": 3600})
    request = query(timeout=0.5)
    with pytest.raises(errors.JobUnresolved) as caught:
        store.run(request)
    assert caught.value.job_id == request.job_id
    assert store.job(request.job_id).phase is JobPhase.RUNNING
    assert store.unfinished_jobs(request.job_id) == (request.job_id,)
    assert store.unfinished_jobs("another") == ()
    store.cancel(request.job_id)
    state = store.job(request.job_id)
    assert state.phase is JobPhase.FAILED
    assert isinstance(state.error, errors.Stopped)


def test_the_same_request_again_adopts_the_finished_job(store: BigQueryWarehouse) -> None:
    request = load("a", "b")
    assert not store.run(request).adopted
    assert store.run(request).adopted
    assert players(store) == ["a", "b"]


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("rateLimitExceeded", errors.RateLimited),
        ("quotaExceeded", errors.QuotaExceeded),
        ("backendError", errors.TransientError),
    ],
)
def test_a_job_that_ends_badly_says_its_class(
    store: BigQueryWarehouse,
    server: LocalBigQuery,  # noqa: F811
    reason: str,
    kind: type[Exception],
) -> None:
    server.control.change(faults=[{"mode": "job_error", "reason": reason}])
    with pytest.raises(kind):
        store.run(load("a"))
    assert players(store) == []


def test_a_load_whose_table_was_dropped_meanwhile_says_that_it_is_not_there(store: BigQueryWarehouse) -> None:
    with pytest.raises(errors.NotFound):
        store.run(load("a", into=TableRef("d", "dropped")))


@pytest.mark.parametrize(
    ("reason", "kind"), [("rateLimitExceeded", errors.RateLimited), ("quotaExceeded", errors.QuotaExceeded)]
)
def test_a_refused_insert_is_not_repeated(
    store: BigQueryWarehouse,
    server: LocalBigQuery,  # noqa: F811
    reason: str,
    kind: type[Exception],
) -> None:
    server.control.change(faults=[{"mode": "error", "reason": reason, "method": "insert"}])
    request = query()
    with pytest.raises(kind):
        store.run(request)
    assert store.job(request.job_id).phase is JobPhase.MISSING


def test_reads_say_their_class(store: BigQueryWarehouse, server: LocalBigQuery) -> None:  # noqa: F811
    store.run(load("a"))
    server.control.change(faults=[{"mode": "before", "method": "read"}])
    with pytest.raises(errors.TransientError):
        players(store)
    server.control.change(faults=[{"mode": "error", "reason": "rateLimitExceeded", "method": "read"}])
    with pytest.raises(errors.RateLimited):
        players(store)
    assert players(store) == ["a"]


def test_of_two_first_commits_that_race_one_is_aborted_and_then_superseded(
    store: BigQueryWarehouse,
    server: LocalBigQuery,  # noqa: F811
) -> None:
    ensure(store, (definition_of(TABLE), *state_tables("o", (TABLE,))))
    store.run(seed_head(TABLE, store.names, "o", "r1", "seed"))
    requests = [commit_request(_batch(store, name), store.names, "o") for name in ("one", "two")]
    server.control.change(race=5)
    with ThreadPoolExecutor(2) as threads:
        ended = [threads.submit(store.run, request) for request in requests]
        failures = {n: e for n, e in enumerate(f.exception() for f in ended) if e}
    ((loser, failure),) = failures.items()
    assert isinstance(failure, errors.TransactionAborted)
    server.control.change(race=None)
    with pytest.raises(errors.Superseded) as caught:
        store.run(replace(requests[loser], job_id=f"{requests[loser].job_id}-2"))
    assert caught.value.dates == (DAY,)
    winner = ("two", "one")[loser]
    assert newest_commits(store, "o", "d.games", DAY, DAY) == {DAY: winner}
    look = query("SELECT player FROM `p.d.games`")
    assert [row["player"] for row in store.run(look).rows] == [winner]


def _batch(store: BigQueryWarehouse, commit_id: str) -> CommitBatch:
    staging = TableRef("o", f"staging__{commit_id}")
    store.create(staging_definition(TABLE, staging))
    store.run(load(commit_id, into=staging))
    entry = LedgerEntry(TABLE.full_name, DAY, row_count=1, expected_count=1, present_count=1)
    return CommitBatch(commit_id, "r1", "code", TABLE, staging, (entry,), {DAY: ""})
