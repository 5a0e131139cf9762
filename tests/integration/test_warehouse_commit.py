"""The commit script against a server that runs it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import count

import pyarrow as pa
import pytest

from backcourt.pipeline.ledger import InputVersion, LedgerEntry
from backcourt.pipeline.table import Column, FieldType, Table
from backcourt.warehouse import errors
from backcourt.warehouse.client import BigQueryWarehouse
from backcourt.warehouse.commit import CommitBatch, commit_request
from backcourt.warehouse.definitions import definition_of, ensure, staging_definition, state_tables
from backcourt.warehouse.head import seed_head
from backcourt.warehouse.ledger_reads import Entries, commits_of, entries_in, entries_request
from backcourt.warehouse.requests import JobRequest, Kind, TableRef
from tests.integration.warehouse_fixtures import server, warehouse  # noqa: F401

COLUMNS = (
    Column("day", FieldType.DATE, "The day.", required=True),
    Column("player", FieldType.STRING, "Who.", required=True),
    Column("features", FieldType.FLOAT64, "Numbers.", repeated=True),
    Column("feature_names", FieldType.STRING, "Their names.", repeated=True),
)
GAMES = Table("d", "games", "day", ("day", "player"), COLUMNS, "Games.")
SHOTS = Table("d", "shots", "day", ("day", "player"), COLUMNS, "Shots.")
D1, D2, D3 = (date(2024, 1, day) for day in (1, 2, 3))
NUMBERS = count(1)
INPUTS = {"d.shots": InputVersion("abc", 3, (D1,))}
NOTES = '{"said": "it\'s \\"fine\\"; truly\\n"}'


@pytest.fixture
def store(warehouse: BigQueryWarehouse) -> BigQueryWarehouse:  # noqa: F811
    definitions = (definition_of(GAMES), definition_of(SHOTS), *state_tables("o", (GAMES, SHOTS)))
    for definition in definitions:
        warehouse.drop(definition.ref)
    ensure(warehouse, definitions)
    for table in (GAMES, SHOTS):
        warehouse.run(seed_head(table, warehouse.names, "o", "r1", f"seed-{next(NUMBERS)}"))
    return warehouse


def entry(day: date, rows: int, table: Table = GAMES, **more: object) -> LedgerEntry:
    known = {"expected_count": rows, "present_count": rows, "content_hash": "h", "processor_version": "1"}
    return LedgerEntry(table.full_name, day, row_count=rows, **{**known, **more})  # type: ignore[arg-type]


def stage(store: BigQueryWarehouse, commit_id: str, rows: Mapping[date, int], table: Table = GAMES) -> TableRef:
    ref = TableRef("o", f"staging__{commit_id}".replace("-", "_"))
    store.drop(ref)
    store.create(staging_definition(table, ref))
    names = [(day, f"{commit_id}-{n}") for day, number in rows.items() for n in range(number)]
    data = pa.table(
        {
            "day": [day for day, _ in names],
            "player": [name for _, name in names],
            "features": [[1.5, 0.1] for _ in names],
            "feature_names": [["a"] for _ in names],
        },
        schema=table.arrow_schema,
    )
    load = JobRequest(f"{commit_id}-load-{next(NUMBERS)}", Kind.LOAD, "r1", table.full_name, destination=ref, rows=data)
    store.run(replace(load, columns=table.columns))
    return ref


def commit(
    store: BigQueryWarehouse,
    commit_id: str,
    rows: Mapping[date, int],
    expected: Mapping[date, str],
    table: Table = GAMES,
    staged: Mapping[date, int] | None = None,
) -> CommitBatch:
    staging = stage(store, commit_id, rows if staged is None else staged, table)
    entries = tuple(entry(day, number, table, inputs=INPUTS, notes=NOTES) for day, number in rows.items())
    batch = CommitBatch(commit_id, "r1", "code-1", table, staging, entries, expected)
    send(store, batch)
    return batch


def send(store: BigQueryWarehouse, batch: CommitBatch) -> None:
    store.run(commit_request(batch, store.names, "o").attempt(next(NUMBERS)))


def published(store: BigQueryWarehouse, table: Table = GAMES) -> dict[date, list[str]]:
    sql = f"SELECT day, player FROM `p.d.{table.name}` ORDER BY day, player"
    rows = store.run(JobRequest(f"look-{next(NUMBERS)}", Kind.QUERY, "r1", "t", sql=sql)).rows
    return {day: [r["player"] for r in rows if r["day"] == day] for day in sorted({r["day"] for r in rows})}


def ledger(store: BigQueryWarehouse, table: Table = GAMES) -> dict[date, LedgerEntry]:
    return {day: e for (_, day), e in newest(store, table.full_name).items()}


def newest(store: BigQueryWarehouse, *tables: str, start: date = D1, end: date = D3) -> Entries:
    return entries_in(store.read(entries_request("o", start, end)), tables)


def test_a_first_commit_publishes_rows_and_ledger_together(store: BigQueryWarehouse) -> None:
    commit(store, "c1", {D1: 2, D2: 1}, {D1: "", D2: ""})
    assert published(store) == {D1: ["c1-0", "c1-1"], D2: ["c1-0"]}
    found = ledger(store)
    assert set(found) == {D1, D2}
    assert found[D1] == entry(
        D1,
        2,
        generation=1,
        commit_id="c1",
        rows_commit="c1",
        run_id="r1",
        code_version="code-1",
        inputs=INPUTS,
        notes=NOTES,
    )
    sql = "SELECT computed_at, run_id, code_version, features, feature_names FROM `p.d.games` LIMIT 1"
    (row,) = store.run(JobRequest(f"look-{next(NUMBERS)}", Kind.QUERY, "r1", "t", sql=sql)).rows
    assert (row["run_id"], row["code_version"], row["features"], row["feature_names"]) == (
        "r1",
        "code-1",
        [1.5, 0.1],
        ["a"],
    )
    assert row["computed_at"].year >= 2024


def test_a_later_commit_replaces_exactly_its_dates(store: BigQueryWarehouse) -> None:
    commit(store, "c1", {D1: 2, D2: 1}, {D1: "", D2: ""})
    commit(store, "c2", {D2: 2, D3: 1}, {D2: "c1", D3: ""})
    assert published(store) == {D1: ["c1-0", "c1-1"], D2: ["c2-0", "c2-1"], D3: ["c2-0"]}
    assert {day: (e.commit_id, e.generation) for day, e in ledger(store).items()} == {
        D1: ("c1", 1),
        D2: ("c2", 2),
        D3: ("c2", 2),
    }
    assert commits_of(store, "o", "d.games", D1, D3) == {D1: "c1", D2: "c2", D3: "c2"}
    assert commits_of(store, "o", "d.games", D2, D2) == {D2: "c2"}


def test_a_commit_that_saw_an_older_one_changes_nothing(store: BigQueryWarehouse) -> None:
    commit(store, "c1", {D1: 2, D2: 1, D3: 1}, {D1: "", D2: "", D3: ""})
    with pytest.raises(errors.Superseded) as caught:
        commit(store, "c2", {D1: 1, D2: 1, D3: 1}, {D1: "", D2: "c1", D3: "c0"})
    assert caught.value.dates == (D1, D3)
    assert published(store) == {D1: ["c1-0", "c1-1"], D2: ["c1-0"], D3: ["c1-0"]}
    assert {e.generation for e in ledger(store).values()} == {1}


def test_the_dates_that_are_not_superseded_commit_from_the_same_staging(store: BigQueryWarehouse) -> None:
    commit(store, "c1", {D1: 1}, {D1: ""})
    staging = stage(store, "c2", {D1: 2, D2: 2})
    rest = CommitBatch("c2", "r1", "code-1", GAMES, staging, (entry(D2, 2),), {D2: ""})
    send(store, rest)
    assert published(store) == {D1: ["c1-0"], D2: ["c2-0", "c2-1"]}


def test_the_same_commit_again_is_already_committed(store: BigQueryWarehouse) -> None:
    batch = commit(store, "c1", {D1: 2}, {D1: ""})
    with pytest.raises(errors.AlreadyCommitted):
        send(store, batch)
    commit(store, "c2", {D1: 1}, {D1: "c1"})
    with pytest.raises(errors.AlreadyCommitted):
        send(store, batch)
    assert published(store) == {D1: ["c2-0"]}


@pytest.mark.parametrize("staged", [{D1: 2, D2: 2}, {D1: 2}, {D1: 2, D2: 0}])
def test_staging_that_differs_rolls_everything_back(store: BigQueryWarehouse, staged: dict[date, int]) -> None:
    with pytest.raises(errors.StagingMismatch) as caught:
        commit(store, "c1", {D1: 2, D2: 1}, {D1: "", D2: ""}, staged=staged)
    assert caught.value.dates == (D2,)
    assert published(store) == {}
    assert ledger(store) == {}


def test_a_renewal_writes_only_the_ledger(store: BigQueryWarehouse) -> None:
    commit(store, "c1", {D1: 2}, {D1: ""})
    renewal = entry(D1, 2, rows_commit="c1", inputs={"d.shots": InputVersion("new", 4)})
    send(store, CommitBatch("c2", "r1", "code-2", GAMES, None, (renewal,), {D1: "c1"}))
    assert published(store) == {D1: ["c1-0", "c1-1"]}
    newest = ledger(store)[D1]
    assert (newest.commit_id, newest.rows_commit, newest.inputs["d.shots"].digest) == ("c2", "c1", "new")
    assert commits_of(store, "o", "d.games", D1, D3) == {D1: "c1"}


def test_a_partition_without_rows_replaces_the_older_rows(store: BigQueryWarehouse) -> None:
    commit(store, "c1", {D1: 2, D2: 1, D3: 1}, {D1: "", D2: "", D3: ""})
    commit(store, "c2", {D1: 0, D2: 2}, {D1: "c1", D2: "c1"})
    assert published(store) == {D2: ["c2-0", "c2-1"], D3: ["c1-0"]}
    empty = entry(D3, 0, expected_count=0, present_count=0)
    send(store, CommitBatch("c3", "r1", "code-1", GAMES, None, (empty,), {D3: "c1"}))
    assert published(store) == {D2: ["c2-0", "c2-1"]}
    found = ledger(store)
    assert (found[D3].row_count, found[D3].coverage, found[D3].commit_id) == (0, 1.0, "c3")


def test_two_tables_do_not_see_each_other(store: BigQueryWarehouse) -> None:
    commit(store, "c1", {D1: 1}, {D1: ""})
    commit(store, "s1", {D1: 2}, {D1: ""}, SHOTS)
    assert published(store, SHOTS) == {D1: ["s1-0", "s1-1"]}
    assert ledger(store, SHOTS)[D1].generation == 1
    both = newest(store, "d.games", "d.shots")
    assert {key: e.commit_id for key, e in both.items()} == {("d.games", D1): "c1", ("d.shots", D1): "s1"}


def test_without_a_head_nothing_is_committed(store: BigQueryWarehouse) -> None:
    sql = "DELETE FROM `p.o.head__games` WHERE TRUE"
    store.run(JobRequest(f"behead-{next(NUMBERS)}", Kind.QUERY, "r1", "t", sql=sql))
    with pytest.raises(errors.HeadMissing):
        commit(store, "c1", {D1: 1}, {D1: ""})
    assert ledger(store) == {}


def test_a_head_seeded_twice_counts_on(store: BigQueryWarehouse) -> None:
    store.run(seed_head(GAMES, store.names, "o", "r1", f"seed-{next(NUMBERS)}"))
    sql = "SELECT COUNT(*) AS n FROM `p.o.head__games`"
    assert store.run(JobRequest(f"count-{next(NUMBERS)}", Kind.QUERY, "r1", "t", sql=sql)).rows[0]["n"] == 1
    race = "INSERT INTO `p.o.head__games` (generation, commit_id) VALUES (0, '')"
    store.run(JobRequest(f"race-{next(NUMBERS)}", Kind.QUERY, "r1", "t", sql=race))
    commit(store, "c1", {D1: 1}, {D1: ""})
    commit(store, "c2", {D1: 2}, {D1: "c1"})
    assert ledger(store)[D1].generation == 2


def test_a_ledger_that_is_missing_or_empty_holds_nothing(store: BigQueryWarehouse) -> None:
    assert commits_of(store, "o", "d.games", D1, D3) == {}
    assert ledger(store) == {}
    store.drop(TableRef("o", "ledger"))
    assert commits_of(store, "o", "d.games", D1, D3) == {}


def test_notes_of_any_text_survive(store: BigQueryWarehouse) -> None:
    nasty = [
        "a\n'b' \"c\" \\ ; -- é 🏀 /* `x` @p backcourt:head",
        "\r\t\x01\x7f\u2028",
        '{"json": ["in", {"json": "\\"yes\\""}]}',
        "',)]') AS r; DROP TABLE x; --",
        "\\",
    ]
    days = [date(2024, 2, day + 1) for day in range(len(nasty))]
    entries = tuple(entry(day, 0, notes=text) for day, text in zip(days, nasty, strict=True))
    send(store, CommitBatch("c1", "r1", "code-1", GAMES, None, entries, dict.fromkeys(days, "")))
    found = newest(store, "d.games", start=days[0], end=days[-1])
    assert [found["d.games", day].notes for day in days] == nasty
