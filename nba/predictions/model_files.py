"""Models as files: a folder with `<name>.card.json` beside `<name>.skops`, local or anything that fsspec opens.

skops (`skops.io`, read 2026-11) stores an estimator as a zip of JSON and arrays and builds only types that are known
or named here, so that a file cannot run code when it is opened, as a pickle can. The card holds the file's hash.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import Any
from zipfile import BadZipFile

import numpy as np
from fsspec.core import url_to_fs
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from backcourt.errors import DataError, UsageError
from nba.predictions.model_card import ModelCard

TRUSTED = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
"""Types besides skops' own that a model of gradient boosted trees is made of."""

CARD, MODEL = ".card.json", ".skops"
_CARDS = TypeAdapter(ModelCard)

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """A card and the estimator that it describes; `estimator` has scikit-learn's `predict`."""

    card: ModelCard
    estimator: Any

    def predict(self, day: date, values: Matrix) -> Matrix:
        """Points for the rows of a date, one row a player and one column a feature.

        Raises:
            DataError: the model has seen that date or a later one.
        """
        if self.card.training_end is None or self.card.training_end >= day:
            raise DataError(
                f"Model {self.card.name} was trained until {self.card.training_end} and must not predict {day}.",
                "Use a model whose training ended before the date.",
            )
        predicted: Matrix = self.estimator.predict(values)
        return predicted


@dataclass(frozen=True)
class ModelFolder:
    """The models of a folder; `cards` by the last date that they have seen."""

    address: str
    cards: tuple[ModelCard, ...]

    def card_for(self, day: date) -> ModelCard | None:
        """The card of the newest model that has seen nothing of `day` or later."""
        before = [card for card in self.cards if card.training_end and card.training_end < day]
        return before[-1] if before else None

    def load(self, card: ModelCard) -> Model:
        """The model that belongs to a card.

        Raises:
            DataError: the file is not the one that the card describes, or holds a type that is not trusted.
        """
        from skops import io
        from skops.io.exceptions import UntrustedTypesFoundException

        file = f"{self.address}/{card.name}{MODEL}"
        content = _content(file)
        if sha256(content).hexdigest() != card.sha256:
            raise DataError(f"{file} is not the file that its card describes.", "Train the model again.")
        try:
            return Model(card, io.loads(content, trusted=list(TRUSTED)))
        except (UntrustedTypesFoundException, BadZipFile, ValueError, KeyError) as error:
            raise DataError(f"{file} is no model that can be trusted: {error}.", "Train the model again.") from error


NO_MODELS = ModelFolder("", ())


def open_models(address: str) -> ModelFolder:
    """Read the cards of a folder.

    Raises:
        UsageError: there is no such folder.
        DataError: a card is no card.
    """
    fs, root = url_to_fs(address)
    if not fs.isdir(root):
        raise UsageError(f"There is no folder of models {address}.", "Give the folder that `train` has written to.")
    found = (_card(fs.unstrip_protocol(file)) for file in fs.ls(root, detail=False) if file.endswith(CARD))
    return ModelFolder(address.rstrip("/"), by_age(found))


def by_age(cards: Iterable[ModelCard]) -> tuple[ModelCard, ...]:
    """Cards by the last date that the model has seen, then by name."""
    return tuple(sorted(cards, key=lambda card: (card.training_end or date.min, card.name)))


def packed(model: Model) -> tuple[ModelCard, dict[str, bytes]]:
    """The card with the hash of the model file, and both files by name; the card last: it vouches for the other."""
    from skops import io

    content: bytes = io.dumps(model.estimator)
    card = replace(model.card, sha256=sha256(content).hexdigest())
    return card, {f"{card.name}{MODEL}": content, f"{card.name}{CARD}": _CARDS.dump_json(card, indent=2) + b"\n"}


def card_as_json(card: ModelCard) -> dict[str, Any]:
    """A card as JSON holds it."""
    return dict(_CARDS.dump_python(card, mode="json"))


def _card(file: str) -> ModelCard:
    try:
        return _CARDS.validate_json(_content(file))
    except ValidationError as error:
        raise DataError(f"{file} is no model card: {error.errors()[0]['msg']}.", "Train the model again.") from error


def _content(file: str) -> bytes:
    fs, path = url_to_fs(file)
    try:
        content: bytes = fs.cat_file(path)
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error}.", "Train the model again.") from error
    return content
