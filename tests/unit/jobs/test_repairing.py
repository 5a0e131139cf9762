"""What a repair asks of BigQuery, in which order: a backup, its check, the announcement, then one commit."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from random import Random
from typing import Any, cast

import pyarrow as pa
import pytest

from backcourt.errors import DataError
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.ledger import WITHDRAWN, LedgerEntry
from backcourt.pipeline.processor import SAME_DATE, Feed, Input, Pipeline, Processor
from backcourt.warehouse.client import BigQueryWarehouse
from backcourt.warehouse.errors import Superseded
from backcourt.warehouse.fake import Call, FakeWarehouse
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import JobRequest, JobResult, Kind, ReadRequest, TableRef
from jobs.cleaning import StaleTable, stale_tables, take_away
from jobs.deduping import DoubledDate, deduplicate, find_doubled
from jobs.repairing import Repair, in_batches
from ray_tasks.attempts import Attempts, Patience
from ray_tasks.committer import RunIdentity
from ray_tasks.permits import LocalPermits
from ray_tasks.prepare import Ground
from tests.unit.engine.fake_clock import FakeClock
from tests.unit.pipeline.worlds import COLUMNS, day, expect_x, one_row_a_date, processor, reads, table

FEED = Input(Feed("f", COLUMNS, "day"), ("day",), SAME_DATE)
SOON = Processor(table("soon"), "1", (FEED,), expect_x, one_row_a_date, needs_final_games=False, short_lived=True)
PIPELINE = Pipeline("p", (SOON, processor("after", [reads("soon", SAME_DATE)])))
TABLE = SOON.table
EARLY, LATE = datetime(2024, 2, 1, tzinfo=UTC), datetime(2024, 2, 2, tzinfo=UTC)
SCHEMA = pa.schema([c.arrow for c in TABLE.all_columns])
ROWS = [
    {"day": day(0), "who": "x", "points": 1, "computed_at": LATE, "run_id": "r", "code_version": "v"},
    {"day": day(0), "who": "x", "points": 9, "computed_at": EARLY, "run_id": "ghost", "code_version": "v"},
    {"day": day(0), "who": "y", "points": 2, "computed_at": LATE, "run_id": "r", "code_version": "v"},
]


@dataclass
class Shelf(FakeWarehouse):
    """A fake with what a repair needs beside the port. Answers count and read `rows`; `commit_error` is raised."""

    rows: list[dict[str, Any]] = field(default_factory=lambda: list(ROWS))
    copied: list[dict[str, Any]] | None = None
    commit_error: Exception | None = None
    names: Names = field(default_factory=lambda: Names("p"))
    expiries: list[tuple[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answer = self._answered

    def expire(self, ref: TableRef, hours: float) -> None:
        self.expiries.append((str(ref), hours))

    def _answered(self, call: Call) -> Any:
        match call:
            case Call("run", JobRequest(kind=Kind.COMMIT)) if self.commit_error:
                return self.commit_error
            case Call("run", JobRequest(kind=Kind.COMMIT) as request) if "DELETE" in request.sql:
                self.rows = [] if "EXISTS" not in request.sql else [self.rows[0], self.rows[2]]
            case Call("run", JobRequest(kind=Kind.QUERY) as request) if "COUNTIF" in request.sql:
                return JobResult(request.job_id, tuple(self._counts("backup__" in request.sql)))
            case Call("read", ReadRequest()):
                return pa.Table.from_pylist(self.rows, SCHEMA)
        return NotImplemented

    def _counts(self, of_backup: bool) -> list[dict[str, Any]]:
        rows = self.copied if of_backup and self.copied is not None else self.rows
        keys = [row["who"] for row in rows]
        doubled = sum(keys.count(key) > 1 for key in set(keys))
        count = {"day": day(0), "row_count": len(keys), "key_count": len(set(keys)), "doubled_count": doubled}
        return [count] if keys else []


def ground(shelf: Shelf) -> Ground:
    clock = FakeClock(step=0.001)
    permits = LocalPermits(dict.fromkeys(Kind, 1), clock)
    attempts = Attempts(shelf, permits, clock, Random(1), Patience(tries=1))
    return Ground(PIPELINE, cast(BigQueryWarehouse, shelf), attempts, clock, "o", "fix-1", "n")


def repair(shelf: Shelf, kind: str = "dedupe") -> Repair:
    return Repair(ground(shelf), RunIdentity("fix-1", 1, "v2"), kind, 14)


def ledger(*names: str) -> dict[tuple[str, date], LedgerEntry]:
    counts = {"row_count": 2, "expected_count": 2, "present_count": 2}
    known = {"processor_version": "1", "content_hash": "h", **counts}
    return {(name, day(0)): LedgerEntry(name, day(0), 3, "old-1", "old-1", **known) for name in names}  # type: ignore[arg-type]


def steps(shelf: Shelf) -> list[str]:
    """The calls in short, in order."""
    found = []
    for call in shelf.calls:
        if call.method != "run":
            found.append(call.method)
            continue
        sql = call.argument.sql
        event = next((p.value for p in call.argument.parameters if p.name == "event_0"), "")
        found.append(event or {"SELE": "count", "CREA": "clone", "BEGI": "commit", "": "load"}[sql[:4]])
    return found


def test_a_deduplication_backs_up_announces_and_commits_once() -> None:
    shelf = Shelf()
    known = ledger("d.soon")
    found = find_doubled(ground(shelf), TABLE, (day(0), day(5)), known)
    assert found == (DoubledDate(day(0), 3, 1, 1, True, "2024-01-20/x"),)
    shelf.calls.clear()
    (done,) = deduplicate(repair(shelf), TABLE, found, known)
    assert steps(shelf) == [
        "started", "count", "clone", "count", "read", "create", "load", "commit_sent", "commit", "drop", "ended",
    ]  # fmt: skip
    assert (done.commit_id, done.dates, done.removed) == ("fix-1-1-soon-1", (day(0),), 1)
    assert shelf.expiries == [("o.backup__soon__fix_1", 14 * 24)]
    (load,) = [c.argument for c in shelf.calls if c.method == "run" and c.argument.kind is Kind.LOAD]
    assert load.rows.to_pylist() == [ROWS[0]]
    (commit,) = [c.argument for c in shelf.calls if c.method == "run" and c.argument.kind is Kind.COMMIT]
    statements = commit.sql.split(";\n")
    assert statements[1].startswith("UPDATE `p.o.head__soon` SET generation = generation + 1")
    assert '"seen":"old-1"' in commit.sql
    assert '"d":"2024-01-20","wanted":3' in commit.sql
    assert (
        "DELETE FROM `p.d.soon` AS t\nWHERE t.`day` IN (DATE '2024-01-20') AND EXISTS (SELECT 1 FROM "
        "`p.o.staging__fix_1_1_soon_1` AS k WHERE k.`day` = t.`day` AND k.`who` = t.`who`)"
    ) in statements
    assert "MERGE" not in commit.sql


def test_a_backup_that_lacks_rows_stops_before_anything_changes() -> None:
    shelf = Shelf(copied=ROWS[:2])
    with pytest.raises(DataError, match="does not hold the rows"):
        deduplicate(repair(shelf), TABLE, (DoubledDate(day(0), 3, 1, 1, True),), ledger("d.soon"))
    assert "commit" not in steps(shelf)


def test_a_refused_repair_is_an_error_and_its_end_is_not_recorded() -> None:
    shelf = Shelf(commit_error=Superseded("beaten", dates=(day(0),)))
    with pytest.raises(Superseded):
        deduplicate(repair(shelf), TABLE, (DoubledDate(day(0), 3, 1, 1, True),), ledger("d.soon"))
    assert steps(shelf)[-2:] == ["commit", "drop"]


def test_dates_that_are_not_committed_are_left_to_a_backfill() -> None:
    shelf = Shelf()
    assert deduplicate(repair(shelf), TABLE, (DoubledDate(day(0), 3, 1, 1, False),), {}) == ()
    assert shelf.calls == []


def stale(shelf: Shelf, known: dict[tuple[str, date], LedgerEntry], as_of: date) -> tuple[StaleTable, ...]:
    return stale_tables(ground(shelf), Calendar((day(0), day(5))), known, as_of, 7)


def test_rows_are_stale_after_more_than_seven_days_and_once_nobody_waits_for_them() -> None:
    everything = ledger("d.soon", "d.after")
    assert stale(Shelf(), everything, day(7)) == ()
    (found,) = stale(Shelf(), everything, day(8))
    assert (found.table, found.rows, found.needed, found.strays) == ("d.soon", 3, (), 0)
    (waited_for,) = stale(Shelf(), ledger("d.soon"), day(8))
    assert (waited_for.rows, waited_for.needed) == (0, (day(0),))
    (stray,) = stale(Shelf(), ledger("d.after"), day(8))
    assert (stray.rows, stray.strays) == (0, 3)


def test_what_is_taken_away_stays_in_the_ledger_with_what_it_was_made_from() -> None:
    shelf = Shelf(rows=[ROWS[0], ROWS[2]])
    known = ledger("d.soon", "d.after")
    found = stale(shelf, known, day(8))
    shelf.calls.clear()
    (done,) = take_away(repair(shelf, "cleanup"), found, known)
    assert (done.table, done.removed, done.backup) == ("d.soon", 2, "backup__soon__fix_1")
    assert steps(shelf) == ["started", "clone", "count", "commit_sent", "commit", "count", "ended"]
    (commit,) = [c.argument for c in shelf.calls if c.method == "run" and c.argument.kind is Kind.COMMIT]
    assert "DELETE FROM `p.d.soon` WHERE `day` IN (DATE '2024-01-20')" in commit.sql
    assert '"rows_commit":"old-1","processor_version":"1","row_count":0,"expected_count":2' in commit.sql
    assert f'"content_hash":"{WITHDRAWN}"' in commit.sql
    assert "INSERT INTO `p.o.operations`" in commit.sql


def test_a_hundred_dates_a_commit() -> None:
    assert [len(some) for some in in_batches([day(n) for n in range(250)])] == [100, 100, 50]
