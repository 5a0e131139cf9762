"""`nba_predictions.player_prop_predictions`: how many points each system says that each player will score.

The systems that are formulas always predict. `gradient_boosting` needs a model: the run's option `models=<folder>`
names where `train` has written some, and a date is predicted by the newest that has seen nothing of it; without one
the system is left out of rows and expected keys alike. Every system's card is compared with the store's rows before
the first row is made.
"""

import polars as pl

from backcourt.pipeline.processor import SAME_DATE, SEASON, SEASON_AND_SAME_DATE, Chunk, Input, Inputs, Processor
from backcourt.pipeline.table import Table
from nba import features, systems
from nba.analytics import player_game_summary
from nba.columns import day, flag, in_shape, integer, no_rows, number, text
from nba.games import on_dates
from nba.precompute import team_defense_zone_analysis
from nba.predictions import ml_feature_store_v2
from nba.predictions.model_card import FORMULAS, STORE_COLUMNS, ModelCard, check_features
from nba.predictions.model_files import NO_MODELS, ModelFolder, open_models
from nba.predictions.training import matrix
from nba.raw import schedule
from nba.similar_games import with_similar_games

MODELS = "models="
"""The run's option that names the folder of models begins so."""

FORMULA_SYSTEMS = ("moving_average", "zone_matchup", "similarity", "ensemble")
BOOSTING = "gradient_boosting"
FORMULA_VERSION = "v1"

_ADJUSTMENTS = (
    "fatigue_adjustment",
    "shot_zone_adjustment",
    "pace_adjustment",
    "usage_spike_adjustment",
    "home_away_adjustment",
)
_ZONES = tuple(
    f"{start}{zone}{end}"
    for zone in ("paint", "mid_range", "three_pt")
    for start, end in (("", "_defense_vs_league_avg"), ("league_avg_", "_pct"))
)

TABLE = Table(
    dataset="nba_predictions",
    name="player_prop_predictions",
    partition_by="game_date",
    key=("game_date", "player_lookup", "system_id"),
    columns=(
        text("prediction_id", "Made from the key: `<game_date>/<player_lookup>/<system_id>`.", required=True),
        text(
            "system_id",
            "`moving_average`, `zone_matchup`, `similarity`, `gradient_boosting` or `ensemble`.",
            required=True,
        ),
        text("player_lookup", "The player's key.", required=True),
        day("game_date", "The game's date in America/New_York.", required=True),
        text("game_id", "The game.", required=True),
        number("predicted_points", "0 to 60.", required=True),
        number("confidence_score", "0 to 1.", required=True),
        text("recommendation", "`OVER`, `UNDER` or `PASS`.", required=True),
        flag("has_prop_line", "Whether a line on his points is known.", required=True),
        number("current_points_line", "The bookmakers' median line."),
        number("line_margin", "Predicted points minus the line."),
        *(
            number(name, "Points that the system added for it; NULL where it has no such part.")
            for name in _ADJUSTMENTS
        ),
        integer("similar_games_count", "Similar games that count (similarity)."),
        number("avg_similarity_score", "Their mean similarity, 0 to 100 (similarity)."),
        integer("contributing_systems", "Systems that were combined (ensemble)."),
        number("system_agreement_score", "0 to 1, 1 where all say the same (ensemble)."),
        text("feature_version", "The features that were read.", required=True),
        number("feature_quality_score", "The quality of the player's features.", required=True),
        text("model_version", "The model's name, or the formula's version.", required=True),
        day("model_training_start_date", "First date that the model has seen."),
        day("model_training_end_date", "Last date that the model has seen."),
    ),
    description="One row a player, date and system: predicted points, confidence and a recommendation on the line.",
    rows_a_date=900,
)


def models_of(chunk: Chunk) -> ModelFolder:
    """The models that the run's option names; none without it."""
    addresses = sorted(option.removeprefix(MODELS) for option in chunk.options if option.startswith(MODELS))
    return open_models(addresses[0]) if addresses else NO_MODELS


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Players of the store whose features are ready, times the systems that can predict the date."""
    models = models_of(chunk)
    pairs = [(d, s) for d in chunk.dates for s in (*FORMULA_SYSTEMS, *((BOOSTING,) if models.card_for(d) else ()))]
    per_date = pl.DataFrame(pairs, schema={"game_date": pl.Date, "system_id": pl.String}, orient="row")
    ready = _ready(chunk, inputs).select("game_date", "player_lookup")
    return ready.join(per_date, on="game_date").sort("game_date", "player_lookup", "system_id")


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Every system's predictions and their combination.

    Raises:
        DataError: the store's rows are not what the formulas or the model read.
    """
    check_features(FORMULAS, on_dates(inputs[ml_feature_store_v2.TABLE.full_name], chunk.dates))
    store = _ready(chunk, inputs)
    if store.is_empty():
        return no_rows(TABLE)
    rows = _with_inputs(inputs, store)
    single = pl.concat(
        [
            systems.moving_average(rows),
            systems.zone_matchup(rows),
            systems.similarity(rows),
            systems.gradient_boosting(_with_model_points(store, models_of(chunk))),
        ],
        how="diagonal",
    )
    found = pl.concat([single, systems.ensemble(single)], how="diagonal")
    of_player = ("game_id", "feature_version", "feature_quality_score", "has_vegas_line", "vegas_points_line")
    return in_shape(_finished(found.join(rows.select(*systems.KEY, *of_player), on=systems.KEY)), TABLE)


def _finished(found: pl.DataFrame) -> pl.DataFrame:
    """Predictions with id, line, recommendation and the formulas' version."""
    line = pl.when("has_vegas_line").then("vegas_points_line")
    return found.with_columns(
        prediction_id=pl.format("{}/{}/{}", pl.col("game_date").dt.to_string("%Y-%m-%d"), "player_lookup", "system_id"),
        has_prop_line="has_vegas_line",
        current_points_line=line,
        line_margin=pl.col("predicted_points") - line,
        model_version=pl.coalesce("model_version", pl.format("{}-{}", "system_id", pl.lit(FORMULA_VERSION))),
    ).with_columns(recommendation=systems.recommendation(pl.col("line_margin"), pl.col("confidence_score")))


def _ready(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    return on_dates(inputs[ml_feature_store_v2.TABLE.full_name], chunk.dates).filter("is_quality_ready")


def _unpacked(store: pl.DataFrame) -> pl.DataFrame:
    """The store's rows with a column for every feature."""
    named = {name: pl.col("features").list.get(n, null_on_oob=True) for n, name in enumerate(features.NAMES)}
    return (
        store.drop("has_vegas_line").with_columns(**named).with_columns(pl.col("has_vegas_line") == 1, day="game_date")
    )


def _with_inputs(inputs: Inputs, store: pl.DataFrame) -> pl.DataFrame:
    """The rows to predict with their features by name, the opponent's zones and the player's similar games.

    Earlier rows of the store count as similar games where they are of the same features and the player played.
    """
    seasons = inputs[schedule.TABLE.full_name].select("game_id", "season_year")
    zones = inputs[team_defense_zone_analysis.TABLE.full_name].select("analysis_date", "team_abbr", *_ZONES)
    rows = (
        _unpacked(store)
        .join(seasons, on="game_id", how="left")
        .join(
            zones.rename({"analysis_date": "game_date", "team_abbr": "opponent_team_abbr"}),
            on=["game_date", "opponent_team_abbr"],
            how="left",
        )
        .sort("game_date", "player_lookup")
    )
    every = inputs[ml_feature_store_v2.TABLE.full_name]
    same = (pl.col("feature_version") == features.VERSION) & (pl.col("feature_count") == len(features.NAMES))
    played = inputs[player_game_summary.TABLE.full_name].filter(pl.col("points").is_not_null())
    past = _unpacked(every.filter(same)).join(
        played.select("game_id", "player_lookup", "season_year", "points"), on=["game_id", "player_lookup"]
    )
    return with_similar_games(rows, past)


def _with_model_points(store: pl.DataFrame, models: ModelFolder) -> pl.DataFrame:
    """The store's rows with `model_points` and the model's card; NULL on dates that no model may predict.

    Raises:
        DataError: the rows are not what the model was trained on.
    """
    parts = [_predicted(store.clear(), [], None)]
    dates = {d: models.card_for(d) for d in sorted(set(store["game_date"]))}
    for card in dict.fromkeys(card.name for card in dates.values() if card):
        chosen = next(c for c in models.cards if c.name == card)
        days = [d for d, c in dates.items() if c == chosen]
        rows = on_dates(store, tuple(days)).sort("game_date", "player_lookup")
        check_features(chosen, rows)
        model = models.load(chosen)
        parts.append(_predicted(rows, model.predict(days[0], matrix(rows)).tolist(), chosen))
    return _unpacked(pl.concat(parts))


def _predicted(rows: pl.DataFrame, points: list[float], card: ModelCard | None) -> pl.DataFrame:
    return rows.with_columns(
        pl.Series("model_points", points, dtype=pl.Float64),
        model_version=pl.lit(card.name if card else None, dtype=pl.String),
        model_training_start_date=pl.lit(card.training_start if card else None, dtype=pl.Date),
        model_training_end_date=pl.lit(card.training_end if card else None, dtype=pl.Date),
    )


PROCESSOR = Processor(
    table=TABLE,
    version="1",
    inputs=(
        Input(schedule.TABLE, ("game_id", "game_date", "season_year"), SAME_DATE),
        Input(
            ml_feature_store_v2.TABLE,
            (
                *STORE_COLUMNS,
                "player_lookup",
                "game_id",
                "opponent_team_abbr",
                "days_rest",
                "feature_quality_score",
                "is_quality_ready",
                "has_vegas_line",
            ),
            SEASON_AND_SAME_DATE,
        ),
        Input(
            player_game_summary.TABLE,
            ("game_id", "game_date", "player_lookup", "season_year", "points"),
            SEASON,
        ),
        Input(team_defense_zone_analysis.TABLE, ("analysis_date", "team_abbr", *_ZONES), SAME_DATE),
    ),
    expected_keys=expected_keys,
    compute=compute,
    bootstrap=True,
    needs_final_games=False,
)
