"""A whole run whose answers are lost, late or wrong: the rows are right and nothing is done twice.

The table of all cases is `lost_answers.py`, one partition each; here are those that a run around them could spoil.
"""

import pytest

from tests.integration import shop
from tests.integration.runs_here import Here, counted
from tests.integration.shop_fixtures import NewShop, expected, fair_weather, new_shop, server, stock, whole  # noqa: F401
from tests.integration.shop_runs import Hashes

LOAD = {"method": "upload", "job_id_contains": "-load-"}
COMMIT = {"method": "insert", "job_id_contains": "-commit-"}

CASES = {
    "lost answers to loads": [{"mode": "reset_after", "times": 3, **LOAD}],
    "lost answers to commits": [{"mode": "after", "times": 3, **COMMIT}],
    "jobBackendError of a commit": [{"mode": "job_error", "reason": "jobBackendError", **COMMIT}],
    "rateLimitExceeded on a commit": [{"mode": "error", "reason": "rateLimitExceeded", **COMMIT}],
    "a read refused for its rate": [{"mode": "error", "reason": "rateLimitExceeded", "method": "read"}],
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
