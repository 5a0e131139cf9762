"""`nba_predictions.ml_feature_store_v2` (MLFS): the 33 numbers that models see, each with its source.

The features, their sources and their defaults are one table in `nba.features`.
"""

import polars as pl

from backcourt.pipeline.processor import SAME_DATE, Chunk, Input, Inputs, Processor, Window
from backcourt.pipeline.table import Column, FieldType, Table
from nba.absences import INJURY_COLUMNS
from nba.analytics import player_game_summary, upcoming_team_game_context
from nba.columns import day, flag, in_shape, integer, number, text
from nba.due_players import PLAYER_COLUMNS, UPCOMING, due_players, unseen_players
from nba.feature_sources import GAME_COLUMNS, prefixed, with_games, with_reports
from nba.features import with_features
from nba.games import SIDE_COLUMNS, on_dates
from nba.lines import LINE_COLUMNS
from nba.player_context import CONTEXT_COLUMNS
from nba.precompute import (
    player_composite_factors,
    player_daily_cache,
    player_shot_zone_analysis,
    team_defense_zone_analysis,
)
from nba.raw import injury_report, player_props, schedule

TABLE = Table(
    dataset="nba_predictions",
    name="ml_feature_store_v2",
    partition_by="game_date",
    key=("game_date", "player_lookup"),
    columns=(
        text("player_lookup", "The player's key.", required=True),
        day("game_date", "The date that the row is for; only earlier games count.", required=True),
        text("game_id", "The game.", required=True),
        text("team_abbr", "The player's team.", required=True),
        text("opponent_team_abbr", "The other team.", required=True),
        flag("is_home", "Whether his team is at home."),
        integer("days_rest", "Full days off since his last game of the season; NULL before his first."),
        Column("features", FieldType.FLOAT64, "The values, in the order of feature_names.", repeated=True),
        Column("feature_names", FieldType.STRING, "The features' names.", repeated=True),
        integer("feature_count", "How many features there are.", required=True),
        text("feature_version", "Which features these are.", required=True),
        text("feature_sources", "JSON: name to `precompute`, `analytics` or `default`.", required=True),
        integer("default_feature_count", "Features that are defaults.", required=True),
        number(
            "feature_quality_score", "Mean over the features: precompute 100, analytics 85, default 40.", required=True
        ),
        flag("is_quality_ready", "Score from 50 on and at most 12 defaults.", required=True),
        flag("has_vegas_line", "Whether a line on his points is known.", required=True),
        flag("early_season_flag", "Fewer than 10 games this season.", required=True),
    ),
    description="One row a player and date: the features of the prediction models.",
)

_INPUTS: dict[str, tuple[Table, tuple[str, ...], tuple[str, ...]]] = {
    "pcf": (
        player_composite_factors.TABLE,
        ("game_date", "player_lookup"),
        ("fatigue_score", "shot_zone_mismatch_score", "pace_score", "usage_spike_score", "missing_data_fields"),
    ),
    "pdc": (
        player_daily_cache.TABLE,
        ("cache_date", "player_lookup"),
        (
            "points_avg_last_5",
            "points_avg_last_10",
            "points_avg_season",
            "points_std_last_10",
            "games_in_last_7_days",
            "minutes_avg_last_10",
            "minutes_avg_season",
            "team_pace_last_10",
            "team_off_rating_last_10",
            "early_season_flag",
        ),
    ),
    "psza": (
        player_shot_zone_analysis.TABLE,
        ("analysis_date", "player_lookup"),
        ("paint_rate_last_10", "mid_range_rate_last_10", "three_pt_rate_last_10"),
    ),
    "tdza": (
        team_defense_zone_analysis.TABLE,
        ("analysis_date", "team_abbr"),
        ("defensive_rating_last_15", "opponent_pace"),
    ),
    "utgc": (
        upcoming_team_game_context.TABLE,
        ("game_date", "team_abbr"),
        (
            "team_days_rest",
            "opponent_days_rest",
            "opponent_def_rating_last_10",
            "opponent_pace_last_10",
            "team_pace_last_10",
            "team_off_rating_last_10",
            "team_win_pct",
        ),
    ),
}
"""Short name to the table that is joined under it, its date and entity, and the columns that are read."""


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Those who played (dates that are over) or are expected to (today), and placeholders for teams without any."""
    key = ("game_date", "player_lookup")
    return pl.concat([due_players(chunk, inputs).select(key), unseen_players(chunk, inputs).select(key)]).sort(key)


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """The features of each due player. The same date's player summaries say who played for whom and nothing else."""
    due = due_players(chunk, inputs)
    rows = with_games(due, inputs[player_game_summary.TABLE.full_name])
    for name, (table, (dated, entity), columns) in _INPUTS.items():
        found = on_dates(inputs[table.full_name], chunk.dates, dated).select(*(dated, entity), *columns)
        key = "opponent_team_abbr" if name == "tdza" else entity
        named = prefixed(found.rename({dated: "day", entity: key}), name, ("day", key))
        rows = rows.join(named, on=["day", key], how="left")
    season_types = inputs[schedule.TABLE.full_name].select(
        "game_id", pl.col("season_type").alias("schedule.season_type")
    )
    rows = with_reports(
        rows.join(season_types, on="game_id", how="left"),
        on_dates(inputs[player_props.TABLE.full_name], chunk.dates),
        on_dates(inputs[injury_report.TABLE.full_name], chunk.dates),
    )
    return in_shape(
        with_features(rows).with_columns(
            is_home="home_game",
            days_rest="pgs.days_rest",
            has_vegas_line=pl.col("props.points_line").is_not_null(),
            early_season_flag=pl.col("pdc.early_season_flag").fill_null(value=True),
        ),
        TABLE,
    )


PROCESSOR = Processor(
    table=TABLE,
    version="1",
    inputs=(
        Input(schedule.TABLE, (*SIDE_COLUMNS, "season_type"), SAME_DATE),
        Input(
            player_game_summary.TABLE,
            tuple(dict.fromkeys((*PLAYER_COLUMNS, *CONTEXT_COLUMNS, *GAME_COLUMNS))),
            Window(same_date=True, everything=True),
        ),
        UPCOMING,
        *(Input(table, (*keys, *columns), SAME_DATE) for table, keys, columns in _INPUTS.values()),
        Input(player_props.TABLE, ("bookmaker", *LINE_COLUMNS), SAME_DATE, optional=True),
        Input(injury_report.TABLE, INJURY_COLUMNS, SAME_DATE, optional=True),
    ),
    expected_keys=expected_keys,
    compute=compute,
    bootstrap=True,
    needs_final_games=False,
)
