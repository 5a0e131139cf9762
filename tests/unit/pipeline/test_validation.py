"""Every kind of fault is told once, and what is no fault is not told."""

from dataclasses import replace
from datetime import date

import pytest

from backcourt.pipeline.calendar import Calendar, Season
from backcourt.pipeline.ledger import WITHDRAWN, LedgerEntry
from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.processor import SAME_DATE, Feed, Input, Pipeline, Processor
from backcourt.pipeline.validation import Facts, Fault, KeyCount, may_be_absent, moved, not_exported, validate
from backcourt.pipeline.versions import TableVersions
from tests.unit.pipeline.worlds import COLUMNS, day, expect_x, one_row_a_date, processor, reads, table

FEED = Input(Feed("f", COLUMNS, "day"), ("day",), SAME_DATE)
READS = (reads("raw", SAME_DATE), reads("maybe", SAME_DATE, optional=True))
PIPELINE = Pipeline(
    "p",
    (
        Processor(table("raw"), "1", (FEED,), expect_x, one_row_a_date),
        Processor(table("maybe"), "1", (FEED,), expect_x, one_row_a_date, needs_final_games=False),
        processor(
            "b", [reads("raw", SAME_DATE), reads("maybe", SAME_DATE, optional=True)], bootstrap=True, version="2"
        ),
    ),
)
DAYS = tuple(day(n) for n in range(6))
CALENDAR = Calendar(DAYS, (Season(2024, DAYS[0]),), bootstrap_days=2)
TODAY = day(5)
"""The last date of the calendar: its games are not over."""


def ledger() -> dict[tuple[str, date], LedgerEntry]:
    """All that is due is committed, with three rows a date; the tables that wait for games are not due today."""
    found: dict[tuple[str, date], LedgerEntry] = {}
    for name, days in (("d.raw", DAYS[:5]), ("d.maybe", DAYS), ("d.b", DAYS[2:5])):
        for each in days:
            version = PIPELINE.processor(name).version
            found[name, each] = LedgerEntry(
                name, each, 1, f"c-{each}", f"c-{each}", row_count=3, expected_count=3, present_count=3,
                processor_version=version, content_hash=f"hash of {name} {each}",
            )  # fmt: skip
    for each in DAYS[2:5]:
        inputs = {
            name: TableVersions(CALENDAR, lambda _: True, {d: f"c-{d}" for d in DAYS}).window(each, each)
            for name in ("d.raw", "d.maybe")
        }
        found["d.b", each] = replace(found["d.b", each], inputs=inputs)
    return found


def facts(**changed: object) -> Facts:
    known = ledger()
    sound = Facts(
        PIPELINE,
        CALENDAR,
        known,
        TODAY,
        {key: KeyCount(3, 3, 0) for key in known},
        {key: entry.content_hash for key, entry in known.items()},
        {},
        0.95,
    )
    return replace(sound, **changed)  # type: ignore[arg-type]


def told(found: Facts, days: tuple[date, ...] = DAYS) -> list[tuple[str, date, Fault]]:
    return [(f.table, f.day, f.fault) for f in validate(found, [p.name for p in PIPELINE.processors], days)]


def test_sound_partitions_bootstrap_days_and_games_to_come_are_no_fault() -> None:
    assert told(facts()) == []
    assert told(facts(), (*DAYS, day(30))) == []


def test_a_gap_is_told_with_its_reason() -> None:
    known = ledger()
    del known["d.raw", day(3)]
    del known["d.b", day(4)]
    counts = {key: KeyCount(3, 3, 0) for key in known}
    found = facts(ledger=known, counts=counts, earlier={Partition("d.raw", day(3)): "blocked, no games"})
    gaps = [f for f in validate(found, ["d.raw", "d.b"], DAYS) if f.fault is Fault.MISSING]
    assert [(f.table, f.day, f.what) for f in gaps] == [
        ("d.b", day(4), "no run has tried it lately"),
        ("d.raw", day(3), "blocked, no games"),
    ]


def test_a_table_that_nobody_needs_may_be_absent() -> None:
    known = {key: entry for key, entry in ledger().items() if key[0] != "d.maybe"}
    assert Fault.MISSING not in {fault for _, _, fault in told(facts(ledger=known))}
    assert may_be_absent(PIPELINE, "d.maybe")
    assert not may_be_absent(PIPELINE, "d.raw")
    assert not may_be_absent(PIPELINE, "d.b")


@pytest.mark.parametrize(
    ("count", "fault"),
    [
        (KeyCount(2, 2, 0), Fault.ROWS_LOST),
        (KeyCount(0, 0, 0), Fault.ROWS_LOST),
        (KeyCount(4, 4, 0), Fault.ROWS_ADDED),
        (KeyCount(5, 3, 2), Fault.DOUBLED),
    ],
)
def test_rows_that_are_not_those_of_the_ledger(count: KeyCount, fault: Fault) -> None:
    found = facts()
    assert told(replace(found, counts={**found.counts, ("d.raw", day(1)): count})) == [("d.raw", day(1), fault)]


def test_other_values_and_stray_rows() -> None:
    found = facts()
    other = replace(found, hashes={("d.raw", day(1)): "another"})
    assert told(other) == [("d.raw", day(1), Fault.CHANGED)]
    stray = replace(found, counts={**found.counts, ("d.b", day(0)): KeyCount(7, 7, 0)})
    assert told(stray) == [("d.b", day(0), Fault.STRAY)]


def test_forced_old_and_stale_partitions() -> None:
    known = ledger()
    known["d.b", day(2)] = replace(known["d.b", day(2)], present_count=1, forced=True)
    known["d.b", day(3)] = replace(known["d.b", day(3)], processor_version="1")
    known["d.raw", day(4)] = replace(known["d.raw", day(4)], rows_commit="newer")
    assert told(facts(ledger=known)) == [
        ("d.b", day(2), Fault.UNCOVERED),
        ("d.b", day(3), Fault.OLD_VERSION),
        ("d.b", day(4), Fault.STALE),
    ]


def test_a_date_that_lacks_a_game_is_told_though_the_gate_let_it_pass() -> None:
    known = ledger()
    known["d.raw", day(1)] = replace(known["d.raw", day(1)], expected_count=24, present_count=22)
    known["d.raw", day(2)] = replace(known["d.raw", day(2)], expected_count=24, present_count=23)
    (found,) = validate(facts(ledger=known), ["d.raw"], DAYS)
    assert (found.day, found.fault) == (day(1), Fault.UNCOVERED)
    assert found.what == "22 of 24 expected (91.7%), published with a warning"


def test_rows_that_cleanup_took_away_are_no_fault() -> None:
    known = ledger()
    known["d.raw", day(1)] = replace(known["d.raw", day(1)], row_count=0, content_hash=WITHDRAWN)
    found = facts(ledger=known)
    counts = {key: count for key, count in found.counts.items() if key != ("d.raw", day(1))}
    assert told(replace(found, counts=counts, hashes={("d.raw", day(1)): "of no rows"})) == []


def test_a_partition_that_a_run_committed_meanwhile_has_moved() -> None:
    before, after = ledger(), ledger()
    after["d.raw", day(1)] = replace(after["d.raw", day(1)], commit_id="newer")
    del before["d.maybe", day(0)]
    assert moved(before, after, ledger()) == {("d.raw", day(1)), ("d.maybe", day(0))}


def test_dates_without_a_file() -> None:
    found = not_exported("pages", [day(2), day(1)], {day(2)})
    assert [(f.table, f.day, f.fault) for f in found] == [("export pages", day(1), Fault.NOT_EXPORTED)]
