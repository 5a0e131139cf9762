"""The work as a pipeline of backcourt, and the files that its source reads."""

from datetime import timedelta
from pathlib import Path

import polars as pl

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.processor import SAME_DATE, Chunk, Feed, Input, Inputs, Pipeline, Processor, Window
from backcourt.pipeline.table import Column, FieldType, Table
from benchmarks.averages.work import DATASET, RAW, WINDOW_DAYS, Work

DAY = Column("day", FieldType.DATE, "The day.", required=True)
PLAYER = Column("player", FieldType.INT64, "The player.", required=True)
POINTS = Column("points", FieldType.FLOAT64, "What the player made.", required=True)
AVERAGE = Column("average", FieldType.FLOAT64, "Mean of the points of 31 days.", required=True)
FEED = Feed("scores", (DAY, PLAYER, POINTS), "day", files=("scores*",))
SCORES = Table(RAW, "scores", "day", ("day", "player"), FEED.columns, "One row a player and day.")
AVERAGES = Table(DATASET, "averages", "day", ("day", "player"), (DAY, PLAYER, AVERAGE), "A player's month.")


def write_scores(work: Work, folder: Path) -> None:
    """The source's file."""
    schema = {"day": pl.Date, "player": pl.Int64, "points": pl.Float64}
    pl.DataFrame(list(work.scores()), schema=schema, orient="row").write_parquet(folder / "scores.parquet")


def _scores(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    return inputs[FEED.full_name].filter(pl.col("day").is_in(list(chunk.dates)))


def _players_of_feed(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    return _scores(chunk, inputs).select("day", "player")


def _players(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Everybody who made points on the date."""
    return inputs[SCORES.full_name].filter(pl.col("day").is_in(list(chunk.dates))).select("day", "player")


def _averages(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    scores = inputs[SCORES.full_name].sort("player", "day")
    months = []
    for day in chunk.dates:
        window = scores.filter(pl.col("day").is_between(day - timedelta(days=WINDOW_DAYS - 1), day))
        means = window.group_by("player", maintain_order=True).agg(pl.col("points").mean().alias("average"))
        months.append(means.select(pl.lit(day).alias("day"), "player", "average"))
    return pl.concat(months)


def _calendar(rows: pl.DataFrame) -> Calendar:
    return Calendar(tuple(sorted(set(rows["day"].to_list()))))


PIPELINE = Pipeline(
    name="averages",
    processors=(
        Processor(
            SCORES,
            "1",
            (Input(FEED, ("day", "player", "points"), SAME_DATE),),
            _players_of_feed,
            _scores,
            needs_final_games=False,
        ),
        Processor(
            AVERAGES,
            "1",
            (Input(SCORES, ("day", "player", "points"), Window(same_date=True, days=WINDOW_DAYS - 1)),),
            _players,
            _averages,
            needs_final_games=False,
        ),
    ),
    schedule=SCORES,
    schedule_columns=("day",),
    calendar=_calendar,
)
