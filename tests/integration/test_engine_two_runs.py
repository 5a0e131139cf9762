"""Two runs over the same new dates at once, and one run started twice, where the server lets both checks pass first."""

from concurrent.futures import ThreadPoolExecutor

from ray_tasks.run import RunReport
from tests.integration import shop
from tests.integration.runs_here import Here, counted
from tests.integration.shop_fixtures import NewShop, fair_weather, new_shop, server, stock, whole  # noqa: F401
from tests.integration.shop_runs import Hashes, Shop


def together(store: Shop, *names: str) -> list[RunReport]:
    """Start these runs at once; a commit waits two seconds for a rival on its table."""
    store.server.control.reset()
    store.server.control.change(race=2.0)
    heres = [
        Here(Shop(store.server, store.folder, store.installed, stock=store.stock, number=store.number)) for _ in names
    ]
    with ThreadPoolExecutor(len(names)) as threads:
        return list(threads.map(lambda pair: pair[0].run(pair[1]), zip(heres, names, strict=True)))


def assert_each_partition_has_one_winner(store: Shop, reports: list[RunReport], whole: Hashes) -> None:  # noqa: F811
    assert [r.exit_code for r in reports] == [0, 0]
    ended = [counted(r) for r in reports]
    # a later table of one run may find its inputs committed by the other, and commit on top of them
    assert all(set(each) <= {"committed", "superseded", "unchanged", "renewed", "current"} for each in ended)
    assert sum(each.get("superseded", 0) for each in ended) > 0
    store.assert_whole(whole)
    assert len(store.rows("shop.revenue")) == len(shop.DAYS) * len(shop.STORES)
    first_commits = store.query(
        f"SELECT table_name, partition_date FROM `{store.state('ledger')}` WHERE commit_id = rows_commit"
        " AND table_name = 'shop.revenue' GROUP BY table_name, partition_date HAVING COUNT(*) > 1"
    )
    assert first_commits == []  # revenue has no input that moves: its partitions are written once
    assert store.server.control.counters()["conflicts"] > 0
    assert store.staging() == []


def test_two_runs_over_the_same_dates_end_as_one(new_shop: NewShop, whole: Hashes) -> None:  # noqa: F811
    store = new_shop()
    assert_each_partition_has_one_winner(store, together(store, "left", "right"), whole)


def test_one_run_started_twice_ends_as_one(new_shop: NewShop, whole: Hashes) -> None:  # noqa: F811
    store = new_shop()
    reports = together(store, "same", "same")
    assert sorted(r.identity.start for r in reports) == [1, 2]
    assert_each_partition_has_one_winner(store, reports, whole)


def test_the_dates_of_both_are_there_when_runs_overlap_in_part(new_shop: NewShop, whole: Hashes) -> None:  # noqa: F811
    store = new_shop()
    store.server.control.change(race=2.0)
    here = Here(store)
    with ThreadPoolExecutor(2) as threads:
        early = threads.submit(here.run, "early", days=shop.DAYS[:25])
        late = threads.submit(here.run, "late", days=shop.DAYS[15:])
        reports = [early.result(), late.result()]
    assert [r.exit_code for r in reports] == [0, 0]
    Here(store).run("after")  # what looked over the other run's holes is stale and done again
    store.assert_whole(whole)
