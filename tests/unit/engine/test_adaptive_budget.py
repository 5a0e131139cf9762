"""The adaptive budget against a service whose limit is unknown and moves, beside fixed ones, in simulated time."""

import pytest

from benchmarks.adaptive_budget import SETTING, runs
from benchmarks.simulated_service import Simulation, Weather


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("job_seconds", [1.0, 20.0])
def test_it_does_nearly_what_could_be_done_and_is_hardly_refused(job_seconds: float, seed: int) -> None:
    found = runs(Weather((16, 4, 12), 600.0, job_seconds), seed)
    best, adaptive = found["told the limit"], found["adaptive"]
    assert best.refused == [0, 0, 0]
    assert sum(adaptive.done) >= 0.9 * sum(best.done)
    assert all(done >= 0.8 * most for done, most in zip(adaptive.done, best.done, strict=True))
    # a fixed budget is refused all the time, or does a fraction
    assert sum(adaptive.refused) <= sum(found[f"fixed, {SETTING}"].refused) / 20
    assert sum(adaptive.done) >= 2 * sum(found["fixed, 4"].done)


def test_each_overload_costs_the_refusals_that_were_under_way_and_not_one_for_each_second() -> None:
    adaptive = runs(Weather((16, 4), 600.0))["adaptive"]
    halvings = sum(sample.signalled for sample in adaptive.samples)
    assert adaptive.refused[0] == 0
    assert 2 <= halvings <= adaptive.refused[1] <= 20


def test_it_stays_between_one_and_the_setting_whatever_the_service_bears() -> None:
    samples = runs(Weather((1, 64, 1), 600.0))["adaptive"].samples
    assert min(s.limit for s in samples) == 1
    assert max(s.limit for s in samples) == SETTING


def test_the_model_refuses_what_is_too_much_and_counts_what_it_did() -> None:
    """Without a word of the product: 24 callers, 2 places, jobs of a second on average, for 100 s."""
    found: Simulation = runs(Weather((2,), 100.0))["fixed, 2"]
    assert found.refused == [0]
    assert 180 <= found.done[0] <= 220
