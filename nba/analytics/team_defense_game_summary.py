"""`nba_analytics.team_defense_game_summary`: what a team allowed in a game, its opponent's offense seen from behind."""

import polars as pl

from backcourt.pipeline.processor import SAME_DATE, Chunk, Input, Inputs, Processor
from backcourt.pipeline.table import Table
from nba.analytics import player_game_summary, team_offense_game_summary
from nba.columns import counts, day, flag, in_shape, integer, number, text
from nba.games import SIDE_COLUMNS, final_games, on_dates, team_sides
from nba.ratios import whole_sum
from nba.raw import schedule

_OPPONENT = {
    "team_abbr": "opponent_team_abbr",
    "opponent_team_abbr": "defending_team_abbr",
    "points_scored": "points_allowed",
    "fg_attempts": "opp_fg_attempts",
    "fg_makes": "opp_fg_makes",
    "three_pt_attempts": "opp_three_pt_attempts",
    "three_pt_makes": "opp_three_pt_makes",
    "ft_attempts": "opp_ft_attempts",
    "ft_makes": "opp_ft_makes",
    "rebounds": "opp_rebounds",
    "assists": "opp_assists",
    "turnovers": "turnovers_forced",
    "team_paint_attempts": "opp_paint_attempts",
    "team_paint_makes": "opp_paint_makes",
    "team_mid_range_attempts": "opp_mid_range_attempts",
    "team_mid_range_makes": "opp_mid_range_makes",
    "points_in_paint_scored": "points_in_paint_allowed",
    "offensive_rating": "defensive_rating",
    "pace": "opponent_pace",
    "ts_pct": "opponent_ts_pct",
}
"""The attacking team's column to the defending team's."""

_OWN = ("steals", "blocks", "defensive_rebounds")

TABLE = Table(
    dataset="nba_analytics",
    name="team_defense_game_summary",
    partition_by="game_date",
    key=("game_id", "defending_team_abbr"),
    columns=(
        text("game_id", "The game.", required=True),
        day("game_date", "The game's date in America/New_York.", required=True),
        text("defending_team_abbr", "The team whose defense this is.", required=True),
        text("opponent_team_abbr", "The attacking team.", required=True),
        integer("season_year", "The year the season starts in.", required=True),
        flag("home_game", "Whether the defending team is at home.", required=True),
        flag("win_flag", "Whether the defending team won."),
        *counts(
            ("points_allowed", "Points of the opponent."),
            ("opp_fg_attempts", "Field goals that the opponent attempted."),
            ("opp_fg_makes", "Field goals that the opponent made."),
            ("opp_three_pt_attempts", "Three-pointers that the opponent attempted, by the box score."),
            ("opp_three_pt_makes", "Three-pointers that the opponent made, by the box score."),
            ("opp_ft_attempts", "Free throws that the opponent attempted."),
            ("opp_ft_makes", "Free throws that the opponent made."),
            ("opp_rebounds", "Rebounds of the opponent's players."),
            ("opp_assists", "Assists of the opponent."),
            ("turnovers_forced", "Turnovers of the opponent's players."),
            ("opp_paint_attempts", "Shots allowed in the paint; NULL where the shots are missing."),
            ("opp_paint_makes", "Shots allowed and made in the paint; NULL where the shots are missing."),
            ("opp_mid_range_attempts", "Shots allowed in mid-range; NULL where the shots are missing."),
            ("opp_mid_range_makes", "Shots allowed and made in mid-range; NULL where the shots are missing."),
            ("points_in_paint_allowed", "Points allowed in the paint."),
            ("mid_range_points_allowed", "Points allowed in mid-range, two a make."),
            ("three_pt_points_allowed", "Points allowed from behind the line."),
            ("steals", "Steals of the defending team."),
            ("blocks", "Blocks of the defending team."),
            ("defensive_rebounds", "Defensive rebounds of the defending team's players."),
        ),
        number("defensive_rating", "Points allowed per 100 possessions of the opponent."),
        number("opponent_pace", "The opponent's pace in the game."),
        number("opponent_ts_pct", "The opponent's true shooting."),
        integer("margin_of_victory", "The defending team's points minus the opponent's."),
    ),
    description="One row a team and game: what the team allowed its opponent.",
    rows_a_date=16,
)


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Both teams of every final game."""
    games = final_games(inputs[schedule.TABLE.full_name], chunk.dates, chunk.as_of)
    return team_sides(games).select("game_date", "game_id", defending_team_abbr="team_abbr")


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """The opponent's offense under the defending team's name, with the defenders' own steals, blocks and rebounds.

    `defensive_rating = 100 PTS allowed / opponent's possessions`, the opponent's offensive rating.
    """
    players = on_dates(inputs[player_game_summary.TABLE.full_name], chunk.dates)
    own = players.group_by("game_id", defending_team_abbr="team_abbr").agg(map(whole_sum, _OWN))
    attacks = on_dates(inputs[team_offense_game_summary.TABLE.full_name], chunk.dates)
    rows = (
        attacks.select("game_id", "game_date", "season_year", "home_game", "win_flag", "margin_of_victory", *_OPPONENT)
        .rename(_OPPONENT)
        .with_columns(
            home_game=~pl.col("home_game"),
            win_flag=~pl.col("win_flag"),
            margin_of_victory=-pl.col("margin_of_victory"),
            mid_range_points_allowed=2 * pl.col("opp_mid_range_makes"),
            three_pt_points_allowed=3 * pl.col("opp_three_pt_makes"),
        )
    )
    return in_shape(rows.join(own, on=["game_id", "defending_team_abbr"], how="left"), TABLE)


PROCESSOR = Processor(
    table=TABLE,
    version="1",
    inputs=(
        Input(schedule.TABLE, SIDE_COLUMNS, SAME_DATE),
        Input(player_game_summary.TABLE, ("game_id", "game_date", "team_abbr", *_OWN), SAME_DATE),
        Input(
            team_offense_game_summary.TABLE,
            ("game_id", "game_date", "season_year", "home_game", "win_flag", "margin_of_victory", *_OPPONENT),
            SAME_DATE,
        ),
    ),
    expected_keys=expected_keys,
    compute=compute,
)
