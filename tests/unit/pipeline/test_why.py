"""Why a partition is not there: the chain of blocked inputs is followed to its end, and the remedy fits the cause."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from backcourt.pipeline.barriers import barriers
from backcourt.pipeline.breaker import Breaker, BreakerEvent, BreakerPolicy, Happened
from backcourt.pipeline.calendar import Calendar, Season
from backcourt.pipeline.holds import Hold
from backcourt.pipeline.outcomes import Category, Outcome, Partition
from backcourt.pipeline.processor import SAME_DATE, Feed, Input, Pipeline, Window
from backcourt.pipeline.records import OutcomeRecord
from backcourt.pipeline.why import Grounds, Why, explain
from tests.unit.pipeline.test_plan import AS_OF, CALENDAR, DAYS, full_ledger
from tests.unit.pipeline.worlds import COLUMNS, processor, reads

FEED = Feed("games", COLUMNS, "day")
RAW = processor("raw", [Input(FEED, ("day", "who", "points"), SAME_DATE)])
MIDDLE = processor("middle", [reads("raw", SAME_DATE)])
LATE = processor("late", [reads("middle", SAME_DATE), reads("raw", Window(days=2))])
PIPELINE = Pipeline("p", (RAW, MIDDLE, LATE))
DAY = DAYS[3]


def ended(table: str, category: Category, outcome: Outcome = Outcome.BLOCKED, **more: object) -> OutcomeRecord:
    at = datetime(2024, 2, 1, 3, 30, tzinfo=UTC)
    partition = Partition(table, DAY)
    return OutcomeRecord(partition, outcome, category, run_id="night-7", recorded_at=at, **more)  # type: ignore[arg-type]


MISSING_NAMES = ended(
    "d.raw", Category.COVERAGE, reason="2 of 10 expected", expected_count=10, present_count=2, missing=("ann", "bob"),
    row_count=2,
)  # fmt: skip
WAITS = [ended(t, Category.UPSTREAM, reason="an input is not committed") for t in ("d.middle", "d.late")]


def why(
    table: str, *records: OutcomeRecord, without: tuple[str, ...] = ("d.raw", "d.middle", "d.late"), day: date = DAY
) -> Why:
    ledger = {key: entry for key, entry in full_ledger(PIPELINE).items() if not (key[1] == day and key[0] in without)}
    return explain(Grounds(PIPELINE, CALENDAR, ledger, AS_OF, {r.partition: r for r in records}), Partition(table, day))


def step(found: Why, name: str) -> str:
    (text,) = [s.text for s in found.steps if s.name == name]
    return text


def test_the_chain_is_followed_to_the_table_where_it_began() -> None:
    found = why("d.late", MISSING_NAMES, *WAITS)
    assert found.verdict == "It waits for d.raw 2024-01-23, the gate blocked it in run night-7 (data missing)."
    assert "`backcourt ingest --source SOURCE --tables d.raw --dates 2024-01-23`" in found.remedy
    assert found.remedy.endswith("Then run `backcourt backfill --tables d.late --dates 2024-01-23`.")
    inputs = [(s.ok, s.text) for s in found.steps if s.name == "input"]
    assert inputs == [
        (False, "d.middle (the date): 0 dates committed, 1 not: 2024-01-23, which blocks this date."),
        (True, "d.raw (2 days back): 2 dates committed."),
    ]


def test_the_gate_names_who_is_missing() -> None:
    found = why("d.raw", MISSING_NAMES)
    assert found.verdict == "It is not there: the gate blocked it in run night-7 (data missing)."
    assert step(found, "gate") == "2 of 10 expected entities, 20.0%."
    assert step(found, "missing") == "ann, bob and 6 more."
    assert "the same command alone will not help" in step(found, "last error")
    assert "`backcourt ingest --source SOURCE --tables d.raw --dates 2024-01-23 --force`" in found.remedy


@pytest.mark.parametrize(
    ("category", "outcome", "said"),
    [
        (Category.CODE, Outcome.FAILED, "Correct the processor"),
        (Category.QUOTA, Outcome.FAILED, "Nothing is wrong with the date"),
        (Category.TIMEOUT, Outcome.FAILED, "Nothing is wrong with the date"),
        (Category.INTERRUPTED, Outcome.LEFT, "its run was stopped"),
        (Category.WORKER, Outcome.FAILED, "--workers 1"),
        (Category.ROWS, Outcome.BLOCKED, "--force does not help"),
        (Category.WAREHOUSE, Outcome.FAILED, "what BigQuery names"),
    ],
)
def test_each_cause_has_its_remedy(category: Category, outcome: Outcome, said: str) -> None:
    found = why("d.middle", ended("d.middle", category, outcome, reason="so it was"), without=("d.middle",))
    assert said in found.remedy
    assert "`backcourt backfill --tables d.middle --dates 2024-01-23`" in found.remedy
    assert step(found, "last error").startswith(f"{category}: so it was;")


def test_an_input_that_came_back_leaves_only_the_command() -> None:
    found = why("d.middle", *WAITS, without=("d.middle",))
    assert found.verdict == "It is not there: run night-7 lacked an input that is there by now."
    assert found.remedy == "Run `backcourt backfill --tables d.middle --dates 2024-01-23`."


def test_what_was_never_tried_is_said_to_be() -> None:
    found = why("d.middle", without=("d.middle",))
    assert found.verdict == "It is not there: no run has tried it yet."
    assert step(found, "last try") == "No run has recorded an outcome for it."


def test_what_keeps_runs_off_the_table_is_told_with_how_to_end_it() -> None:
    until = datetime(2024, 1, 25, 4, 30, tzinfo=UTC)
    night = datetime(2024, 1, 24, 11, tzinfo=UTC)
    failed = BreakerEvent("d.raw", Happened.FAILED, night, "night-7", "the till is broken")
    kept_off = barriers(
        [Hold("d.late", until, "repair")], {"d.raw": Breaker("d.raw", 3, failed)}, BreakerPolicy(), night
    )
    grounds = Grounds(PIPELINE, CALENDAR, {}, AS_OF, {}, kept_off)
    late = explain(grounds, Partition("d.late", DAY))
    assert step(late, "hold") == "Every run leaves the table alone: held until 2024-01-25 04:30 UTC (repair)."
    assert late.remedy.startswith("Once the cause is mended, `backcourt breaker reset d.raw` lets `daily` in again.")
    assert "let it go with `backcourt hold d.late --release`. Then run" in late.remedy
    raw = explain(grounds, Partition("d.raw", DAY))
    assert step(raw, "breaker") == (
        "3 runs in a row failed; `daily` skips the table and tries one date from 2024-01-25 07:00 UTC on."
    )
    assert explain(grounds, Partition("d.middle", DAY)).steps[2].name == "input"  # nothing keeps off that one
    half_open = barriers([], {"d.raw": Breaker("d.raw", 3, failed)}, BreakerPolicy(), night + timedelta(hours=20))
    assert half_open["d.raw"][0].text == "3 runs in a row failed; the next `daily` tries one date of the table."
    assert barriers([], {"d.raw": Breaker("d.raw", 2, failed)}, BreakerPolicy(), night) == {}


def test_a_date_without_games_and_one_to_come_need_nothing() -> None:
    missing = why("d.raw", day=date(2030, 1, 1))
    assert missing.verdict == (
        "The schedule has nothing on 2030-01-01, so that no partition is expected; dates beside it: 2024-01-25."
    )
    assert missing.remedy == "Nothing is to be done."
    early = explain(Grounds(PIPELINE, CALENDAR, {}, DAY, {}), Partition("d.raw", DAY))
    assert early.verdict == "2024-01-23 is due only once its games are over; today is 2024-01-23."


def test_a_bootstrap_day_is_skipped_on_purpose() -> None:
    pipeline = Pipeline("p", (processor("a", bootstrap=True),))
    calendar = Calendar(DAYS, (Season(2023, DAYS[0]),), 5)
    found = explain(Grounds(pipeline, calendar, {}, AS_OF, {}), Partition("d.a", DAY))
    assert found.verdict == (
        "2024-01-23 is among the first 5 days of the season that began on 2024-01-20, which this table skips."
    )


def test_what_is_there_is_told_current_stale_or_of_another_version() -> None:
    ledger = full_ledger(PIPELINE)
    grounds = Grounds(PIPELINE, CALENDAR, ledger, AS_OF, {})
    assert explain(grounds, Partition("d.late", DAY)).verdict == "It is there, and current."
    ledger["d.late", DAY] = replace(ledger["d.late", DAY], processor_version="0")
    other = explain(grounds, Partition("d.late", DAY))
    assert other.verdict == "It is there, made by version 0 of its processor; now it is 1."
    assert other.remedy == "Run `backcourt backfill --tables d.late --dates 2024-01-23 --stale` to make it again."
    ledger["d.middle", DAY] = replace(ledger["d.middle", DAY], rows_commit="another")
    stale = explain(grounds, Partition("d.late", DAY))
    assert stale.verdict == "It is there, but stale: an input has changed since."
    assert [s.ok for s in stale.steps if s.name == "input"] == [False, True]
