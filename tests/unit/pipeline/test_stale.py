"""What another processor version or older inputs made, and what hangs on it; compared with an enumeration by hand."""

from dataclasses import replace

from backcourt.pipeline.processor import SAME_DATE, Pipeline, Window
from backcourt.pipeline.stale import stale_groups
from tests.unit.pipeline.test_plan import AS_OF, CALENDAR, DAYS, full_ledger
from tests.unit.pipeline.worlds import processor, reads

A = processor("a")
B = processor("b", [reads("a", Window(days=2))])
C = processor("c", [reads("b", SAME_DATE)])
D = processor("d", [reads("c", Window(days=1))])
PIPELINE = Pipeline("p", (D, C, B, A))
ALL = ("d.a", "d.b", "d.c", "d.d")


def test_a_new_version_reaches_through_every_window() -> None:
    """a of days 1 and 2 is read by b of 2 … 4, that by c of 2 … 4, that by d of 3 … 5."""
    ledger = full_ledger(PIPELINE)
    for day in DAYS[1:3]:
        ledger["d.a", day] = replace(ledger["d.a", day], processor_version="0")
    (group,) = stale_groups(PIPELINE, CALENDAR, ledger, AS_OF, ALL, DAYS)
    assert (group.table, group.cause, group.days) == ("d.a", "made by version 0, now 1", DAYS[1:3])
    assert [(r.table, r.days) for r in group.downstream] == [
        ("d.b", DAYS[2:5]),
        ("d.c", DAYS[2:5]),
        ("d.d", DAYS[3:6]),
    ]
    assert group.reached == 9


def test_older_inputs_are_a_cause_of_their_own_and_what_is_not_committed_is_not_reached() -> None:
    ledger = full_ledger(PIPELINE)
    ledger["d.b", DAYS[5]] = replace(ledger["d.b", DAYS[5]], rows_commit="later")
    ledger["d.c", DAYS[0]] = replace(ledger["d.c", DAYS[0]], processor_version="0")
    del ledger["d.d", DAYS[1]]
    first, second = stale_groups(PIPELINE, CALENDAR, ledger, AS_OF, ALL, DAYS)
    assert (first.table, first.cause, first.days) == ("d.c", "made by version 0, now 1", DAYS[:1])
    assert first.downstream == ()  # d of day 1, its only reader, is not committed
    assert (second.table, second.cause, second.days) == ("d.c", "older inputs", DAYS[5:])
    assert second.downstream == ()  # its only reader would be the day after the last


def test_a_current_ledger_has_nothing_stale() -> None:
    assert stale_groups(PIPELINE, CALENDAR, full_ledger(PIPELINE), AS_OF, ALL, DAYS) == ()
