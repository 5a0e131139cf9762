"""For whom a date's rows are due: those who played, once it is over; those who are expected, while it is today."""

from datetime import timedelta

import pytest

from backcourt.pipeline.processor import Chunk, Processor
from nba.analytics import player_game_summary, upcoming_player_game_context
from nba.pipeline import PIPELINE
from nba.precompute import player_composite_factors, player_daily_cache
from nba.predictions import ml_feature_store_v2
from nba.raw import schedule
from tests.unit.nba.test_formulas import table_rows
from tests.unit.nba.test_upcoming_context import DAY, TODAY, fixture, played

PLAYERS = {"both": "MIA", "early": "MIA", "late": "BOS", "other": "BOS"}
PROCESSORS = (player_composite_factors.PROCESSOR, player_daily_cache.PROCESSOR, ml_feature_store_v2.PROCESSOR)


def due(processor: Processor, days_ahead: int) -> set[str]:
    """Expected players of DAY on a later as-of date. `early` was expected and sat out, `late` the reverse."""
    earlier = [played(3 * n, who, of) for n in range(1, 6) for who, of in PLAYERS.items()]
    box_scores = [played(0, who, of) for who, of in PLAYERS.items() if who != "early"]
    expected = [played(0, who, of) for who, of in PLAYERS.items() if who != "late"]
    tables = {
        schedule: [TODAY, *(fixture(3 * n, "MIA", "BOS") for n in range(1, 6))],
        player_game_summary: [*box_scores, *earlier],
        upcoming_player_game_context: expected,
    }
    inputs = {each.name: table_rows(PIPELINE.processor(each.name), []) for each in processor.inputs}
    inputs |= {module.TABLE.full_name: table_rows(module.PROCESSOR, rows) for module, rows in tables.items()}
    chunk = Chunk(processor.name, (DAY,), DAY + timedelta(days=days_ahead))
    return set(processor.expected_keys(chunk, inputs)["player_lookup"])


@pytest.mark.parametrize("processor", PROCESSORS, ids=lambda p: p.table.name)
def test_today_upcg_says_who_plays_tonight_and_afterwards_pgs_who_played(processor: Processor) -> None:
    assert due(processor, 0) == {"both", "early", "other"}
    assert due(processor, 1) == {"both", "late", "other"}
