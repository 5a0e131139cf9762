"""Models: the feature-version gate (the 33/34 accident), training that cannot see the future, files that are safe."""

import pickle
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from backcourt.errors import DataError, GateError, UsageError
from backcourt.exports.whole_files import WholeFiles
from backcourt.pipeline.processor import Chunk
from nba.analytics import player_game_summary
from nba.features import NAMES, VERSION
from nba.precompute import team_defense_zone_analysis
from nba.predictions import ml_feature_store_v2, player_prop_predictions
from nba.predictions.model_card import FORMULAS, ModelCard, check_features
from nba.predictions.model_files import Model, ModelFolder, by_age, open_models, packed
from nba.predictions.training import matrix, train
from nba.raw import schedule
from tests.unit.nba.test_formulas import table_rows

DAY = date(2024, 2, 1)
PROCESSOR = player_prop_predictions.PROCESSOR


def store_rows(days: list[date], players: int = 60, names: tuple[str, ...] = NAMES, **more: Any) -> pl.DataFrame:
    """Rows of the store with random features, equal in every run."""
    random = np.random.default_rng(1)
    rows = [
        {
            "game_date": day,
            "player_lookup": f"player{n}",
            "game_id": "g",
            "team_abbr": "MIA",
            "opponent_team_abbr": "BOS",
            "days_rest": 1,
            "features": random.uniform(1, 30, len(names)).tolist(),
            "feature_names": list(names),
            "feature_count": len(names),
            "feature_version": VERSION,
            "feature_quality_score": 90.0,
            "is_quality_ready": True,
            "has_vegas_line": False,
            **more,
        }
        for day in days
        for n in range(players)
    ]
    return table_rows(ml_feature_store_v2.PROCESSOR, rows)


def history(until: date = DAY, days: int = 20) -> list[date]:
    """The days before a date."""
    return [until - timedelta(days=n) for n in range(days, 0, -1)]


def scored(store: pl.DataFrame) -> pl.DataFrame:
    """Each player scored what the feature points_avg_season says, and two."""
    points = pl.col("features").list.get(NAMES.index("points_avg_season")).round().cast(pl.Int64) + 2
    return store.select("game_date", "player_lookup", "game_id", points=points, season_year=2023)


@cache
def trained(until: date = DAY) -> Model:
    store = store_rows(history(until))
    return train(store, scored(store), until)


def save_model(model: Model, folder: str) -> ModelCard:
    card, files = packed(model)
    for name, content in files.items():
        WholeFiles(folder, "--models").put(name, content)
    return card


def predict(store: pl.DataFrame, *options: str) -> pl.DataFrame:
    """The predictions of the day."""
    fixtures = [
        {"game_id": "g", "game_date": DAY, "season_year": 2023, "home_team_tricode": "MIA", "away_team_tricode": "BOS"}
    ]
    inputs = {
        schedule.TABLE.full_name: table_rows(schedule.PROCESSOR, fixtures),
        ml_feature_store_v2.TABLE.full_name: store,
        player_game_summary.TABLE.full_name: table_rows(player_game_summary.PROCESSOR, []),
        team_defense_zone_analysis.TABLE.full_name: table_rows(team_defense_zone_analysis.PROCESSOR, []),
    }
    chunk = Chunk("t", (DAY,), DAY, frozenset(options))
    expected = PROCESSOR.expected_keys(chunk, inputs)
    rows = PROCESSOR.compute(chunk, inputs)
    assert expected.sort(expected.columns).equals(rows.select(expected.columns).sort(expected.columns))
    return rows


# --- the gate -----------------------------------------------------------------------------------------------------


def test_the_accident_34_features_under_a_model_of_33() -> None:
    """A new feature slipped in before the seventh: every number after it would be read one place off."""
    names = (*NAMES[:6], "travel_miles", *NAMES[6:])
    store = store_rows([DAY], 3, names, feature_version="v2_34features")
    with pytest.raises(GateError) as refusal:
        check_features(FORMULAS, store)
    assert "v2_33features (33 features), but the feature store of 2024-02-01 holds v2_34features (34 features)" in str(
        refusal.value
    )
    assert "feature 7 is travel_miles, the model's is shot_zone_mismatch_score" in refusal.value.what
    with pytest.raises(GateError, match="v2_34features"):
        predict(store)


def test_one_row_of_another_version_is_enough() -> None:
    store = pl.concat([store_rows([DAY], 3), store_rows([DAY], 1, feature_version="v3", is_quality_ready=False)])
    with pytest.raises(GateError, match=r"holds v3 \(33 features\)"):
        predict(store)


@pytest.mark.parametrize(
    ("store", "said"),
    [
        (store_rows([DAY], 1, feature_count=34), "v2_33features (34 features, 33 names and 33 values)"),
        (store_rows([DAY], 1, features=[1.0] * 32), "v2_33features (33 features, 33 names and 32 values)"),
        (store_rows([DAY], 1, NAMES[:32]), "v2_33features (32 features); feature 33 is nothing"),
        (store_rows([DAY], 1, (*NAMES[1::-1], *NAMES[2:])), "feature 1 is points_avg_last_10"),
    ],
)
def test_count_names_and_values_must_agree_too(store: pl.DataFrame, said: str) -> None:
    with pytest.raises(GateError) as refusal:
        check_features(FORMULAS, store)
    assert said in refusal.value.what


def test_rows_that_fit_pass() -> None:
    check_features(FORMULAS, store_rows([DAY], 3))
    check_features(FORMULAS, store_rows([]))


def test_a_model_of_other_features_stops_the_predictions(tmp_path: Path) -> None:
    model = trained()
    save_model(Model(replace(model.card, feature_version="v1_25features"), model.estimator), str(tmp_path))
    with pytest.raises(GateError, match="v1_25features"):
        predict(store_rows([DAY], 3), f"models={tmp_path}")


# --- training -----------------------------------------------------------------------------------------------------


def test_the_card_says_what_the_model_has_seen() -> None:
    card = trained().card
    assert (card.training_start, card.training_end) == (date(2024, 1, 12), date(2024, 1, 31))
    assert (card.feature_version, card.feature_count, card.feature_names) == (VERSION, 33, NAMES)
    assert (card.training_rows, card.library) == (1200, "scikit-learn")
    assert card.name == "gradient_boosting-v2_33features-2024-01-31"
    assert card.metrics == {}, "six days before the last fourteen are too few rows"


def test_the_metrics_are_of_days_that_the_measured_model_has_not_seen() -> None:
    """Points follow the season's average but for two points, which trees learn better than within one point."""
    store = store_rows(history(days=40))
    metrics = train(store, scored(store), DAY).card.metrics
    assert metrics["holdout_rows"] == 14 * 60
    assert metrics["holdout_mean_absolute_error_of_season_average"] == pytest.approx(2.0, abs=0.1)
    assert metrics["holdout_mean_absolute_error"] < 1


def test_a_planted_leak_changes_nothing() -> None:
    """Rows of the date itself and later say that everybody scores 1000 points: the model must not have seen them."""
    before = store_rows(history())
    later = store_rows([DAY, DAY + timedelta(days=5)])
    leak = pl.concat([scored(before), scored(later).with_columns(points=pl.lit(1000, dtype=pl.Int64))])
    model = train(pl.concat([later, before]), leak, DAY)
    assert model.card.training_end == date(2024, 1, 31)
    values = matrix(later)
    assert np.array_equal(model.predict(DAY, values), trained().predict(DAY, values))
    caught = train(pl.concat([later, before]), leak, DAY + timedelta(days=9))
    assert not np.array_equal(caught.predict(DAY + timedelta(days=9), values), model.predict(DAY, values)), (
        "with the same rows in its past a model does see them"
    )


def test_the_same_rows_make_the_same_model_in_any_order() -> None:
    store = store_rows(history())
    shuffled = store.sample(fraction=1.0, shuffle=True, seed=3)
    values = matrix(store)
    first, second = (train(rows, scored(rows), DAY).predict(DAY, values) for rows in (store, shuffled))
    assert np.array_equal(first, second)


def test_rows_that_are_not_ready_or_have_no_result_teach_nothing() -> None:
    store = store_rows(history())
    unready = store_rows(history(), is_quality_ready=False).with_columns(player_lookup=pl.lit("other"))
    unplayed = store_rows(history()).with_columns(player_lookup=pl.lit("injured"))
    assert train(pl.concat([store, unready, unplayed]), scored(pl.concat([store, unready])), DAY).card == trained().card


def test_too_few_rows_are_refused() -> None:
    store = store_rows(history(), 20)
    with pytest.raises(DataError, match="400 rows before 2024-02-01"):
        train(store, scored(store), DAY)


def test_rows_of_two_versions_are_refused() -> None:
    store = pl.concat([store_rows(history()), store_rows([date(2024, 1, 2)], feature_version="v1")])
    with pytest.raises(GateError, match="v2_33features"):
        train(store, scored(store), DAY)


# --- files and dates ----------------------------------------------------------------------------------------------


def test_a_model_predicts_only_what_comes_after_its_training() -> None:
    model = trained()
    for day in (date(2024, 1, 31), date(2024, 1, 1)):
        with pytest.raises(DataError, match="must not predict"):
            model.predict(day, matrix(store_rows([day], 1)))


def test_the_newest_model_that_has_not_seen_the_date_is_chosen() -> None:
    old, new = (replace(FORMULAS, name=f"m{n}", training_end=date(2024, 1, n)) for n in (10, 20))
    folder = ModelFolder("", by_age([new, old]))
    found = [folder.card_for(date(2024, 1, day)) for day in (10, 11, 20, 21)]
    assert [card and card.name for card in found] == [None, "m10", "m10", "m20"]


def test_a_saved_model_says_the_same(tmp_path: Path) -> None:
    model = trained()
    card = save_model(model, str(tmp_path))
    folder = open_models(str(tmp_path))
    assert folder.cards == (card,)
    values = matrix(store_rows([DAY]))
    assert np.array_equal(folder.load(card).predict(DAY, values), model.predict(DAY, values))


def test_predictions_with_and_without_a_model(tmp_path: Path) -> None:
    store = store_rows([DAY], 3)
    assert set(predict(store)["system_id"]) == {"moving_average", "zone_matchup", "similarity", "ensemble"}
    model = trained()
    card = save_model(model, str(tmp_path))
    rows = predict(store, f"models={tmp_path}")
    boosted = rows.filter(system_id="gradient_boosting").sort("player_lookup")
    expected = model.predict(DAY, matrix(store.sort("player_lookup"))).clip(0, 60)
    assert boosted["predicted_points"].to_list() == expected.tolist()
    assert set(boosted["model_version"]) == {card.name}
    assert set(boosted["model_training_end_date"]) == {date(2024, 1, 31)}
    assert set(rows.filter(system_id="ensemble")["contributing_systems"]) == {4}
    assert rows.filter(pl.col("system_id") != "gradient_boosting")["model_training_end_date"].null_count() == 12


def test_a_model_that_has_seen_the_date_is_left_out(tmp_path: Path) -> None:
    save_model(trained(DAY + timedelta(days=1)), str(tmp_path))
    assert "gradient_boosting" not in set(predict(store_rows([DAY], 3), f"models={tmp_path}")["system_id"])


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    card = save_model(trained(), str(tmp_path))
    file = tmp_path / f"{card.name}.skops"
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(DataError, match="is not the file that its card describes"):
        open_models(str(tmp_path)).load(card)


class Wicked:
    """What a pickle could do: run code when it is opened."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("opened"),))


def test_a_pickle_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content = pickle.dumps(Wicked())
    (tmp_path / "m.skops").write_bytes(content)
    card = ModelCard("m", VERSION, 33, NAMES, sha256=sha256(content).hexdigest())
    with pytest.raises(DataError, match="no model that can be trusted"):
        ModelFolder(str(tmp_path), (card,)).load(card)
    assert not Path("opened").exists()


def test_an_estimator_of_another_kind_is_not_opened(tmp_path: Path) -> None:
    from sklearn.preprocessing import FunctionTransformer

    card = save_model(Model(replace(FORMULAS, name="m"), FunctionTransformer(func=predict)), str(tmp_path))
    with pytest.raises(DataError, match="no model that can be trusted"):
        open_models(str(tmp_path)).load(card)


def test_a_missing_folder_a_missing_file_and_a_broken_card_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder of models"):
        open_models(str(tmp_path / "nowhere"))
    card = save_model(trained(), str(tmp_path))
    (tmp_path / f"{card.name}.skops").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        open_models(str(tmp_path)).load(card)
    (tmp_path / "broken.card.json").write_text('{"name": "m"}')
    with pytest.raises(DataError, match="is no model card"):
        open_models(str(tmp_path))
