"""A model's card: what it was trained on. Whoever uses a model compares its card with the rows first.

`v2_34features` once reached production under a model of 33 features, and every number was read one place off.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from backcourt.errors import GateError
from nba import features


@dataclass(frozen=True)
class ModelCard:
    """What a model declares about itself.

    `training_start` and `training_end` are the first and the last date that it has seen; a formula has seen none.
    `sha256` is the hash of the model's file, "" for a formula. `metrics` are figures by name.
    """

    name: str
    feature_version: str
    feature_count: int
    feature_names: tuple[str, ...]
    training_start: date | None = None
    training_end: date | None = None
    training_rows: int = 0
    library: str = ""
    library_version: str = ""
    sha256: str = ""
    metrics: dict[str, float] = field(default_factory=dict)


FORMULAS = ModelCard("The set of formulas", features.VERSION, len(features.NAMES), features.NAMES)
"""What the systems that are formulas read."""

STORE_COLUMNS = ("game_date", "feature_version", "feature_count", "feature_names", "features")
"""Columns of the feature store that `check_features` needs."""


def check_features(card: ModelCard, store: pl.DataFrame) -> None:
    """Refuse rows of the feature store that are not what the model was trained on.

    Raises:
        GateError: a row's version, count, names or number of values differ from the card's; names both.
    """
    kinds = store.group_by(
        "feature_version",
        "feature_count",
        names=pl.col("feature_names").list.join(", ", ignore_nulls=False),
        values=pl.col("features").list.len().cast(pl.Int64),
    ).agg(pl.col("game_date").min())
    declared = (card.feature_version, card.feature_count, ", ".join(card.feature_names), card.feature_count)
    for version, count, names, values, day in kinds.sort("game_date").iter_rows():
        if (version, count, names, values) != declared:
            raise GateError(
                f"{card.name} was made for {_described(*declared)}, but the feature store of {day} holds "
                f"{_described(version, count, names, values)}{_first_difference(card.feature_names, names)}.",
                "Use a model that was trained on the store's features, or compute the store again with the model's.",
            )


def _described(version: str, count: int, names: str | None, values: int) -> str:
    named = len(names.split(", ")) if names else 0
    odd = "" if count == named == values else f", {named} names and {values} values"
    return f"{version} ({count} features{odd})"


def _first_difference(ours: Sequence[str], names: str | None) -> str:
    theirs = names.split(", ") if names else []
    pairs = enumerate(zip([*ours, "nothing"], [*theirs, "nothing"], strict=False), start=1)
    return next((f"; feature {n} is {b}, the model's is {a}" for n, (a, b) in pairs if a != b), "")
