"""The port over the real clients and a plain bqemulator."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backcourt.pipeline.table import Column, FieldType, Table
from backcourt.warehouse import errors
from backcourt.warehouse.client import BigQueryWarehouse
from backcourt.warehouse.endpoint import Endpoint
from backcourt.warehouse.literals import literal
from backcourt.warehouse.requests import (
    JobPhase,
    JobRequest,
    Kind,
    Parameter,
    ReadRequest,
    TableDefinition,
    TableRef,
)
from tests.integration.warehouse_fixtures import free_port, server, warehouse  # noqa: F401

COLUMNS = (
    Column("day", FieldType.DATE, "The day.", required=True),
    Column("player", FieldType.STRING, "Who.", required=True),
    Column("points", FieldType.INT64, "How many."),
    Column("share", FieldType.FLOAT64, "Of all."),
    Column("home", FieldType.BOOL, "Where."),
    Column("seen_at", FieldType.TIMESTAMP, "When."),
    Column("features", FieldType.FLOAT64, "Numbers.", repeated=True),
    Column("names", FieldType.STRING, "Their names.", repeated=True),
)
TABLE = Table("d", "games", "day", ("day", "player"), COLUMNS, "Games.")
REF = TableRef("d", "games")
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def rows(*days: int) -> pa.Table:
    columns = {
        "day": [date(2024, 1, day) for day in days],
        "player": [f"p{day}" for day in days],
        "points": [None if day == 2 else day for day in days],
        "share": [day / 3 for day in days],
        "home": [day % 2 == 0 for day in days],
        "seen_at": [NOON for _ in days],
        "features": [[float(day), 0.1] for day in days],
        "names": [[] if day == 2 else ["a", "b"] for day in days],
    }
    return pa.table(columns, schema=TABLE.arrow_schema)


def load(job_id: str, data: pa.Table) -> JobRequest:
    return JobRequest(job_id, Kind.LOAD, "r1", "d.games", destination=REF, rows=data, columns=COLUMNS)


def query(job_id: str, sql: str, *parameters: Parameter) -> JobRequest:
    return JobRequest(job_id, Kind.QUERY, "r1", "d.games", sql=sql, parameters=parameters)


@pytest.fixture
def games(warehouse: BigQueryWarehouse) -> BigQueryWarehouse:  # noqa: F811
    warehouse.drop(REF)
    warehouse.create(TableDefinition(REF, COLUMNS, "Games.", "day", ("player",), expires_hours=24))
    return warehouse


def test_what_was_loaded_is_read_back_in_its_types_and_order(games: BigQueryWarehouse) -> None:
    result = games.run(load("load-1", rows(1, 2, 3)))
    assert (result.job_id, result.output_rows, result.adopted) == ("load-1", 3, False)
    back = games.read(ReadRequest(REF, tuple(c.name for c in COLUMNS), "day", date(2024, 1, 2), date(2024, 1, 3)))
    assert back.schema.names == [c.name for c in COLUMNS]
    assert back.schema.types == TABLE.arrow_schema.types
    assert back.sort_by("player").to_pylist() == rows(2, 3).to_pylist()
    reordered = games.read(ReadRequest(REF, ("points", "day"), "day", date(2024, 1, 1), date(2024, 1, 1)))
    assert reordered.to_pylist() == [{"points": 1, "day": date(2024, 1, 1)}]


def test_an_equality_prunes_and_an_empty_result_has_its_types(games: BigQueryWarehouse) -> None:
    games.run(load("load-2", rows(1, 2, 3)))
    window = ReadRequest(REF, ("player", "features"), "day", date(2024, 1, 1), date(2024, 1, 31))
    assert games.read(replace(window, equals=(("player", "p2"),))).to_pylist() == [
        {"player": "p2", "features": [2.0, 0.1]}
    ]
    nothing = games.read(replace(window, equals=(("player", 'it\'s "me"'),)))
    assert nothing.num_rows == 0
    assert nothing.schema.types == [pa.string(), pa.list_(pa.field("element", pa.float64()))]


def test_a_load_larger_than_one_request_goes_up_in_parts(games: BigQueryWarehouse) -> None:
    count = 120_000
    data = pa.table({"day": [date(2024, 1, 1)] * count, "player": [f"{n * 7919:x}-{n}" for n in range(count)]})
    empty = [pa.nulls(count, kind) for kind in TABLE.arrow_schema.types[2:6]]
    lists = [pa.array([[n / 7, n / 11] for n in range(count)]), pa.array([["a"]] * count)]
    wide = pa.Table.from_arrays([*data.columns, *empty, *lists], TABLE.column_names).cast(TABLE.arrow_schema)
    assert games.run(load("load-3", wide)).output_rows == count
    back = games.read(ReadRequest(REF, ("player",), "day", date(2024, 1, 1), date(2024, 1, 1)))
    assert sorted(back["player"].to_pylist()) == sorted(data["player"].to_pylist())


def test_a_query_returns_its_rows_with_scalar_and_array_parameters(games: BigQueryWarehouse) -> None:
    games.run(load("load-4", rows(1, 2, 3)))
    days = Parameter("days", "DATE", (date(2024, 1, 1), date(2024, 1, 3)))
    sql = "SELECT player, points FROM `p.d.games` WHERE day IN UNNEST(@days) AND points > @least ORDER BY player"
    result = games.run(query("query-1", sql, days, Parameter("least", "INT64", 1)))
    assert [dict(row) for row in result.rows] == [{"player": "p3", "points": 3}]
    assert games.job("query-1").phase is JobPhase.DONE


def test_rows_of_a_union_and_of_a_with_come_back(games: BigQueryWarehouse) -> None:
    for number, sql in enumerate(
        ("SELECT 1 AS n UNION ALL SELECT 2 ORDER BY n", "WITH a AS (SELECT 1 AS n) SELECT n FROM a")
    ):
        assert [row["n"] for row in games.run(query(f"rows-{number}", sql)).rows] == [1, 2][: 2 - number]


def test_a_dml_statement_counts_its_rows_and_returns_none(games: BigQueryWarehouse) -> None:
    games.run(load("load-5", rows(1, 2, 3)))
    result = games.run(query("query-2", "DELETE FROM `p.d.games` WHERE day > DATE '2024-01-01'"))
    assert (result.output_rows, result.rows) == (2, ())


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("SELECT nonsense FROM `p.d.games`", errors.InvalidQuery),
        ("SELECT 1 FROM `p.d.no_such_table`", errors.NotFound),
        ("SELEC 1", errors.InvalidQuery),
        ("SELECT ERROR('backcourt:superseded:2024-01-02,2024-01-05')", errors.Superseded),
        ("SELECT ERROR('backcourt:already-committed')", errors.AlreadyCommitted),
    ],
)
def test_a_failed_job_is_raised_by_its_class(games: BigQueryWarehouse, sql: str, kind: type[Exception]) -> None:
    job_id = f"bad-{abs(hash(sql))}"
    with pytest.raises(kind, match=job_id) as caught:
        games.run(query(job_id, sql))
    assert caught.value.job_id == job_id
    state = games.job(job_id)
    assert state.phase is JobPhase.FAILED
    assert type(state.error) is kind
    if kind is errors.Superseded:
        assert caught.value.dates == (date(2024, 1, 2), date(2024, 1, 5))


def test_an_unknown_job_is_missing_and_may_be_cancelled(games: BigQueryWarehouse) -> None:
    games.cancel("never-sent")
    assert games.job("never-sent").phase is JobPhase.MISSING
    assert games.unfinished_jobs("never") == ()


def test_tables_are_described_as_they_were_created(games: BigQueryWarehouse) -> None:
    found = games.describe(REF)
    assert found is not None
    assert found.definition.columns == COLUMNS
    assert (found.definition.partition_by, found.definition.clustering) == ("day", ("player",))
    assert not found.has_streaming_buffer
    games.create(found.definition)
    games.drop(REF)
    games.drop(REF)
    assert games.describe(REF) is None
    with pytest.raises(errors.NotFound):
        games.describe(TableRef("no_such_dataset", "t"))


def test_a_missing_table_cannot_be_read(games: BigQueryWarehouse) -> None:
    with pytest.raises(errors.NotFound):
        games.read(ReadRequest(TableRef("d", "no_such"), ("day",), "day", date(2024, 1, 1), date(2024, 1, 2)))


def test_nobody_listening_is_unreachable() -> None:
    nowhere = BigQueryWarehouse(Endpoint("p", f"http://127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"))
    with pytest.raises(errors.Unreachable, match="network"):
        nowhere.run(query("query-3", "SELECT 1"))
    with pytest.raises(errors.Unreachable):
        nowhere.describe(REF)


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=12)
NASTY = st.lists(
    st.sampled_from(["'", '"', "\\", "\n", "\r", "\t", ";", "--", "/*", "`", "@a", "é", "🏀", " ", "?", "{}"])
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(TEXT | NASTY.map("".join), min_size=40, max_size=80))
def test_strings_survive_a_script(warehouse: BigQueryWarehouse, texts: list[str]) -> None:  # noqa: F811
    values = ", ".join(f"STRUCT({n} AS n, {literal(text)} AS s)" for n, text in enumerate(texts))
    script = "CREATE OR REPLACE TABLE `p.d.texts` (n INT64, s STRING); INSERT INTO `p.d.texts` (n, s) "
    script += f"SELECT v.n, v.s FROM UNNEST([{values}]) AS v; SELECT 1"
    number = abs(hash(tuple(texts)))
    warehouse.run(JobRequest(f"text-{number}", Kind.COMMIT, "r1", "d.texts", sql=script))
    back = warehouse.run(query(f"back-{number}", "SELECT n, s FROM `p.d.texts` ORDER BY n")).rows
    assert [row["s"] for row in back] == texts
