"""`nba_predictions.accuracy_summary`: each system's errors on a date, and over the last 7 and 30 days."""

from datetime import timedelta

import polars as pl

from backcourt.pipeline.processor import Chunk, Input, Inputs, Processor, Window
from backcourt.pipeline.table import Table
from nba.columns import day, in_shape, integer, number, text
from nba.games import on_dates
from nba.predictions import prediction_accuracy

WINDOWS = {"day": 1, "7d": 7, "30d": 30}
"""A window's name to its days; the last of them is the date itself."""

_GRADES = (
    "game_date",
    "player_lookup",
    "system_id",
    "absolute_error",
    "signed_error",
    "within_3_points",
    "within_5_points",
    "prediction_correct",
)

TABLE = Table(
    dataset="nba_predictions",
    name="accuracy_summary",
    partition_by="game_date",
    key=("game_date", "system_id", "window"),
    columns=(
        day("game_date", "The last date of the window.", required=True),
        text("system_id", "The system that predicted.", required=True),
        text("window", "`day`, `7d` or `30d`: calendar days up to and with the date.", required=True),
        integer("predictions", "Graded predictions.", required=True),
        number("mean_absolute_error", "Mean of |predicted − actual|."),
        number("mean_signed_error", "Mean of predicted − actual."),
        number("within_3_pct", "Percentage of errors of 3 points at most."),
        number("within_5_pct", "Percentage of errors of 5 points at most."),
        integer("recommendations", "Recommendations that were right or wrong: no PASS, no push.", required=True),
        number("hit_rate", "Share of them that were right, 0 to 1; NULL without any."),
    ),
    description="One row a date, system and window: errors and hits of the graded predictions.",
    rows_a_date=15,
)


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """The systems with a graded prediction on the date, times the windows."""
    return _systems(chunk, inputs).join(pl.DataFrame({"window": list(WINDOWS)}), how="cross")


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Means over each window's own values in the order of their key; windows may reach into the season before."""
    grades = inputs[prediction_accuracy.TABLE.full_name].select(_GRADES).rename({"game_date": "graded_on"})
    wanted = _systems(chunk, inputs)
    parts = [_summary(wanted, grades, days).with_columns(window=pl.lit(name)) for name, days in WINDOWS.items()]
    return in_shape(pl.concat(parts), TABLE)


def _systems(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    graded = on_dates(inputs[prediction_accuracy.TABLE.full_name], chunk.dates)
    return graded.select("game_date", "system_id").unique().sort("game_date", "system_id")


def _summary(wanted: pl.DataFrame, grades: pl.DataFrame, days: int) -> pl.DataFrame:
    """The figures by date and system.

    Values are gathered into one list a group before they are added: over thousands of them Polars would choose the
    order of addition by how the groups were found.
    """
    since = pl.col("game_date") - timedelta(days=days - 1)
    found = wanted.join(grades, on="system_id").filter(pl.col("graded_on").is_between(since, pl.col("game_date")))
    lists = (
        found.sort("game_date", "system_id", "graded_on", "player_lookup")
        .group_by("game_date", "system_id", maintain_order=True)
        .agg(
            "absolute_error",
            "signed_error",
            pl.col("within_3_points", "within_5_points").mean() * 100,
            predictions=pl.len(),
            recommendations=pl.col("prediction_correct").count(),
            hit_rate=pl.col("prediction_correct").mean(),
        )
    )
    return lists.with_columns(
        mean_absolute_error=pl.col("absolute_error").list.mean(),
        mean_signed_error=pl.col("signed_error").list.mean(),
        within_3_pct="within_3_points",
        within_5_pct="within_5_points",
    ).drop("absolute_error", "signed_error")


PROCESSOR = Processor(
    table=TABLE,
    version="1",
    inputs=(Input(prediction_accuracy.TABLE, _GRADES, Window(same_date=True, days=29)),),
    expected_keys=expected_keys,
    compute=compute,
    bootstrap=True,
)
