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
from nba.analytics import player_game_summary, upcoming_team_game_context
from nba.columns import day, flag, in_shape, integer, number, text
from nba.games import SIDE_COLUMNS, is_played, on_dates, team_sides
from nba.lookback import games_since, last_games
from nba.ratios import ratio
from nba.raw import schedule
from nba.rosters import placeholders, players_of, recently_seen

USAGE_OF_AN_ABSENT_STAR = 0.05
"""Share of his own usage that a player gains for each star teammate who is out."""

_PLAYER = ("day", "season_year", "player_lookup")

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
        integer("star_teammates_out", "Star teammates listed out.", required=True),
        integer("questionable_teammates", "Teammates listed as questionable.", required=True),
        text("player_status", "His status in the injury report."),
        text("injury_report", "The reason that the injury report gives."),
        integer("player_age", "His age in years."),
        flag("has_prop_line", "Whether a line on his points is known.", required=True),
        number("current_points_line", "The line on his points."),
        number("opening_points_line", "That line when it opened."),
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
    """Each player's own games before the day, and his team's context.

    Injuries, ages and lines are unknown as long as the pipeline has no table of them: nobody is listed out.
    """
    games = inputs[player_game_summary.TABLE.full_name]
    players = _players(chunk, inputs)
    teams = on_dates(inputs[upcoming_team_game_context.TABLE.full_name], chunk.dates)
    wanted = players.select(_PLAYER)
    rows = (
        players.join(teams.select("team_abbr", *_FROM_TEAM, day="game_date"), on=["day", "team_abbr"], how="inner")
        .join(_rest_and_form(wanted, games), on=_PLAYER, how="left")
        .join(_load(wanted, games, 7), on=_PLAYER, how="left")
        .join(_load(wanted, games, 14), on=_PLAYER, how="left")
    )
    loads = pl.col("^(games|minutes|back_to_backs)_(in_)?last_(7|14)_days$")
    unknown = {c: pl.lit(None) for c in ("player_status", "injury_report", "player_age")}
    no_line = {c: pl.lit(None) for c in ("current_points_line", "opening_points_line", "line_movement")}
    known = rows.with_columns(
        loads.fill_null(0),
        game_date="day",
        days_rest=(pl.col("day") - pl.col("last_game_date")).dt.total_days() - 1,
        star_teammates_out=0,
        questionable_teammates=0,
        has_prop_line=False,
        **unknown,
        **no_line,
    ).with_columns(
        back_to_back=pl.col("days_rest") == 0,
        avg_minutes_per_game_last_7=ratio(pl.col("minutes_in_last_7_days"), pl.col("games_in_last_7_days")),
        projected_usage_rate=pl.col("usage_last_10") * (1 + USAGE_OF_AN_ABSENT_STAR * pl.col("star_teammates_out")),
    )
    return in_shape(known, TABLE)


def _sides(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Both sides of the chunk's games, with `day`."""
    games = on_dates(inputs[schedule.TABLE.full_name], chunk.dates).filter(is_played())
    return team_sides(games).with_columns(day="game_date")


def _players(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """The players expected in the chunk's games."""
    games = inputs[player_game_summary.TABLE.full_name]
    playing = _sides(chunk, inputs).select("day", "season_year", "team_abbr")
    return recently_seen(players_of(playing, games), playing, games)


def _rest_and_form(wanted: pl.DataFrame, games: pl.DataFrame) -> pl.DataFrame:
    """Rest before the last game, and means over the last 5, 7 and 10 games, by player."""
    columns = ("player_lookup", "season_year", "game_date", "game_id", "points", "usage_rate")
    found = last_games(wanted, games.select(columns), "player_lookup", 10)
    ago = pl.col("games_ago")
    last, before_last = (pl.col("game_date").filter(ago == n).first() for n in (1, 2))
    return found.group_by(_PLAYER, maintain_order=True).agg(
        days_rest_before_last_game=(last - before_last).dt.total_days() - 1,
        points_avg_last_5=pl.col("points").filter(ago <= 5).mean(),
        points_avg_last_10=pl.col("points").mean(),
        avg_usage_rate_last_7_games=pl.col("usage_rate").filter(ago <= 7).mean(),
        usage_last_10=pl.col("usage_rate").mean(),
    )


def _load(wanted: pl.DataFrame, games: pl.DataFrame, days: int) -> pl.DataFrame:
    """Games, minutes and back-to-backs from D − (days − 1) to D − 1, by player."""
    rows = games.select("player_lookup", "season_year", "game_date", "game_id", "minutes_played").sort("game_date")
    previous = pl.col("game_date").shift(1).over("player_lookup", "season_year")
    rows = rows.with_columns(day_after=(pl.col("game_date") - previous).dt.total_days() == 1)
    return (
        games_since(wanted, rows, "player_lookup", days - 1)
        .group_by(_PLAYER, maintain_order=True)
        .agg(
            pl.len().alias(f"games_in_last_{days}_days"),
            pl.col("minutes_played").sum().alias(f"minutes_in_last_{days}_days"),
            pl.col("day_after").sum().alias(f"back_to_backs_last_{days}_days"),
        )
    )


PROCESSOR = Processor(
    table=TABLE,
    version="1",
    inputs=(
        Input(schedule.TABLE, SIDE_COLUMNS, SAME_DATE),
        Input(
            player_game_summary.TABLE,
            (
                "player_lookup",
                "player_full_name",
                "team_abbr",
                "season_year",
                "game_date",
                "game_id",
                "points",
                "minutes_played",
                "usage_rate",
            ),
            SEASON,
        ),
        Input(
            upcoming_team_game_context.TABLE,
            ("game_date", "team_abbr", "game_number_in_season", *_FROM_TEAM),
            SAME_DATE,
        ),
    ),
    expected_keys=expected_keys,
    compute=compute,
    needs_final_games=False,
)
