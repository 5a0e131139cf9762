"""When the rows of a commit were a partition's, and the SQL that fetches and keeps them."""

from datetime import UTC, date, datetime, timedelta, timezone

from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.table import Column, FieldType, Table
from backcourt.warehouse.holds import HoldEvent, hold_request
from backcourt.warehouse.names import Names
from backcourt.warehouse.past import PastEntry, copy_request, instants_of, newest_at
from backcourt.warehouse.requests import Kind, TableRef

DAY = date(2024, 1, 1)
AT = datetime(2026, 11, 20, 3, tzinfo=UTC)
NAMES = Names("proj", {"d": "d_prod"})


def past(minute: int, commit: str, rows_commit: str = "", day: date = DAY) -> PastEntry:
    entry = LedgerEntry("d.t", day, minute, commit, rows_commit or commit)
    return PastEntry(entry, AT + timedelta(minutes=minute))


HISTORY = (past(0, "one"), past(30, "renewed", "one"), past(40, "two"))


def seconds(instants: tuple[datetime, ...]) -> list[float]:
    return [(instant - AT).total_seconds() for instant in instants]


def test_the_best_instant_is_the_start_of_the_transaction_that_replaced_the_rows() -> None:
    now = AT + timedelta(hours=2)
    assert seconds(instants_of(HISTORY, "one", now)) == [2400, 1, 10, 60, 600]
    assert seconds(instants_of(HISTORY, "renewed", now)) == [2400, 1801, 1810, 1860]
    assert seconds(instants_of(HISTORY, "two", now)) == [7200, 2401, 2410, 2460, 3000]


def test_the_ledger_as_it_was_has_the_newest_entry_until_then() -> None:
    other = past(10, "other", day=date(2024, 1, 2))
    then = newest_at([*HISTORY, other], AT + timedelta(minutes=35))
    assert {day: entry.commit_id for (_, day), entry in then.items()} == {DAY: "renewed", date(2024, 1, 2): "other"}
    assert newest_at(HISTORY, AT - timedelta(seconds=1)) == {}


def test_rows_are_copied_as_of_an_instant_in_utc() -> None:
    at = datetime(2026, 11, 21, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=1)))
    source, target = TableRef("d", "t"), TableRef("state", "copy")
    request = copy_request(source, target, ("day", "x"), "day", (DAY, DAY), at, NAMES, "r", "j")
    assert request.sql == (
        "INSERT INTO `proj.state.copy` (`day`, `x`)\n"
        "SELECT `day`, `x` FROM `proj.d_prod.t` FOR SYSTEM_TIME AS OF TIMESTAMP '2026-11-21 03:05:06.000007+00'\n"
        "WHERE `day` BETWEEN DATE '2024-01-01' AND DATE '2024-01-01'"
    )


def test_a_hold_changes_the_head_so_that_it_conflicts_with_every_commit() -> None:
    table = Table("d", "t", "day", ("day",), (Column("day", FieldType.DATE, "", required=True),), "")
    request = hold_request(HoldEvent(table, AT, "it's late"), NAMES, "state", "hold-1")
    assert request.kind is Kind.COMMIT
    begin, update, check, insert, commit, rest = request.sql.split(";\n")
    assert (begin, commit, rest) == ("BEGIN TRANSACTION", "COMMIT TRANSACTION", "")
    assert update == "UPDATE `proj.state.head__t` SET generation = generation + 1 WHERE TRUE"
    assert "ERROR('backcourt:head')" in check
    assert insert.endswith(
        "VALUES (CURRENT_DATE(), 'd.t', 'held', CURRENT_TIMESTAMP(), "
        "TIMESTAMP('2026-11-20 03:00:00+00:00'), 'it\\'s late', 'hold-1')"
    )
