"""What does a budget that adapts make of a service whose limit is unknown and moves?

The service bears 16 jobs at once, then 4, then 12, ten minutes each, and refuses the next. The adaptive budget runs
beside fixed ones and beside one that is told the limit at every instant. Simulated time: it takes seconds.
"""

from collections.abc import Mapping

from benchmarks.markdown import markdown
from benchmarks.simulated_service import FixedBudget, Simulation, Weather
from ray_tasks.budget import Budget

SETTING = 16


def runs(weather: Weather, seed: int = 1) -> Mapping[str, Simulation]:
    """One run of each budget in the same weather."""
    return {
        "told the limit": Simulation(Budget(SETTING), weather, told=True, seed=seed).run(),
        "adaptive": Simulation(Budget(SETTING), weather, seed=seed).run(),
        f"fixed, {SETTING}": Simulation(FixedBudget(SETTING), weather, seed=seed).run(),
        f"fixed, {min(weather.limits)}": Simulation(FixedBudget(min(weather.limits)), weather, seed=seed).run(),
    }


def table(weather: Weather, found: Mapping[str, Simulation]) -> str:
    """Jobs done against the best possible and jobs refused, phase by phase."""
    best = found["told the limit"].done
    header = ["budget", *(f"limit {limit}" for limit in weather.limits), "all", "refused", "refused of 100 sent"]
    rows = []
    for name, run in found.items():
        shares = [f"{done / most:.2f}" for done, most in zip(run.done, best, strict=True)]
        done, refused = sum(run.done), sum(run.refused)
        of_100 = f"{100 * refused / (done + refused):.1f}"
        rows.append([name, *shares, f"{done / sum(best):.2f}", " + ".join(map(str, run.refused)), of_100])
    return markdown(header, rows)


def main() -> None:
    """Print a table for jobs of one second and of twenty."""
    for seconds in (1.0, 20.0):
        weather = Weather(job_seconds=seconds)
        print(f"\nJobs of {seconds:g} s; jobs done against the best possible:\n")
        print(table(weather, runs(weather)))


if __name__ == "__main__":
    main()
