"""The declared ranges hold for every date and month of the real season, and show columns under each other's names."""

import polars as pl
import pytest

from backcourt.pipeline.plausibility import implausible_dates, implausible_months
from backcourt.pipeline.processor import Processor
from nba.analytics import player_game_summary
from nba.pipeline import PIPELINE
from nba.raw import player_box_scores
from tests.unit.nba.real_season import needs_real_data, season

pytestmark = [pytest.mark.real_data, needs_real_data]

DECLARING = [p for p in PIPELINE.processors if p.plausible]
TO_THE_LEFT = {"steals": "blocks", "blocks": "turnovers", "turnovers": "steals"}
TO_THE_RIGHT = {new: old for old, new in TO_THE_LEFT.items()}
SWAPS = [
    {"steals": "blocks", "blocks": "steals"},
    {"blocks": "turnovers", "turnovers": "blocks"},
    {"steals": "turnovers", "turnovers": "steals"},
    TO_THE_LEFT,
    TO_THE_RIGHT,
]


@pytest.mark.parametrize("processor", DECLARING, ids=lambda p: p.table.name)
def test_no_date_and_no_month_of_the_real_season_is_implausible(processor: Processor) -> None:
    rows, by = season()[processor.name], processor.table.partition_by
    assert rows.height > 2_000
    assert implausible_months(processor.plausible, rows, by) == ()
    assert implausible_dates(processor.plausible, rows, by) == {}


@pytest.mark.parametrize("swap", SWAPS, ids=lambda s: ",".join(f"{a}>{b}" for a, b in s.items()))
@pytest.mark.parametrize("processor", [player_box_scores.PROCESSOR, player_game_summary.PROCESSOR], ids=["raw", "pgs"])
def test_columns_under_each_others_names_are_seen_in_every_full_month(
    processor: Processor, swap: dict[str, str]
) -> None:
    swapped = season()[processor.name].rename(swap)
    found = {month for month, _ in implausible_months(processor.plausible, swapped, "game_date")}
    months = swapped.group_by(month=pl.col("game_date").dt.truncate("1mo")).agg(pl.col("game_id").n_unique())
    assert found >= set(months.filter(pl.col("game_id") >= 50)["month"].to_list())


def test_a_full_date_shows_the_mix_up_of_the_real_file() -> None:
    swapped = season()[player_box_scores.TABLE.full_name].rename(TO_THE_LEFT)
    found = implausible_dates(player_box_scores.PROCESSOR.plausible, swapped, "game_date")
    games = dict(swapped.group_by("game_date").agg(pl.col("game_id").n_unique()).iter_rows())
    full = {day for day, number in games.items() if number >= 10}
    assert len(full) > 40
    assert len(full & set(found)) / len(full) > 0.95
