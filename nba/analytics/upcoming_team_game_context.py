"""`nba_analytics.upcoming_team_game_context` (UTGC): how each team comes into a game: rest, form, pace, opponent."""

import polars as pl

from backcourt.pipeline.processor import SEASON, SEASON_AND_SAME_DATE, Chunk, Input, Inputs, Processor
from backcourt.pipeline.table import Table
from nba.analytics import team_defense_game_summary, team_offense_game_summary
from nba.columns import day, flag, in_shape, integer, number, text
from nba.games import SIDE_COLUMNS, is_played, on_dates, team_sides
from nba.lookback import WHOLE_SEASON, games_since, last_games, league_games, streak
from nba.raw import schedule

FORM_GAMES = 10
"""Games of a team that its pace and ratings are averaged over."""

LEAGUE_DAYS = 30
"""Days before the date that the league's pace is averaged over."""

LEAGUE_GAMES = 20
"""Team games that there must be in those days; with fewer, USUAL_PACE stands in."""

USUAL_PACE = 99.0
"""The league's pace in a usual season (DOMAIN, 'Where two people could read it differently')."""

_TEAM = ("day", "season_year", "team_abbr")

TABLE = Table(
    dataset="nba_analytics",
    name="upcoming_team_game_context",
    partition_by="game_date",
    key=("game_id", "team_abbr"),
    columns=(
        text("team_abbr", "The team.", required=True),
        text("game_id", "The game to be played.", required=True),
        day("game_date", "The game's date in America/New_York.", required=True),
        integer("season_year", "The year the season starts in.", required=True),
        text("opponent_team_abbr", "The other team.", required=True),
        flag("home_game", "Whether the team is at home.", required=True),
        integer("team_days_rest", "Full days off since the last game; 0 is a back-to-back, NULL the first game."),
        flag("is_back_to_back", "Whether the team played the day before.", required=True),
        integer("opponent_days_rest", "The opponent's full days off."),
        integer("games_in_last_7_days", "Games from D − 6 to D − 1.", required=True),
        integer("games_in_last_14_days", "Games from D − 13 to D − 1.", required=True),
        integer("game_number_in_season", "The game's number in the team's season, from 1.", required=True),
        integer("consecutive_road_games", "Road games in a row up to this one; 0 at home.", required=True),
        integer("team_win_streak_entering", "Games won in a row before this one.", required=True),
        integer("team_loss_streak_entering", "Games lost in a row before this one.", required=True),
        integer("last_game_margin", "Points minus the opponent's in the last game."),
        number("team_pace_last_10", "Mean pace of the last 10 games."),
        number("team_off_rating_last_10", "Mean offensive rating of the last 10 games."),
        number("team_def_rating_last_10", "Mean defensive rating of the last 10 games."),
        number("opponent_pace_last_10", "The opponent's mean pace of its last 10 games."),
        number("opponent_def_rating_last_10", "The opponent's mean defensive rating of its last 10 games."),
        number("league_pace_last_30_days", "Mean pace of all team games in the last 30 days; 99.0 with fewer than 20."),
        number("pace_differential", "The opponent's pace minus the league's."),
        number("team_win_pct", "Share of the season's games that the team has won."),
    ),
    description="One row a team and game to be played: rest, schedule, form and opponent on the morning of the game.",
    rows_a_date=16,
)


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Both teams of every game that is not postponed."""
    return _sides(inputs, chunk).select("game_date", "game_id", "team_abbr")


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Rest and schedule from the schedule, which knows every game; form and ratings from the games with a box score."""
    sides = _sides(inputs, chunk).with_columns(day="game_date")
    playing = sides.select(_TEAM)
    fixtures = team_sides(inputs[schedule.TABLE.full_name].filter(is_played()))
    teams = (
        playing.join(_rest(playing, fixtures), on=_TEAM, how="left")
        .join(_form(playing, inputs[team_offense_game_summary.TABLE.full_name]), on=_TEAM, how="left")
        .join(_defense(playing, inputs[team_defense_game_summary.TABLE.full_name]), on=_TEAM, how="left")
    )
    opponents = teams.select(
        "day",
        opponent_team_abbr="team_abbr",
        opponent_days_rest="team_days_rest",
        opponent_pace_last_10="team_pace_last_10",
        opponent_def_rating_last_10="team_def_rating_last_10",
    )
    rows = (
        sides.join(teams, on=_TEAM, how="left")
        .join(opponents, on=["day", "opponent_team_abbr"], how="left")
        .join(league_pace(playing, inputs[team_offense_game_summary.TABLE.full_name]), on="day", how="left")
    )
    none_before = ("games_before", "road_games_before", "team_win_streak_entering", "team_loss_streak_entering")
    return in_shape(
        rows.with_columns(
            pl.col(*none_before, "games_in_last_7_days", "games_in_last_14_days").fill_null(0),
            is_back_to_back=(pl.col("team_days_rest") == 0).fill_null(value=False),
            pace_differential=pl.col("opponent_pace_last_10") - pl.col("league_pace_last_30_days"),
        ).with_columns(
            game_number_in_season=pl.col("games_before") + 1,
            consecutive_road_games=pl.when("home_game").then(0).otherwise(pl.col("road_games_before") + 1),
        ),
        TABLE,
    )


def _sides(inputs: Inputs, chunk: Chunk) -> pl.DataFrame:
    """Both sides of the chunk's games."""
    return team_sides(on_dates(inputs[schedule.TABLE.full_name], chunk.dates).filter(is_played()))


def _rest(playing: pl.DataFrame, fixtures: pl.DataFrame) -> pl.DataFrame:
    """Days off, games of the last days, and road games in a row before the day, by team."""
    season = last_games(playing, fixtures, "team_abbr", WHOLE_SEASON)
    rows = season.group_by(_TEAM, maintain_order=True).agg(
        games_before=pl.len(),
        road_games_before=streak(pl.col("home_game").not_()),
        team_days_rest=(pl.col("day").first() - pl.col("game_date").max()).dt.total_days() - 1,
    )
    for days in (7, 14):
        recent = games_since(playing, fixtures, "team_abbr", days - 1)
        counted = recent.group_by(_TEAM).agg(pl.len().alias(f"games_in_last_{days}_days"))
        rows = rows.join(counted, on=_TEAM, how="left")
    return rows


def _form(playing: pl.DataFrame, offense: pl.DataFrame) -> pl.DataFrame:
    """Streaks, share of wins and last margin of the season, pace and offensive rating of the last 10 games, by team."""
    columns = ("team_abbr", "season_year", "game_date", "game_id", "win_flag", "margin_of_victory")
    season = last_games(playing, offense.select(*columns, "pace", "offensive_rating"), "team_abbr", WHOLE_SEASON)
    latest = pl.col("games_ago") <= FORM_GAMES
    won = pl.col("win_flag")
    return season.group_by(_TEAM, maintain_order=True).agg(
        team_win_streak_entering=streak(won),
        team_loss_streak_entering=streak(won.not_()),
        last_game_margin=pl.col("margin_of_victory").last(),
        team_win_pct=won.mean(),
        team_pace_last_10=pl.col("pace").filter(latest).mean(),
        team_off_rating_last_10=pl.col("offensive_rating").filter(latest).mean(),
    )


def _defense(playing: pl.DataFrame, defense: pl.DataFrame) -> pl.DataFrame:
    """Mean defensive rating of the last 10 games, by team."""
    games = defense.select("season_year", "game_date", "game_id", "defensive_rating", team_abbr="defending_team_abbr")
    found = last_games(playing, games, "team_abbr", FORM_GAMES)
    return found.group_by(_TEAM, maintain_order=True).agg(team_def_rating_last_10=pl.col("defensive_rating").mean())


def league_pace(playing: pl.DataFrame, offense: pl.DataFrame) -> pl.DataFrame:
    """`league_pace_last_30_days` by `day`.

    The mean is taken of one list a day: over hundreds of values, Polars would add up groups in another order
    depending on how the groups were found.
    """
    days = playing.select("day", "season_year").unique(maintain_order=True)
    games = offense.select("season_year", "game_date", "game_id", "team_abbr", "pace").filter(
        pl.col("pace").is_not_null()
    )
    paces = league_games(days, games, LEAGUE_DAYS).group_by("day", maintain_order=True).agg("pace")
    enough = paces.filter(pl.col("pace").list.len() >= LEAGUE_GAMES)
    means = enough.select("day", league_pace_last_30_days=pl.col("pace").list.mean())
    return (
        days.select("day")
        .join(means, on="day", how="left")
        .with_columns(pl.col(means.columns[1]).fill_null(USUAL_PACE))
    )


PROCESSOR = Processor(
    table=TABLE,
    version="1",
    inputs=(
        Input(schedule.TABLE, SIDE_COLUMNS, SEASON_AND_SAME_DATE),
        Input(
            team_offense_game_summary.TABLE,
            (
                "game_id",
                "game_date",
                "team_abbr",
                "season_year",
                "win_flag",
                "margin_of_victory",
                "pace",
                "offensive_rating",
            ),
            SEASON,
        ),
        Input(
            team_defense_game_summary.TABLE,
            ("game_id", "game_date", "defending_team_abbr", "season_year", "defensive_rating"),
            SEASON,
        ),
    ),
    expected_keys=expected_keys,
    compute=compute,
    needs_final_games=False,
    short_lived=True,
)
