"""The budget's curve: every halving and every signal is in it, however long the run is, and it stays short."""

import json
from dataclasses import replace

from backcourt.pipeline.records import BudgetSample
from backcourt.warehouse.requests import Kind
from backcourt.warehouse.run_reads import budget_details, budget_of
from ray_tasks.budget_curve import MOST_SAMPLES, BudgetCurve
from ray_tasks.observing import Progress
from ray_tasks.permit_book import KindState
from ray_tasks.steps import Telemetry
from tests.unit.engine.fake_clock import FakeClock


def state(limit: int, held: int, signals: int = 0) -> KindState:
    return KindState(Kind.QUERY, 16, limit, held, 1, 0, None, 0.0, (), signals=signals)


def watch(curve: BudgetCurve, kind: KindState) -> None:
    curve.progress(Progress({}, 1, (), (), (kind,), Telemetry(), 0, 0))


def test_a_day_of_a_run_is_short_and_loses_neither_signal_nor_peak() -> None:
    clock = FakeClock()
    curve = BudgetCurve(clock)
    seconds = 86_400
    for second in range(0, seconds, 2):
        bad = second == 40_000
        watch(curve, state(2 if bad else 16, 15 if second == 70_000 else 3, int(second >= 40_000)))
        clock.sleep(2)
    taken = curve.samples["query"]
    assert len(taken) <= MOST_SAMPLES + 1
    assert [s.at for s in taken] == sorted(s.at for s in taken)
    (signal,) = [n for n, s in enumerate(taken) if s.signalled]
    assert taken[signal - 1].at < 40_000 <= taken[signal].at
    assert taken[signal].limit == min(s.limit for s in taken) == 2
    (peak,) = [n for n, s in enumerate(taken) if s.in_flight == 16]  # fifteen held and an orphan
    assert taken[peak - 1].at < 70_000 <= taken[peak].at


def test_a_signal_counts_once_however_often_it_is_looked_at() -> None:
    clock = FakeClock()
    curve = BudgetCurve(clock)
    watch(curve, state(16, 1))
    for _ in range(4):
        clock.sleep(1.5)
        watch(curve, state(8, 1, signals=2))
    assert [s.signalled for s in curve.samples["query"]].count(True) == 1


def test_a_signal_that_is_seen_late_counts_too() -> None:
    """Looks come more often than another process tells: its state is seen again and again, and then has changed."""
    clock = FakeClock()
    curve = BudgetCurve(clock)
    for signals in (0, 0, 0, 3, 3, 3, 1):  # then the authority has died, and was refused anew
        watch(curve, state(8, 1, signals))
        clock.sleep(1.0)
    assert [s.signalled for s in curve.samples["query"]].count(True) == 2


def test_samples_survive_the_event_that_holds_them() -> None:
    samples = {"query": (BudgetSample(1.0, 16, 3), BudgetSample(2.5, 8, 9, True), BudgetSample(9.5, 4, 0, True, True))}
    assert budget_of(json.loads(json.dumps(budget_details(samples)))) == samples
    assert budget_of({"query": [[1.0, 16, 3, 1]]}) == {"query": (BudgetSample(1.0, 16, 3, True),)}  # an older run's


def test_a_short_rest_is_not_lost_when_samples_are_merged() -> None:
    clock = FakeClock()
    curve = BudgetCurve(clock)
    for second in range(2000):
        resting = replace(state(8, 0), parked_seconds=5.0) if second == 777 else state(16, 3)
        watch(curve, resting)
        clock.sleep(1.0)
    taken = curve.samples["query"]
    (rest,) = [n for n, s in enumerate(taken) if s.parked]
    assert taken[rest - 1].at < 777 <= taken[rest].at
