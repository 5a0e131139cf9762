"""`nba_predictions.prediction_accuracy`: how far each prediction was from what the player scored."""

import polars as pl

from backcourt.pipeline.processor import SAME_DATE, Chunk, Input, Inputs, Processor
from backcourt.pipeline.table import Table
from nba.analytics import player_game_summary
from nba.columns import day, flag, in_shape, instant, integer, number, text
from nba.games import on_dates
from nba.predictions import player_prop_predictions

CLOSE, NEAR = 3, 5
"""Points within which a prediction is counted as close, and as near; both include the figure itself."""

TABLE = Table(
    dataset="nba_predictions",
    name="prediction_accuracy",
    partition_by="game_date",
    key=("game_date", "player_lookup", "system_id"),
    columns=(
        text("player_lookup", "The player's key.", required=True),
        text("game_id", "The game.", required=True),
        day("game_date", "The game's date in America/New_York.", required=True),
        text("system_id", "The system that predicted.", required=True),
        text("team_abbr", "The player's team."),
        text("opponent_team_abbr", "The other team."),
        number("predicted_points", "What was predicted."),
        number("confidence_score", "0 to 1."),
        integer("confidence_decile", "1 to 10: 1 is a confidence below 0.1, 10 one of 0.9 or more."),
        text("recommendation", "`OVER`, `UNDER` or `PASS`."),
        number("line_value", "The line at the time of the prediction."),
        integer("actual_points", "What he scored."),
        number("minutes_played", "Minutes played."),
        number("absolute_error", "|predicted − actual|."),
        number("signed_error", "Predicted − actual."),
        flag("prediction_correct", "Whether the recommendation was right; NULL for PASS, a push or no line."),
        number("predicted_margin", "Predicted points minus the line."),
        number("actual_margin", "Actual points minus the line."),
        flag("within_3_points", "Whether the error is 3 points at most."),
        flag("within_5_points", "Whether the error is 5 points at most."),
        text("model_version", "The model's name, or the formula's version."),
        text("feature_version", "The features that were read."),
        instant("graded_at", "NULL: the same rows must come out whenever they are made; computed_at says when."),
    ),
    description="One row a prediction of a player who played: its error, and whether its recommendation was right.",
    rows_a_date=900,
)

_PREDICTED = (
    "game_date",
    "game_id",
    "player_lookup",
    "system_id",
    "predicted_points",
    "confidence_score",
    "recommendation",
    "current_points_line",
    "line_margin",
    "model_version",
    "feature_version",
)
_PLAYED = ("game_date", "game_id", "player_lookup", "team_abbr", "opponent_team_abbr", "points", "minutes_played")


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """The predictions of players who played."""
    key = ("game_date", "player_lookup", "system_id")
    return _graded(chunk, inputs).select(key).sort(key)


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Errors and hits; a prediction of a player who did not play is not graded."""
    signed = pl.col("predicted_points") - pl.col("actual_points")
    margin = pl.col("actual_points") - pl.col("line_value")
    hit = (
        pl.when((pl.col("recommendation") == "OVER") & (margin != 0))
        .then(margin > 0)
        .when((pl.col("recommendation") == "UNDER") & (margin != 0))
        .then(margin < 0)
    )
    rows = _graded(chunk, inputs).rename(
        {"points": "actual_points", "current_points_line": "line_value", "line_margin": "predicted_margin"}
    )
    return in_shape(
        rows.with_columns(
            signed_error=signed,
            absolute_error=signed.abs(),
            actual_margin=margin,
            prediction_correct=hit,
            confidence_decile=((pl.col("confidence_score") * 10).floor() + 1).clip(1, 10).cast(pl.Int64),
            within_3_points=signed.abs() <= CLOSE,
            within_5_points=signed.abs() <= NEAR,
            graded_at=pl.lit(None),
        ),
        TABLE,
    )


def _graded(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """The predictions beside what the player did in that game."""
    predictions = on_dates(inputs[player_prop_predictions.TABLE.full_name], chunk.dates).select(_PREDICTED)
    played = on_dates(inputs[player_game_summary.TABLE.full_name], chunk.dates).select(_PLAYED)
    return predictions.join(played, on=["game_date", "game_id", "player_lookup"])


PROCESSOR = Processor(
    table=TABLE,
    version="1",
    inputs=(
        Input(player_prop_predictions.TABLE, _PREDICTED, SAME_DATE),
        Input(player_game_summary.TABLE, _PLAYED, SAME_DATE),
    ),
    expected_keys=expected_keys,
    compute=compute,
    bootstrap=True,
)
