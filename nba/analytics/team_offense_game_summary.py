"""`nba_analytics.team_offense_game_summary`: what a team did in a game, rebuilt from its players."""

import polars as pl

from backcourt.pipeline.processor import SAME_DATE, Chunk, Input, Inputs, Processor
from backcourt.pipeline.table import Table
from nba import plausible
from nba.analytics import player_game_summary
from nba.columns import counts, day, flag, in_shape, integer, number, text
from nba.games import SIDE_COLUMNS, final_games, on_dates, team_sides
from nba.ratios import ratio, true_shooting, whole_sum
from nba.raw import schedule

_SUMMED = {
    "points": "points_scored",
    "fg_attempts": "fg_attempts",
    "fg_makes": "fg_makes",
    "three_pt_attempts": "three_pt_attempts",
    "three_pt_makes": "three_pt_makes",
    "ft_attempts": "ft_attempts",
    "ft_makes": "ft_makes",
    "offensive_rebounds": "offensive_rebounds",
    "defensive_rebounds": "defensive_rebounds",
    "assists": "assists",
    "turnovers": "turnovers",
    "personal_fouls": "personal_fouls",
    "minutes_played": "team_minutes",
    "paint_attempts": "team_paint_attempts",
    "paint_makes": "team_paint_makes",
    "mid_range_attempts": "team_mid_range_attempts",
    "mid_range_makes": "team_mid_range_makes",
}
"""The players' column to the team's."""

_SIDE = ("game_id", "game_date", "team_abbr", "opponent_team_abbr", "season_year", "home_game", "win_flag")

TABLE = Table(
    dataset="nba_analytics",
    name="team_offense_game_summary",
    partition_by="game_date",
    key=("game_id", "team_abbr"),
    columns=(
        text("game_id", "The game.", required=True),
        day("game_date", "The game's date in America/New_York.", required=True),
        text("team_abbr", "The team.", required=True),
        text("opponent_team_abbr", "The other team.", required=True),
        integer("season_year", "The year the season starts in.", required=True),
        flag("home_game", "Whether the team is at home.", required=True),
        flag("win_flag", "Whether the team won."),
        *counts(
            ("points_scored", "Points."),
            ("fg_attempts", "Field goals attempted."),
            ("fg_makes", "Field goals made."),
            ("three_pt_attempts", "Three-pointers attempted, by the box score."),
            ("three_pt_makes", "Three-pointers made, by the box score."),
            ("ft_attempts", "Free throws attempted."),
            ("ft_makes", "Free throws made."),
            ("offensive_rebounds", "Offensive rebounds of the players."),
            ("defensive_rebounds", "Defensive rebounds of the players."),
            ("rebounds", "All rebounds of the players."),
            ("assists", "Assists."),
            ("turnovers", "Turnovers of the players."),
            ("personal_fouls", "Personal fouls."),
        ),
        number("team_minutes", "Minutes of all players together; 240 without overtime."),
        *counts(
            ("team_paint_attempts", "Shots from the paint; NULL where a player's shots are missing."),
            ("team_paint_makes", "Shots made from the paint; NULL where a player's shots are missing."),
            ("team_mid_range_attempts", "Shots from mid-range; NULL where a player's shots are missing."),
            ("team_mid_range_makes", "Shots made from mid-range; NULL where a player's shots are missing."),
            ("points_in_paint_scored", "Points from the paint."),
        ),
        number("possessions", "Estimated possessions."),
        number("offensive_rating", "Points per 100 possessions."),
        number("pace", "Possessions of both teams' mean per 48 minutes."),
        number("ts_pct", "True shooting of the team."),
        integer("margin_of_victory", "Points minus the opponent's."),
        integer("overtime_periods", "Overtimes, from the minutes played."),
        integer("players_used", "Players with a line in the box score."),
    ),
    description="One row a team and game: what the team did, rebuilt from its players.",
    rows_a_date=16,
)


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Both teams of every final game."""
    games = final_games(inputs[schedule.TABLE.full_name], chunk.dates, chunk.as_of)
    return team_sides(games).select("game_date", "game_id", "team_abbr")


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Sums over the players, and the ratings that need both teams.

    `possessions = FGA + 0.44 FTA − OREB + TOV` (the short form of Basketball-Reference's estimate),
    `offensive_rating = 100 PTS / possessions`, `pace = 48 (poss + opp poss) / 2 / (TmMin / 5)` (Basketball-Reference
    glossary, Pace Factor, read 2026-11). A sum is NULL where a player's value is NULL.
    """
    players = on_dates(inputs[player_game_summary.TABLE.full_name], chunk.dates).sort("game_id", "player_lookup")
    teams = players.group_by("game_id", "team_abbr", maintain_order=True).agg(
        *(pl.col(c).first() for c in _SIDE if c not in ("game_id", "team_abbr")),
        *(whole_sum(player).alias(team) for player, team in _SUMMED.items()),
        players_used=pl.len(),
    )
    plays = pl.col("fg_attempts") + 0.44 * pl.col("ft_attempts") - pl.col("offensive_rebounds") + pl.col("turnovers")
    return in_shape(with_ratings(teams.with_columns(possessions=plays)), TABLE)


def with_ratings(teams: pl.DataFrame) -> pl.DataFrame:
    """Teams with their sums and possessions, and what follows from those and the opponent's."""
    opponents = teams.select(
        "game_id",
        opponent_team_abbr="team_abbr",
        opponent_possessions="possessions",
        opponent_points="points_scored",
    )
    mean_possessions = (pl.col("possessions") + pl.col("opponent_possessions")) / 2
    overtimes = ((pl.col("team_minutes") - 240) / 25 + 0.5).floor()
    return teams.join(opponents, on=["game_id", "opponent_team_abbr"], how="left").with_columns(
        rebounds=pl.col("offensive_rebounds") + pl.col("defensive_rebounds"),
        points_in_paint_scored=2 * pl.col("team_paint_makes"),
        offensive_rating=ratio(100 * pl.col("points_scored"), pl.col("possessions")),
        pace=ratio(48 * mean_possessions, pl.col("team_minutes") / 5),
        ts_pct=true_shooting(pl.col("points_scored"), pl.col("fg_attempts"), pl.col("ft_attempts")),
        margin_of_victory=pl.col("points_scored") - pl.col("opponent_points"),
        overtime_periods=pl.when(overtimes < 0).then(0).otherwise(overtimes),
    )


PROCESSOR = Processor(
    table=TABLE,
    version="1",
    inputs=(
        Input(schedule.TABLE, SIDE_COLUMNS, SAME_DATE),
        Input(player_game_summary.TABLE, (*_SIDE, "player_lookup", *_SUMMED), SAME_DATE),
    ),
    expected_keys=expected_keys,
    compute=compute,
    plausible=plausible.OF_TEAMS,
)
