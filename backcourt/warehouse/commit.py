"""The commit: one script that publishes partitions and their ledger rows in one transaction. Pure text, no I/O.

Two commits of one table must not both pass their checks. An INSERT, and a MERGE that only inserts, conflict with nobody
in BigQuery, so two first backfills of one partition would each see an empty ledger and double every row. The UPDATE of
the table's one-row head makes any two commits of a table conflict: one is aborted, runs again with a new snapshot, and
only then do its checks decide. The checks are statements of their own because the order in which parts of one statement
are evaluated is not promised: "already committed" must win over "superseded", for it is a success.

Dates stand in the text as constants, the only form by which BigQuery prunes partitions in a MERGE (Using DML with
partitioned tables, read 2026-11). A partition without rows replaces its older rows too: it is in the dates to delete
and in no row to insert.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from backcourt.errors import UsageError
from backcourt.pipeline.ledger import LEDGER_COLUMNS, LedgerEntry, inputs_to_json
from backcourt.pipeline.table import COMMIT_COLUMNS, Table
from backcourt.warehouse.literals import literal
from backcourt.warehouse.names import Names, column
from backcourt.warehouse.requests import JobRequest, Kind, TableRef
from backcourt.warehouse.state import State

Value = date | bool | int | str | None
"""What a ledger row is made of; coverage is computed in SQL, since floats have no literal."""
MOST_BYTES = 500_000
"""A script is cut before its text passes this; BigQuery takes 1 MB before parameters are resolved (Quotas, 2026-11)."""
COMMIT_SECONDS = 1800.0
"""A commit may queue behind other statements on the table before it runs."""


@dataclass(frozen=True)
class CommitBatch:
    """The partitions of one table that one transaction publishes.

    `entries` are the ledger rows to write. An entry whose `rows_commit` names another commit has the rows that are
    already published: only its ledger row is renewed. `staging` holds the rows of the others (and perhaps of dates that
    are no longer in the batch); None when no partition has any. `expected` says, for each date, the commit id of the
    newest ledger row that the plan saw, "" for none.
    """

    commit_id: str
    run_id: str
    code_version: str
    table: Table
    staging: TableRef | None
    entries: tuple[LedgerEntry, ...]
    expected: Mapping[date, str]

    def __post_init__(self) -> None:
        """Refuse a batch whose script could not do what it promises.

        Raises:
            UsageError: no entry, a date twice, an entry of another table, a date without expectation, or rows to
                publish without staging.
        """
        wrong = _contradiction(self)
        if wrong:
            raise UsageError(f"Commit {self.commit_id} of {self.table.full_name} {wrong}.", "Report this as a bug.")

    @property
    def dates(self) -> tuple[date, ...]:
        """Every date of the batch, ascending."""
        return tuple(sorted(entry.day for entry in self.entries))

    @property
    def published(self) -> tuple[LedgerEntry, ...]:
        """Entries whose rows are replaced; the others only renew their ledger row."""
        return tuple(e for e in self.entries if e.rows_commit in ("", self.commit_id))

    @property
    def staged(self) -> tuple[LedgerEntry, ...]:
        """Entries that have rows in staging."""
        return tuple(e for e in self.published if e.row_count)


def commit_request(
    batch: CommitBatch,
    names: Names,
    state_dataset: str,
    timeout: float = COMMIT_SECONDS,
    changes: Sequence[str] | None = None,
) -> JobRequest:
    """The job that publishes the batch, `<commit id>-commit`; attempts number it. For `changes` see `commit_script`."""
    return JobRequest(
        job_id=f"{batch.commit_id}-commit",
        kind=Kind.COMMIT,
        run_id=batch.run_id,
        table=batch.table.full_name,
        sql=commit_script(batch, names, state_dataset, changes),
        dates=batch.dates,
        timeout=timeout,
    )


def commit_script(batch: CommitBatch, names: Names, state_dataset: str, changes: Sequence[str] | None = None) -> str:
    """The script's text.

    `changes`, where given, are the statements that change the target in place of the replacement from staging: a
    repair is a commit like any other, with a head, a check and ledger rows. It may change a table that is held: the
    hold is there for it.

    It ends with `backcourt:head`, `backcourt:already-committed`, `backcourt:held`, `backcourt:superseded:<dates>` or
    `backcourt:staging:<dates>` in its error when a check fails, and then leaves no trace.
    """
    state = State(state_dataset)
    ledger, head = names.quoted(state.ledger), names.quoted(state.head(batch.table))
    statements = [
        "BEGIN TRANSACTION",
        f"UPDATE {head} SET generation = generation + 1, commit_id = {literal(batch.commit_id)} WHERE TRUE",
        f"SELECT IF((SELECT COUNT(*) FROM {head}) = 0, ERROR('backcourt:head'), NULL)",
        _already_committed(batch, ledger),
        *([_held(batch, names.quoted(state.holds))] if changes is None else []),
        _superseded(batch, ledger),
        *(replacement(batch, names) if changes is None else changes),
        _ledger_rows(batch, ledger, head),
        "COMMIT TRANSACTION",
    ]
    return ";\n".join(statements) + ";\n"


def fits(batch: CommitBatch, names: Names, state_dataset: str, limit: int = MOST_BYTES) -> bool:
    """Whether the script is at most `limit` bytes of UTF-8."""
    return len(commit_script(batch, names, state_dataset).encode()) <= limit


def _contradiction(batch: CommitBatch) -> str:
    days = [entry.day for entry in batch.entries]
    if not days:
        return "has no partition"
    if len(set(days)) < len(days):
        return "names a date twice"
    if any(entry.table != batch.table.full_name for entry in batch.entries):
        return "holds entries of another table"
    if unseen := sorted(set(days) - set(batch.expected)):
        return f"does not say what the plan saw of {unseen[0]}"
    if batch.staged and batch.staging is None:
        return "has rows to publish and no staging table"
    return ""


def _already_committed(batch: CommitBatch, ledger: str) -> str:
    return (
        f"SELECT IF((SELECT COUNT(*) FROM {ledger} WHERE table_name = {literal(batch.table.full_name)}"
        f" AND partition_date IN ({_dates(batch.dates)}) AND commit_id = {literal(batch.commit_id)}) > 0,"
        " ERROR('backcourt:already-committed'), NULL)"
    )


def _held(batch: CommitBatch, holds: str) -> str:
    """A statement that fails while an operator keeps runs off the table.

    A hold is set by a transaction that updates the table's head too, so that no commit's snapshot misses it.
    """
    return (
        "SELECT IF((\n"
        "  SELECT COUNT(*) FROM (\n"
        f"    SELECT event, held_until FROM {holds} WHERE table_name = {literal(batch.table.full_name)}\n"
        "    QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name ORDER BY `at` DESC) = 1\n"
        "  ) WHERE event = 'held' AND held_until > CURRENT_TIMESTAMP()\n"
        ") > 0, ERROR('backcourt:held'), NULL)"
    )


def _superseded(batch: CommitBatch, ledger: str) -> str:
    seen = _rows({"d": "DATE", "seen": "STRING"}, ((day, batch.expected[day]) for day in batch.dates))
    return (
        f"SELECT {_error_with_dates('superseded', 'newest <> seen')}\n"
        "FROM (\n"
        "  SELECT e.d AS d, e.seen AS seen, IFNULL(l.commit_id, '') AS newest\n"
        f"  FROM {seen} AS e\n"
        "  LEFT JOIN (\n"
        f"    SELECT partition_date, commit_id FROM {ledger}\n"
        f"    WHERE table_name = {literal(batch.table.full_name)} AND partition_date IN ({_dates(batch.dates)})\n"
        "    QUALIFY ROW_NUMBER() OVER (PARTITION BY partition_date ORDER BY generation DESC) = 1\n"
        "  ) AS l ON l.partition_date = e.d\n"
        ")"
    )


def replacement(batch: CommitBatch, names: Names) -> Iterable[str]:
    """The statements that put staging's rows in the place of the published partitions' old ones."""
    target = names.quoted(TableRef(batch.table.dataset, batch.table.name))
    by = column(batch.table.partition_by)
    replaced = _dates(sorted(entry.day for entry in batch.published))
    if batch.staging is None or not batch.staged:
        if batch.published:
            yield f"DELETE FROM {target} WHERE {by} IN ({replaced})"
        return
    staging = names.quoted(batch.staging)
    sent = {entry.day: entry.row_count for entry in batch.published}
    yield count_check(staging, batch.table.partition_by, sent, "staging")
    computed = [column(name) for name in batch.table.column_names]
    inserted = ", ".join([*computed, *(column(c.name) for c in COMMIT_COLUMNS)])
    stamps = f"CURRENT_TIMESTAMP(), {literal(batch.run_id)}, {literal(batch.code_version)}"
    yield (
        f"MERGE {target} AS t\n"
        f"USING (SELECT * FROM {staging} WHERE {by} IN ({replaced})) AS s ON FALSE\n"
        f"WHEN NOT MATCHED BY TARGET THEN INSERT ({inserted})\n"
        f"  VALUES ({', '.join(f's.{name}' for name in computed)}, {stamps})\n"
        f"WHEN NOT MATCHED BY SOURCE AND t.{by} IN ({replaced}) THEN DELETE"
    )


def count_check(source: str, partition_by: str, counts: Mapping[date, int], marker: str) -> str:
    """A statement that fails with `backcourt:<marker>:<dates>` where a table holds other numbers of rows a date.

    Args:
        source: the table, quoted.
        partition_by: its partition column.
        counts: rows that each date should have.
        marker: what the error is called.
    """
    by, days = column(partition_by), _dates(sorted(counts))
    wanted = _rows({"d": "DATE", "wanted": "INT64"}, sorted(counts.items()))
    return (
        f"SELECT {_error_with_dates(marker, 'found <> wanted')}\n"
        "FROM (\n"
        "  SELECT e.d AS d, e.wanted AS wanted, IFNULL(s.n, 0) AS found\n"
        f"  FROM {wanted} AS e\n"
        f"  LEFT JOIN (SELECT {by} AS d, COUNT(*) AS n FROM {source} WHERE {by} IN ({days}) GROUP BY {by}) AS s\n"
        "  ON s.d = e.d\n"
        ")"
    )


def _ledger_rows(batch: CommitBatch, ledger: str, head: str) -> str:
    types = {c.name: c.type.value for c in LEDGER_COLUMNS}
    fields: dict[str, Callable[[LedgerEntry], Value]] = {
        "partition_date": lambda e: e.day,
        "rows_commit": lambda e: e.rows_commit or batch.commit_id,
        "processor_version": lambda e: e.processor_version,
        "row_count": lambda e: e.row_count,
        "expected_count": lambda e: e.expected_count,
        "present_count": lambda e: e.present_count,
        "forced": lambda e: e.forced,
        "content_hash": lambda e: e.content_hash,
        "input_versions": lambda e: inputs_to_json(e.inputs),
        "notes": lambda e: e.notes or None,
    }
    values = {
        "table_name": literal(batch.table.full_name),
        "generation": f"(SELECT MAX(generation) FROM {head})",
        "commit_id": literal(batch.commit_id),
        "run_id": literal(batch.run_id),
        "code_version": literal(batch.code_version),
        "coverage": "IFNULL(SAFE_DIVIDE(v.present_count, v.expected_count), 1.0)",
        "committed_at": "CURRENT_TIMESTAMP()",
    }
    names = [c.name for c in LEDGER_COLUMNS]
    rows = _rows(
        {name: types[name] for name in fields}, (tuple(get(e) for get in fields.values()) for e in batch.entries)
    )
    return (
        f"INSERT INTO {ledger} ({', '.join(names)})\n"
        f"SELECT {', '.join(values.get(name, f'v.{name}') for name in names)}\n"
        f"FROM {rows} AS v"
    )


def _error_with_dates(marker: str, condition: str) -> str:
    return (
        f"IF(LOGICAL_OR({condition}), ERROR(CONCAT('backcourt:{marker}:',"
        f" STRING_AGG(IF({condition}, CAST(d AS STRING), NULL), ',' ORDER BY d))), NULL)"
    )


def _rows(columns: Mapping[str, str], rows: Iterable[tuple[Value, ...]]) -> str:
    """A table of values, as one JSON literal: an array of STRUCTs takes the local BigQuery 8 ms a row to parse."""
    records = [{name: _json(value) for name, value in zip(columns, row, strict=True)} for row in rows]
    text = literal(json.dumps(records, ensure_ascii=False, separators=(",", ":")))
    fields = ", ".join(f"{_read(name, kind)} AS {name}" for name, kind in columns.items())
    return f"(SELECT {fields} FROM UNNEST(JSON_QUERY_ARRAY({text})) AS r)"


def _read(name: str, kind: str) -> str:
    value = f"JSON_VALUE(r, '$.{name}')"
    return value if kind == "STRING" else f"CAST({value} AS {kind})"


def _json(value: Value) -> str | int | None:
    if isinstance(value, str):
        literal(value)  # refuses what JSON would only hide in an escape
    return value.isoformat() if isinstance(value, date) else value


def _dates(days: Iterable[date]) -> str:
    return ", ".join(literal(day) for day in days)
