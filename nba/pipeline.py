"""The NBA pipeline: its tables, its export, its models, and the schedule that says which dates exist.

The order of the list means nothing: waves follow from the declared inputs.
"""

from backcourt.pipeline.processor import Pipeline
from nba.analytics import (
    player_game_summary,
    team_defense_game_summary,
    team_offense_game_summary,
    upcoming_player_game_context,
    upcoming_team_game_context,
)
from nba.exports import game_date
from nba.precompute import (
    player_composite_factors,
    player_daily_cache,
    player_shot_zone_analysis,
    team_defense_zone_analysis,
)
from nba.predictions import (
    accuracy_summary,
    ml_feature_store_v2,
    player_prop_predictions,
    prediction_accuracy,
    training,
)
from nba.raw import injury_report, player_box_scores, player_props, schedule, shots
from nba.spot_checks import SPOT_CHECKS

PROCESSORS = (
    schedule.PROCESSOR,
    player_box_scores.PROCESSOR,
    shots.PROCESSOR,
    player_props.PROCESSOR,
    injury_report.PROCESSOR,
    player_game_summary.PROCESSOR,
    team_offense_game_summary.PROCESSOR,
    team_defense_game_summary.PROCESSOR,
    upcoming_team_game_context.PROCESSOR,
    upcoming_player_game_context.PROCESSOR,
    team_defense_zone_analysis.PROCESSOR,
    player_shot_zone_analysis.PROCESSOR,
    player_composite_factors.PROCESSOR,
    player_daily_cache.PROCESSOR,
    ml_feature_store_v2.PROCESSOR,
    player_prop_predictions.PROCESSOR,
    prediction_accuracy.PROCESSOR,
    accuracy_summary.PROCESSOR,
)

PIPELINE = Pipeline(
    name="nba",
    processors=PROCESSORS,
    schedule=schedule.TABLE,
    schedule_columns=schedule.CALENDAR_COLUMNS,
    calendar=schedule.calendar,
    timezone="America/New_York",
    exports=(game_date.export(p.table for p in PROCESSORS),),
    trainings=(training.TRAINING,),
    spot_checks=SPOT_CHECKS,
)
