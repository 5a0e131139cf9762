"""Mean absolute error of each prediction system on the real season, beside the plain season average.

    .venv/bin/python -m benchmarks.prediction_error [--folder FOLDER]

The season is computed in memory. Models are trained on the first of each month from January on, each on the rows
before that day, so a date is only predicted by a model that has not seen it. All systems are measured on the same
players and dates: those that every system predicts. No line and no injury report is known of these games.
"""

import argparse
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from backcourt.pipeline.processor import Chunk
from backcourt.sources.folder import FolderSource
from benchmarks.markdown import markdown
from benchmarks.season_data import AS_OF, END, REAL, START
from nba.features import NAMES
from nba.pipeline import PIPELINE
from nba.predictions import ml_feature_store_v2, player_prop_predictions
from nba.predictions.model_files import packed
from nba.predictions.training import train
from tests.plain_loop import due_dates, run_in_memory, windowed

TRAININGS = tuple(date(2024, month, 1) for month in (1, 2, 3, 4))
HEADER = ("system", "predictions", "mean absolute error", "mean signed error", "within 3", "within 5")


def main() -> None:
    """Compute the season, train, predict, and print the errors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default=str(REAL), help="Folder of the real games.")
    frames = run_in_memory(PIPELINE, FolderSource(parser.parse_args().folder), START, END, AS_OF, chunk_days=60)
    print(markdown(HEADER, [_row(name, rows) for name, rows in _errors(frames)]))


def _errors(frames: dict[str, pl.DataFrame]) -> list[tuple[str, pl.DataFrame]]:
    """`error` (predicted − actual) of every system over the rows that all of them predict, smallest first."""
    store = frames[ml_feature_store_v2.TABLE.full_name]
    points = frames["nba_analytics.player_game_summary"].select("game_date", "player_lookup", "points")
    with TemporaryDirectory() as folder:
        for until in TRAININGS:
            for name, content in packed(train(store, points, until))[1].items():
                Path(folder, name).write_bytes(content)
        predictions = _predict(frames, folder)
    season = pl.col("features").list.get(NAMES.index("points_avg_season"))
    naive = store.select("game_date", "player_lookup", system_id=pl.lit("season average"), predicted_points=season)
    every = pl.concat([predictions.select(naive.columns), naive]).join(points, on=["game_date", "player_lookup"])
    boosted = predictions.filter(system_id="gradient_boosting").select("game_date", "player_lookup")
    shared = every.join(boosted, on=["game_date", "player_lookup"], how="semi")
    errors = shared.with_columns(error=pl.col("predicted_points") - pl.col("points"))
    groups = [(str(name), rows) for (name,), rows in errors.group_by("system_id")]
    return sorted(groups, key=lambda group: group[1].select(pl.col("error").abs().mean()).item())


def _predict(frames: dict[str, pl.DataFrame], folder: str) -> pl.DataFrame:
    """The predictions of every date from the first training on."""
    assert PIPELINE.calendar is not None
    calendar = PIPELINE.calendar(frames["nba_raw.schedule"])
    processor = player_prop_predictions.PROCESSOR
    days = tuple(day for day in due_dates(processor, calendar, AS_OF) if day >= TRAININGS[0])
    inputs = {each.name: windowed(each, frames[each.name], days, calendar) for each in processor.inputs}
    option = f"{player_prop_predictions.MODELS}{folder}"
    return processor.compute(Chunk(processor.name, days, AS_OF, frozenset({option})), inputs)


def _row(name: str, rows: pl.DataFrame) -> tuple[str, ...]:
    error = rows["error"]
    close = [f"{100 * rows.select((pl.col('error').abs() <= n).mean()).item():.1f} %" for n in (3, 5)]
    means = [rows.select(e.mean()).item() for e in (pl.col("error").abs(), pl.col("error"))]
    return (name, f"{error.len():,}", f"{means[0]:.3f}", f"{means[1]:+.3f}", *close)


if __name__ == "__main__":
    main()
