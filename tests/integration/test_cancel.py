"""A run that is cancelled from elsewhere: it ends cleanly, and the same run id goes on with what is left."""

from pathlib import Path

import pytest

from tests.integration.in_process import command
from tests.integration.shop_fixtures import NewShop, fair_weather, new_shop, server, stock, whole  # noqa: F401
from tests.integration.shop_runs import Hashes, Shop, eventually


@pytest.fixture
def shop(new_shop: NewShop) -> Shop:  # noqa: F811
    return new_shop()


@pytest.mark.slow
def test_a_cancelled_run_ends_cleanly_and_goes_on_under_its_id(shop: Shop, whole: Hashes) -> None:  # noqa: F811
    assert shop.run("cancel", shop.run_id("season")).code == 2  # no such run yet
    shop.server.control.change(latency={"load": 6.0})
    words = ("backfill", "--yes", "--run", shop.run_id("season"))
    alive = shop.start(*words)
    eventually(lambda: "started" in shop.events(shop.run_id("season")))
    elsewhere = {"BACKCOURT_RUN_FOLDER": str(shop.folder / "another-machine")}
    asked = shop.run("cancel", shop.run_id("season"), "--reason", "wrong source", **elsewhere)
    assert asked.code == 0, asked.told
    assert "start 1" in asked.out
    shop.server.control.change(latency={})
    assert alive.wait(120) == 130, alive.told
    assert shop.events(shop.run_id("season")).count("cancel_asked") == 1
    left = [key for key, outcome in shop.outcomes(shop.run_id("season")).items() if outcome["outcome"] == "left"]
    assert left

    assert shop.run("cancel", shop.run_id("season"), **elsewhere).code == 2  # it has ended
    again = shop.run(*words)
    assert again.code == 0, again.told
    shop.assert_whole(whole)


def test_a_cancel_that_looks_at_the_wrong_bigquery_says_where_it_looked(tmp_path: Path) -> None:
    told = command(("cancel", "season-2023"), {"BACKCOURT_LOCAL_FOLDER": str(tmp_path), "BACKCOURT_PROJECT": ""})
    assert told.code == 2
    assert f"No run season-2023 has started lately in local BigQuery {tmp_path}." in told.text
    assert "Set BACKCOURT_PROJECT" in told.text
