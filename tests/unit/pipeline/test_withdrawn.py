"""Rows that cleanup took away: nothing becomes stale, and nobody computes from their absence."""

from dataclasses import replace
from datetime import date

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.ledger import WITHDRAWN, LedgerEntry
from backcourt.pipeline.outcomes import Outcome, Partition
from backcourt.pipeline.plan import Plan, Reason, Request, build_plan, seen_by
from backcourt.pipeline.processor import SAME_DATE, Pipeline
from tests.unit.pipeline.board_simulation import Faults, Simulation
from tests.unit.pipeline.worlds import World, day, processor, reads

Ledger = dict[tuple[str, date], LedgerEntry]

DAYS = tuple(day(n) for n in range(5))
PIPELINE = Pipeline(
    "p",
    (
        processor("a"),
        processor("z"),
        processor("b", [reads("z", SAME_DATE)]),
        processor("c", [reads("a", SAME_DATE), reads("b", SAME_DATE, optional=True)]),
    ),
)


def world(*tables: str) -> World:
    request = Request(run_id="r", tables=tables or ("d.a", "d.z", "d.b", "d.c"), days=DAYS, as_of=day(9))
    return World(PIPELINE, Calendar(DAYS), request)


def cleaned_ledger() -> Ledger:
    """Everything is committed; then the rows of z and b are taken away, and a's rows of day 3 become others."""
    ledger: Ledger = {}
    Simulation(world(), Faults(), seed=1, chunk_days=2, ledger=ledger).run()
    for key, entry in ledger.items():
        if key[0] in ("d.z", "d.b"):
            ledger[key] = replace(entry, row_count=0, content_hash=WITHDRAWN, commit_id=f"cleanup-{key[1]}")
    assert plan_of(world(), ledger).total == 0
    ledger["d.a", day(3)] = replace(ledger["d.a", day(3)], rows_commit="other", commit_id="other")
    return ledger


def plan_of(asked: World, ledger: Ledger) -> Plan:
    return build_plan(asked.pipeline, asked.calendar, asked.request, ledger)


def reasons(plan: Plan) -> dict[tuple[str, date], Reason]:
    return {(t.table, p.day): p.reason for t in plan.tables for p in t.to_do}


def test_what_a_partition_reads_is_computed_again_first_and_nothing_else_is() -> None:
    ledger = cleaned_ledger()
    plan = plan_of(world(), ledger)
    assert reasons(plan) == {
        ("d.c", day(3)): Reason.STALE,
        ("d.b", day(3)): Reason.WITHDRAWN,
        ("d.z", day(3)): Reason.WITHDRAWN,
    }
    seen = {p.seen_commit for t in plan.tables for p in t.to_do if t.table != "d.c"}
    assert seen == {f"cleanup-{day(3)}"}
    run = Simulation(world(), Faults(), seed=2, chunk_days=31, ledger=ledger).run()
    assert {p.table: o.outcome for p, o in run.board.outcomes.items() if p.table != "d.c"} == {
        "d.z": Outcome.COMMITTED,
        "d.b": Outcome.COMMITTED,
    }
    assert not ledger["d.b", day(3)].withdrawn
    assert ledger["d.b", day(2)].withdrawn
    assert plan_of(world(), ledger).total == 0


def test_a_run_that_must_not_compute_them_blocks_instead_of_reading_nothing() -> None:
    ledger = cleaned_ledger()
    run = Simulation(world("d.c"), Faults(), seed=1, chunk_days=31, ledger=ledger).run()
    outcome = run.board.outcomes[Partition("d.c", day(3))]
    assert outcome.outcome is Outcome.BLOCKED
    assert outcome.reason == f"the rows of input d.b of {day(3)} were taken away by cleanup: compute that table too"


def test_a_run_keeps_of_the_ledger_what_it_does_and_what_was_taken_away() -> None:
    """Entries of other partitions may be many times the run's memory; their commits are in the versions."""
    ledger = cleaned_ledger()
    plan = plan_of(world("d.c"), ledger)
    assert reasons(plan) == {("d.c", day(3)): Reason.STALE}
    taken_away = {key for key in ledger if key[0] in ("d.z", "d.b")}
    assert set(seen_by(plan, ledger, {}).entries) == {("d.c", day(3))} | taken_away
