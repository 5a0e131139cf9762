"""Declared tables and found ones; creating what is missing through the port, with the fake."""

from dataclasses import replace
from typing import Any

import pytest

from backcourt.errors import PreflightError
from backcourt.pipeline.table import Column, FieldType, Table
from backcourt.warehouse.definitions import (
    OUTCOME_COLUMNS,
    RUN_COLUMNS,
    STATE_VERSION,
    definition_of,
    differences,
    ensure,
    staging_definition,
    state_tables,
)
from backcourt.warehouse.errors import NotFound
from backcourt.warehouse.fake import Call, FakeWarehouse
from backcourt.warehouse.requests import TableDefinition, TableRef, TableState

DAY = Column("day", FieldType.DATE, "The day.", required=True)
WHO = Column("player", FieldType.STRING, "Who.", required=True)
XS = Column("features", FieldType.FLOAT64, "Numbers.", repeated=True)
TABLE = Table("d", "games", "day", ("day", "player"), (DAY, WHO, XS), "Games.")
DECLARED = definition_of(TABLE)


def found(**changes: Any) -> TableState:
    return TableState(replace(DECLARED, **changes))


def without(name: str) -> tuple[Column, ...]:
    return tuple(c for c in DECLARED.columns if c.name != name)


def test_a_table_ends_with_what_the_commit_adds() -> None:
    assert [c.name for c in DECLARED.columns] == [
        "day",
        "player",
        "features",
        "computed_at",
        "run_id",
        "code_version",
    ]
    assert (DECLARED.partition_by, DECLARED.clustering, DECLARED.expires_hours) == ("day", ("player",), None)


def test_staging_holds_computed_columns_and_expires() -> None:
    staging = staging_definition(TABLE, TableRef("o", "staging__1"))
    assert (staging.columns, staging.partition_by, staging.expires_hours) == (TABLE.columns, None, 24)


def test_state_tables_are_described_column_by_column() -> None:
    tables = state_tables("o", (TABLE,))
    assert [str(t.ref) for t in tables] == [
        "o.ledger",
        "o.runs",
        "o.partition_outcomes",
        "o.breaker_events",
        "o.operations",
        "o.holds",
        "o.head__games",
    ]
    assert [(t.partition_by, t.clustering) for t in tables[:2]] == [
        ("partition_date", ("table_name",)),
        ("event_date", ("run_id",)),
    ]
    assert all(t.description and all(c.description for c in t.columns) for t in tables)
    assert len({c.name for c in RUN_COLUMNS}) == len(RUN_COLUMNS)
    assert len({c.name for c in OUTCOME_COLUMNS}) == len(OUTCOME_COLUMNS)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (found(), ()),
        (found(description="another", expires_hours=3), ()),
        (found(columns=tuple(reversed(DECLARED.columns))), ()),
        (found(columns=(*DECLARED.columns, Column("extra", FieldType.INT64, ""))), ()),
        (replace(found(), foreign_columns={"geo": "GEOGRAPHY"}), ()),
        (
            found(columns=(*DECLARED.columns, Column("extra", FieldType.INT64, "", required=True))),
            ("column extra is NOT NULL but not declared, so that no row can be inserted",),
        ),
        (found(columns=without("player")), ("column player (STRING NOT NULL) is missing",)),
        (
            replace(found(columns=without("player")), foreign_columns={"player": "NUMERIC"}),
            ("column player is NUMERIC, declared STRING NOT NULL",),
        ),
        (
            found(columns=(*without("features"), replace(XS, repeated=False))),
            ("column features is FLOAT64, declared ARRAY<FLOAT64>",),
        ),
        (
            found(columns=(*without("player"), replace(WHO, required=False))),
            ("column player is STRING, declared STRING NOT NULL",),
        ),
        (found(partition_by=None), ("it is partitioned by nothing, declared day",)),
        (found(partition_by="day (by month)"), ("it is partitioned by day (by month), declared day",)),
        (found(clustering=()), ("it is clustered by nothing, declared player",)),
    ],
)
def test_each_difference_is_named(state: TableState, words: tuple[str, ...]) -> None:
    assert differences(DECLARED, state) == words


def test_only_what_is_missing_is_created() -> None:
    other = replace(DECLARED, ref=TableRef("d", "other"))
    warehouse = FakeWarehouse(lambda call: found() if call == Call("describe", DECLARED.ref) else None)
    assert ensure(warehouse, (DECLARED, other)) == ("d.other",)
    assert warehouse.arguments("create") == [other]


def test_a_lost_dataset_is_asked_for_once_and_named() -> None:
    def answer(call: Call) -> Any:
        return NotFound("no dataset") if call.method == "describe" else None

    warehouse = FakeWarehouse(answer)
    with pytest.raises(PreflightError, match="dataset d does not exist"):
        ensure(warehouse, (DECLARED, replace(DECLARED, ref=TableRef("d", "other"))))
    assert len(warehouse.arguments("describe")) == 1
    assert warehouse.arguments("create") == []


def test_datasets_are_created_first_and_once() -> None:
    created: list[list[str]] = []
    definitions: tuple[TableDefinition, ...] = (DECLARED, *state_tables("o"))
    ensure(FakeWarehouse(), definitions, create_datasets=lambda names: created.append(list(names)))
    assert created == [["d", "o"]]


def state_of(version: int, *names: str) -> TableState:
    """The ledger as a version made it, without some columns."""
    (ledger,) = [d for d in state_tables("o") if d.ref.name == "ledger"]
    columns = tuple(c for c in ledger.columns if c.name not in names)
    return TableState(replace(ledger, columns=columns, schema_version=version))


def ensured(state: TableState) -> list[tuple[str, tuple[str, ...]]]:
    """What an upgrade of the ledger adds."""
    added: list[tuple[str, tuple[str, ...]]] = []
    (ledger,) = [d for d in state_tables("o") if d.ref.name == "ledger"]
    warehouse = FakeWarehouse(lambda call: state if call.method == "describe" else None)
    ensure(warehouse, (ledger,), upgrade=lambda d, columns: added.append((d.ref.name, tuple(c.name for c in columns))))
    return added


def test_a_state_table_of_an_older_version_gets_the_columns_it_lacks() -> None:
    assert ensured(state_of(0, "notes", "input_versions")) == [("ledger", ("input_versions", "notes"))]
    assert ensured(state_of(0)) == [("ledger", ())]
    assert ensured(state_of(STATE_VERSION)) == []
    assert ensured(state_of(STATE_VERSION + 1)) == []  # a newer image was here: its columns are no difference


def test_a_state_table_that_lacks_more_than_an_upgrade_adds_is_refused() -> None:
    with pytest.raises(PreflightError, match="column content_hash"):
        ensured(state_of(0, "content_hash"))
    (ledger,) = [d for d in state_tables("o") if d.ref.name == "ledger"]
    with pytest.raises(PreflightError, match="of an older version"):
        ensure(FakeWarehouse(lambda call: state_of(0) if call.method == "describe" else None), (ledger,))
