"""`nba_analytics.upcoming_player_game_context` (UPCG): how each player comes into a game: rest, load, form, role."""

import polars as pl

from backcourt.pipeline.processor import (
    SAME_DATE,
    SEASON,
    Chunk,
    Input,
    Inputs,
    Processor,
)
from backcourt.pipeline.table import Table
from nba.absences import INJURY_COLUMNS, with_absences
from nba.analytics import player_game_summary, upcoming_team_game_context
from nba.columns import day, flag, in_shape, integer, number, text
from nba.games import SIDE_COLUMNS, is_played, on_dates, team_sides
from nba.lines import LINE_COLUMNS, lines_of
from nba.player_context import CONTEXT_COLUMNS, with_context
from nba.raw import injury_report, player_props, schedule
from nba.rosters import placeholders, players_of, recently_seen

_FROM_TEAM = (
    "game_id",
    "opponent_team_abbr",
    "home_game",
    "consecutive_road_games",
    "opponent_pace_last_10",
    "opponent_def_rating_last_10",
    "pace_differential",
)
"""What a player shares with his team."""

TABLE = Table(
    dataset="nba_analytics",
    name="upcoming_player_game_context",
    partition_by="game_date",
    key=("game_id", "player_lookup"),
    columns=(
        text("player_lookup", "The player's key.", required=True),
        text("player_full_name", "The name in his last game."),
        text("game_id", "The game to be played.", required=True),
        day("game_date", "The game's date in America/New_York.", required=True),
        integer("season_year", "The year the season starts in.", required=True),
        text("team_abbr", "The team of his last game.", required=True),
        text("opponent_team_abbr", "The other team.", required=True),
        flag("home_game", "Whether his team is at home.", required=True),
        integer("days_rest", "Full days off since his last game; 0 is a back-to-back."),
        integer("days_rest_before_last_game", "Full days off before his last game; NULL where that was his first."),
        flag("back_to_back", "Whether he played the day before.", required=True),
        integer("games_in_last_7_days", "His games from D − 6 to D − 1.", required=True),
        integer("games_in_last_14_days", "His games from D − 13 to D − 1.", required=True),
        number("minutes_in_last_7_days", "His minutes from D − 6 to D − 1.", required=True),
        number("minutes_in_last_14_days", "His minutes from D − 13 to D − 1.", required=True),
        number("avg_minutes_per_game_last_7", "Minutes a game from D − 6 to D − 1; NULL without one."),
        integer("back_to_backs_last_14_days", "Games from D − 13 to D − 1 on the day after another.", required=True),
        integer("consecutive_road_games", "Road games of his team in a row up to this one.", required=True),
        number("points_avg_last_5", "Mean points of his last 5 games."),
        number("points_avg_last_10", "Mean points of his last 10 games."),
        number("avg_usage_rate_last_7_games", "Mean usage of his last 7 games."),
        number("projected_usage_rate", "Mean usage of his last 10 games, and 5 % of it for each star teammate out."),
        number("opponent_pace_last_10", "The opponent's mean pace of its last 10 games."),
        number("opponent_def_rating_last_10", "The opponent's mean defensive rating of its last 10 games."),
        number("pace_differential", "The opponent's pace minus the league's."),
        integer("star_teammates_out", "Star teammates of the last 10 games who are listed out.", required=True),
        integer("questionable_teammates", "Teammates listed as questionable.", required=True),
        text("player_status", "His status in the injury report."),
        text("injury_report", "The reason that the injury report gives."),
        integer("player_age", "His age in years; NULL, for no source has dates of birth."),
        flag("has_prop_line", "Whether a line on his points is known.", required=True),
        number("current_points_line", "The line on his points: the median of the bookmakers'."),
        number("opening_points_line", "The median of the opening lines."),
        number("line_movement", "The line minus the opening line."),
    ),
    description="One row a player and game to be played: rest, load, form and role on the morning of the game.",
)


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Everyone seen for a playing team in its last 10 games who has not played for another team since.

    A team that has played before, but of which nobody was seen (box scores are missing), counts with placeholders.
    """
    key = ("game_date", "game_id", "player_lookup")
    players = _players(chunk, inputs)
    seen = players.join(_sides(chunk, inputs), on=["day", "team_abbr"], how="inner")
    teams = on_dates(inputs[upcoming_team_game_context.TABLE.full_name], chunk.dates)
    unseen = teams.filter(pl.col("game_number_in_season") > 1).join(
        players, left_on=["game_date", "team_abbr"], right_on=["day", "team_abbr"], how="anti"
    )
    return pl.concat([seen.select(key), placeholders(unseen, "nobody_seen").select(key)]).sort(key)


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Each player's own games before the day, his teammates in the injury report, his line, and his team's context.

    Ages are NULL: no source has dates of birth. Without an injury report nobody is listed out.
    """
    own = with_context(_players(chunk, inputs), inputs[player_game_summary.TABLE.full_name])
    players = with_absences(own, on_dates(inputs[injury_report.TABLE.full_name], chunk.dates))
    teams = on_dates(inputs[upcoming_team_game_context.TABLE.full_name], chunk.dates)
    lines = lines_of(on_dates(inputs[player_props.TABLE.full_name], chunk.dates)).select(
        "player_lookup", day="game_date", current_points_line="points_line", opening_points_line="opening_line"
    )
    rows = players.join(
        teams.select("team_abbr", *_FROM_TEAM, day="game_date"), on=["day", "team_abbr"], how="inner"
    ).join(lines, on=["day", "player_lookup"], how="left")
    return in_shape(
        rows.with_columns(
            game_date="day",
            player_age=pl.lit(None),
            has_prop_line=pl.col("current_points_line").is_not_null(),
            line_movement=pl.col("current_points_line") - pl.col("opening_points_line"),
        ),
        TABLE,
    )


def _sides(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Both sides of the chunk's games, with `day`."""
    games = on_dates(inputs[schedule.TABLE.full_name], chunk.dates).filter(is_played())
    return team_sides(games).with_columns(day="game_date")


def _players(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """The players expected in the chunk's games."""
    games = inputs[player_game_summary.TABLE.full_name]
    playing = _sides(chunk, inputs).select("day", "season_year", "team_abbr")
    return recently_seen(players_of(playing, games), playing, games)


PROCESSOR = Processor(
    table=TABLE,
    version="2",
    inputs=(
        Input(schedule.TABLE, SIDE_COLUMNS, SAME_DATE),
        Input(
            player_game_summary.TABLE,
            (*CONTEXT_COLUMNS, "player_full_name", "team_abbr"),
            SEASON,
        ),
        Input(player_props.TABLE, ("bookmaker", *LINE_COLUMNS), SAME_DATE, optional=True),
        Input(injury_report.TABLE, INJURY_COLUMNS, SAME_DATE, optional=True),
        Input(
            upcoming_team_game_context.TABLE,
            ("game_date", "team_abbr", "game_number_in_season", *_FROM_TEAM),
            SAME_DATE,
        ),
    ),
    expected_keys=expected_keys,
    compute=compute,
    needs_final_games=False,
    short_lived=True,
)
