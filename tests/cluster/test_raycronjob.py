"""A RayJob by the clock: KubeRay starts the night on a Ray cluster of its own, again and again."""

import os
from typing import Any

import pytest

from tests.cluster.kubernetes import Release, until
from tests.cluster.rayjobs import SMALL, computed, latency, succeeded

EVERY_MINUTE = (*SMALL, "rayCronJob.enabled=true", "rayCronJob.schedule=* * * * *")
SUSPENDED = (*EVERY_MINUTE, "rayCronJob.suspend=true")
NIGHT = "rayCronJob.args={backfill,--yes}"  # the try-out's league ended years ago
AGAIN = "rayCronJob.args={backfill,--yes,--recompute}"


@pytest.fixture(scope="module", autouse=True)
def has_raycronjob(has_kuberay: None) -> None:
    """Skips where KubeRay's operator does not act on a RayCronJob."""
    if not os.environ.get("BACKCOURT_TEST_RAYCRONJOB"):
        pytest.skip("Set BACKCOURT_TEST_RAYCRONJOB=1 where the operator has --feature-gates=RayCronJob=true.")


def made(release: Release) -> list[str]:
    """Names of the RayJobs that the RayCronJob made, in the order of their minutes."""
    jobs = release.get("rayjobs", "-l", f"ray.io/cronjob-name={release.name}-backcourt-ray")["items"]
    return sorted(job["metadata"]["name"] for job in jobs)


def starts(release: Release) -> list[tuple[str, int]]:
    """Every start by the clock: run and number."""
    with release.bigquery() as warehouse:
        sql = "SELECT run_id, start_number FROM nba_orchestration.runs WHERE event = 'started' ORDER BY `at`"
        rows = [tuple(row.values()) for row in warehouse.client.query(sql).result()]
    return [row for row in rows if row[0].startswith(f"{release.name}-backcourt-ray-")]


def test_each_tick_is_a_start_of_the_days_run(release: Release, fresh: Release) -> None:
    release.daily("undisturbed")
    assert release.job_end("undisturbed") == "Complete"
    latency(fresh, 0.0)

    fresh.helm(*EVERY_MINUTE, NIGHT)
    (first, *_) = until("the clock makes a RayJob", lambda: made(fresh), 120)
    fresh.helm(*SUSPENDED, NIGHT)  # one at a time: two clusters are more than a small machine bears
    succeeded(fresh, first)
    wanted: dict[str, Any] = computed(release)[0]
    assert computed(fresh) == (wanted, {1})
    (run, number), *others = starts(fresh)
    assert (run[-8:].isdigit(), number, others) == (True, 1, [])

    fresh.helm(*EVERY_MINUTE, AGAIN)
    second = until("the clock makes another", lambda: [job for job in made(fresh) if job > first], 120)[0]
    fresh.helm(*SUSPENDED, AGAIN)
    succeeded(fresh, second)
    assert computed(fresh)[0] == wanted
    again = starts(fresh)[-1]
    assert again == (run, 2) or again[0] > run  # the same day's run, or midnight came between
