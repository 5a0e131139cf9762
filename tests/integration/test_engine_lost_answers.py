"""Answers that are lost, late or wrong, one by one: the rows are right and nothing is done twice."""

import pytest

from tests.integration import shop
from tests.integration.runs_here import Here, counted
from tests.integration.shop_fixtures import NewShop, expected, fair_weather, new_shop, server, stock, whole  # noqa: F401
from tests.integration.shop_runs import Hashes

LOAD = {"method": "upload", "job_id_contains": "-load-"}
EVENT = {"method": "insert", "job_id_contains": "-event-"}
COMMIT = {"method": "insert", "job_id_contains": "-commit-"}
AFTER_LOOKUP = {"mode": "error", "reason": "notFound", "method": "get", "times": 1}

CASES = {
    f"{mode} on {name}": [{"mode": mode, **where}]
    for name, where, modes in (
        ("load", LOAD, ("before", "after", "reset_before", "reset_after")),
        ("event", EVENT, ("after", "reset_after")),
        ("commit", COMMIT, ("before", "after", "reset_before", "reset_after")),
    )
    for mode in modes
} | {
    "404 after a lost answer to a load": [{"mode": "after", **LOAD}, {**AFTER_LOOKUP, "job_id_contains": "-load-"}],
    "404 after a lost answer to a commit": [
        {"mode": "reset_after", **COMMIT},
        {**AFTER_LOOKUP, "job_id_contains": "-commit-"},
    ],
    "jobBackendError of a load": [{"mode": "job_error", "reason": "jobBackendError", **LOAD}],
    "jobBackendError of a commit": [{"mode": "job_error", "reason": "jobBackendError", **COMMIT}],
    "jobInternalError of an event": [{"mode": "job_error", "reason": "jobInternalError", **EVENT}],
    "rateLimitExceeded on a commit": [{"mode": "error", "reason": "rateLimitExceeded", **COMMIT}],
    "jobRateLimitExceeded of a load": [{"mode": "job_error", "reason": "jobRateLimitExceeded", **LOAD}],
    "a read refused for its rate": [{"mode": "error", "reason": "rateLimitExceeded", "method": "read"}],
    "a poll that fails": [{"mode": "before", "method": "get", "job_id_contains": "-commit-", "times": 2}],
}
DAYS = shop.DAYS[:3]


@pytest.mark.parametrize("case", CASES)
def test_rows_are_right_and_nothing_is_done_twice(new_shop: NewShop, whole: Hashes, case: str) -> None:  # noqa: F811
    store = new_shop()
    store.server.control.reset()
    store.server.control.change(faults=CASES[case])
    report = Here(store).run("lost", days=DAYS)
    counters = store.server.control.counters()
    assert sum(counters["faults"].values()) == sum(rule.get("times", 1) for rule in CASES[case])  # all of them came
    assert counted(report) == {"committed": 3 * len(DAYS)}
    store.assert_whole({key: value for key, value in whole.items() if key[1] in DAYS})
    # each table changed once: one generation a commit, one ledger row a partition, no row of `runs` twice
    assert store.ledger_rows() == len(shop.DAYS) + 3 * len(DAYS)
    generations = [store.query(f"SELECT generation FROM `{store.state(f'head__{t}')}`") for t in _names()]
    assert generations == [[{"generation": 1}]] * 3
    assert sorted(store.events(store.run_id("lost"))) == ["commit_sent"] * 3 + ["ended", "started"]
    assert store.staging() == []


def _names() -> list[str]:
    return [name.partition(".")[2] for name in shop.DERIVED]
