"""Training of the gradient boosting system: pure functions from the feature store's history to a model and its card.

Walk-forward: a model for `until` has seen no row of that date or later, and the store's rows of a date are made of
earlier games only. Scikit-learn's HistGradientBoostingRegressor on one thread with a fixed seed: the same rows make
the same trees.
"""

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from backcourt.errors import DataError
from backcourt.pipeline.processor import EVERYTHING_BEFORE, Input, Inputs, Trained, Training
from nba.analytics import player_game_summary
from nba.predictions import ml_feature_store_v2
from nba.predictions.model_card import STORE_COLUMNS, ModelCard, check_features
from nba.predictions.model_files import Matrix, Model, card_as_json, packed

SYSTEM = "gradient_boosting"

HOLDOUT_DAYS = 14
"""The last days before `until` that the card's metrics are measured on, by a model that has not seen them."""

MIN_ROWS = 500
"""Rows that a training needs."""

TRAINING_COLUMNS = (*STORE_COLUMNS, "player_lookup", "is_quality_ready")
"""Columns of the feature store that a training reads."""

PARAMETERS: dict[str, Any] = {
    "loss": "absolute_error",
    "learning_rate": 0.05,
    "max_iter": 200,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 40,
    "l2_regularization": 1.0,
    "early_stopping": False,
    "random_state": 0,
}
"""Small trees and no early stopping, for a few thousand noisy rows; the error that is measured is the absolute one."""


def train(store: pl.DataFrame, points: pl.DataFrame, until: date) -> Model:
    """Train on the rows before a date.

    Args:
        store: rows of the feature store in TRAINING_COLUMNS, of any dates; those that are not ready are left out.
        points: `game_date`, `player_lookup`, `points` of the games that were played.
        until: the first date that the model may predict.

    Raises:
        DataError: there are too few rows.
        GateError: they are of several feature versions.
    """
    rows = training_rows(store, points, until)
    if rows.height < MIN_ROWS:
        raise DataError(
            f"{rows.height} rows before {until} are ready and have a result; a training needs {MIN_ROWS}.",
            "Backfill more dates, or train for a later one.",
        )
    first, last = (rows.row(n, named=True) for n in (0, -1))
    import sklearn

    card = ModelCard(
        name=f"{SYSTEM}-{first['feature_version']}-{last['game_date']}",
        feature_version=first["feature_version"],
        feature_count=first["feature_count"],
        feature_names=tuple(first["feature_names"]),
        training_start=first["game_date"],
        training_end=last["game_date"],
        training_rows=rows.height,
        library="scikit-learn",
        library_version=sklearn.__version__,
        metrics=_holdout(rows, until),
    )
    check_features(card, rows)
    return Model(card, _fitted(rows))


def training_rows(store: pl.DataFrame, points: pl.DataFrame, until: date) -> pl.DataFrame:
    """Ready rows before `until` with the points that were scored, ordered by date and player."""
    known = points.filter(pl.col("points").is_not_null()).select("game_date", "player_lookup", "points")
    ready = store.select(TRAINING_COLUMNS).filter("is_quality_ready", pl.col("game_date") < until)
    return ready.join(known, on=["game_date", "player_lookup"]).sort("game_date", "player_lookup")


def matrix(rows: pl.DataFrame) -> Matrix:
    """The features as one row a player and one column a feature."""
    width = int(rows["feature_count"][0]) if rows.height else 0
    return np.array(rows["features"].to_list(), dtype=np.float64).reshape(rows.height, width)


def _fitted(rows: pl.DataFrame) -> Any:
    """The trees; one thread, because the order of sums would depend on their number."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        return HistGradientBoostingRegressor(**PARAMETERS).fit(matrix(rows), rows["points"].to_numpy())


def _holdout(rows: pl.DataFrame, until: date) -> dict[str, float]:
    """Errors on the last days of a model that was trained on the days before; {} where one side has too few rows."""
    split = until - timedelta(days=HOLDOUT_DAYS)
    seen, held = rows.filter(pl.col("game_date") < split), rows.filter(pl.col("game_date") >= split)
    if seen.height < MIN_ROWS or not held.height:
        return {}
    actual = held["points"].to_numpy()
    predicted = _fitted(seen).predict(matrix(held))
    average = held["features"].list.get(list(held["feature_names"][0]).index("points_avg_season")).to_numpy()
    return {
        "holdout_rows": float(held.height),
        "holdout_mean_absolute_error": float(np.abs(predicted - actual).mean()),
        "holdout_mean_absolute_error_of_season_average": float(np.abs(average - actual).mean()),
    }


def _train(until: date, inputs: Inputs) -> Trained:
    store, games = inputs[ml_feature_store_v2.TABLE.full_name], inputs[player_game_summary.TABLE.full_name]
    card, files = packed(train(store, games, until))
    return Trained(card.name, card_as_json(card), card.metrics, files)


TRAINING = Training(
    name=SYSTEM,
    inputs=(
        Input(ml_feature_store_v2.TABLE, TRAINING_COLUMNS, EVERYTHING_BEFORE),
        Input(player_game_summary.TABLE, ("game_date", "player_lookup", "points"), EVERYTHING_BEFORE),
    ),
    train=_train,
)
