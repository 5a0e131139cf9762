"""Of the ledger's rows the one with the highest generation of a partition counts, in whatever order they come."""

from datetime import date, timedelta

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from backcourt.pipeline.ledger import LEDGER_COLUMNS, InputVersion
from backcourt.pipeline.table import FieldType
from backcourt.warehouse.ledger_reads import entries_in

FIRST = date(2024, 1, 1)
TABLES = ("d.games", "d.shots", "other.games")
VALUES = {FieldType.STRING: "", FieldType.INT64: 0, FieldType.FLOAT64: 1.0, FieldType.BOOL: False}


def ledger(rows: list[dict[str, object]]) -> pa.Table:
    whole = [{c.name: VALUES.get(c.type) for c in LEDGER_COLUMNS} | row for row in rows]
    return pa.Table.from_pylist(whole, pa.schema([c.arrow for c in LEDGER_COLUMNS]))


@given(
    st.lists(
        st.tuples(st.sampled_from(TABLES), st.integers(0, 3), st.integers(1, 50)),
        unique_by=lambda row: (row[0], row[2]),  # a table's generations count up
    )
)
def test_the_highest_generation_of_a_partition_counts(rows: list[tuple[str, int, int]]) -> None:
    found = entries_in(
        ledger(
            [
                {"table_name": t, "partition_date": FIRST + timedelta(days=d), "generation": g, "commit_id": f"{t}-{g}"}
                for t, d, g in rows
            ]
        ),
        ("d.games", "d.shots"),
    )
    newest: dict[tuple[str, date], int] = {}
    for table, day, generation in rows:
        if table != "other.games":
            key = (table, FIRST + timedelta(days=day))
            newest[key] = max(generation, newest.get(key, 0))
    assert {key: (e.generation, e.commit_id) for key, e in found.items()} == {
        key: (generation, f"{key[0]}-{generation}") for key, generation in newest.items()
    }


def test_an_entry_is_what_its_row_says() -> None:
    said = {
        "generation": 7,
        "commit_id": "c7",
        "rows_commit": "c3",
        "run_id": "r",
        "code_version": "1.0",
        "processor_version": "4",
        "row_count": 10,
        "expected_count": 9,
        "present_count": 8,
        "forced": True,
        "content_hash": "ff",
    }
    versions = '{"d.raw":{"digest":"ab12","dates":2,"holes":["2023-12-30"]}}'
    row = {"table_name": "d.games", "partition_date": FIRST, "input_versions": versions, "notes": None, **said}
    ((key, entry),) = entries_in(ledger([row]), ["d.games"]).items()
    assert key == (entry.table, entry.day) == ("d.games", FIRST)
    assert {name: getattr(entry, name) for name in said} == said
    assert entry.inputs == {"d.raw": InputVersion("ab12", 2, (date(2023, 12, 30),))}
    assert entry.notes == ""
