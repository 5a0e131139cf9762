"""The command is killed while its commit runs: BigQuery goes on with it, and the same command awaits its end.

Kills at every other step and at any instant are in `tests.faults.kills`.
"""

from tests.faults.reader import Reader
from tests.integration import shop
from tests.integration.shop_fixtures import NewShop, fair_weather, new_shop, server, stock, whole  # noqa: F401
from tests.integration.shop_runs import Hashes, eventually


def test_a_command_killed_while_its_commit_runs(new_shop: NewShop, whole: Hashes) -> None:  # noqa: F811
    """The next start awaits the commit before it plans, and so does not repeat its dates."""
    store = new_shop()
    control = store.server.control
    with Reader(store):
        control.reset()
        control.change(latency={"commit": 3.0})
        command = store.start("backfill", "--yes", "--run", store.run_id("running"))
        eventually(lambda: control.counters()["in_flight"]["commit"] > 0 or command.code is not None, 120, 0.02)
        assert command.code is None, command.told
        command.kill()
        running = store.jobs_running()
        assert len(running) == 1
        again = store.backfill("running")
        assert again.code == 0, again.told
    assert running[0].rpartition("-")[0] in again.out.replace("\n", "")
    store.assert_whole(whole)
    assert store.ledger_rows() == 4 * len(shop.DAYS)
    ended = store.outcomes(store.run_id("running"), start=2)
    assert len(ended) < 3 * len(shop.DAYS)
    assert {row["outcome"] for row in ended.values()} == {"committed"}
    assert store.staging() == []
