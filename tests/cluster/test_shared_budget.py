"""Runs at once on one release: their shares lie in a ConfigMap, and together they keep to the one budget."""

import json
from typing import Any

import pytest
import yaml

from tests.cluster.kubernetes import Release, run, until
from tests.cluster.rayjobs import BACKCOURT, begin, computed, latency, succeeded

pytestmark = pytest.mark.usefixtures("has_kuberay")

BUDGET = {"read": 3, "query": 4, "load": 3, "commit": 3}
"""One of each kind is left for a nightly run, so two backfills have one or more each."""
LIMITS = tuple(f"budget.{kind}={number}" for kind, number in BUDGET.items())


@pytest.fixture(scope="module")
def undisturbed(release: Release) -> dict[str, list[str]]:
    """What a run in one pod computes."""
    release.daily("undisturbed")
    assert release.job_end("undisturbed") == "Complete"
    return computed(release)[0]


def rows(release: Release) -> list[dict[str, Any]]:
    """What the ConfigMap holds: a row for each start of a run."""
    settings = release.get("configmap", f"{release.name}-backcourt-settings")["data"]["settings.yaml"]
    name = yaml.safe_load(settings)["shares"].partition("/")[2]
    text = release.get("configmap", name).get("data", {}).get("shares.json", "")
    return list(json.loads(text or "[]"))


def both(release: Release) -> list[dict[str, Any]]:
    """The rows once two runs have a permit of each kind; their sum is looked at each time."""
    found = rows(release)
    for kind, number in BUDGET.items():
        assert sum(row["permits"].get(kind, 0) for row in found) <= number, found
    return found if len(found) == 2 and all(min(row["permits"].values()) > 0 for row in found) else []


def most(release: Release) -> dict[str, int]:
    """Jobs and reads that were in flight at once since the counters' reset, as the warehouse itself counted them."""
    with release.bigquery() as warehouse:
        return dict(warehouse.control.counters()["max_in_flight"])


def watch(release: Release) -> None:
    """Count from now on, with calls that take long enough to meet."""
    latency(release, 2.0)
    with release.bigquery() as warehouse:
        warehouse.control.reset()


def assert_within_the_budget(release: Release) -> None:
    seen = most(release)
    assert {kind: seen[kind] <= number for kind, number in BUDGET.items()} == dict.fromkeys(BUDGET, True), seen
    assert seen["read"] > 1, seen  # they did meet


def test_two_rayjobs_share_the_budget(fresh: Release, undisturbed: dict[str, list[str]]) -> None:
    """Both are asked for everything: what one has committed, the other leaves alone."""
    first = begin(fresh, *LIMITS, "workers.replicas=1")
    second = f"{fresh.name}-second"
    place = ("--namespace", fresh.namespace, "--release", fresh.name)
    made = run(BACKCOURT, "submit", *place, "--run", second, "--end", "2023-10-29", "--detach")
    assert made.returncode == 0, made.stdout + made.stderr
    watch(fresh)
    found = until("both runs have a share", lambda: both(fresh), 400)
    assert {row["wish"]["priority"] for row in found} == {"backfill"}
    latency(fresh, 0.4)
    succeeded(fresh, first)
    succeeded(fresh, second)
    assert_within_the_budget(fresh)
    assert computed(fresh) == (undisturbed, {1})
    assert rows(fresh) == []


def test_a_night_gets_its_share_beside_a_rayjob(fresh: Release, undisturbed: dict[str, list[str]]) -> None:
    night = "cronJobs.daily.args={daily,--date,2023-10-29}"
    job = begin(fresh, *LIMITS, night)
    watch(fresh)
    until("the backfill has a share", lambda: rows(fresh), 300)
    fresh.daily("night")
    found = until("both runs have a share", lambda: both(fresh), 300)
    assert {row["wish"]["priority"] for row in found} == {"backfill", "daily"}
    latency(fresh, 0.4)
    assert fresh.job_end("night") == "Complete"
    succeeded(fresh, job)
    assert_within_the_budget(fresh)
    assert computed(fresh) == (undisturbed, {1})
    assert rows(fresh) == []


def test_uninstalling_keeps_the_shares(fresh: Release) -> None:
    """Runs that were submitted outlive their release; their ConfigMap does too."""
    settings = fresh.get("configmap", f"{fresh.name}-backcourt-settings")["data"]["settings.yaml"]
    name = yaml.safe_load(settings)["shares"].partition("/")[2]
    assert run("helm", "uninstall", fresh.name, "--namespace", fresh.namespace).returncode == 0
    assert fresh.get("configmap", name)["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
