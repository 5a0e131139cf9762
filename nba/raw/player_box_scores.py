"""`nba_raw.player_box_scores`: one line a player and game, for everyone who played."""

import polars as pl

from backcourt.pipeline.processor import SAME_DATE, Chunk, Feed, Input, Inputs, Processor
from backcourt.pipeline.table import Table
from nba import plausible
from nba.columns import counts, day, flag, in_shape, integer, number, text
from nba.games import SIDE_COLUMNS, final_games, on_dates, team_sides
from nba.names import player_lookup
from nba.raw import schedule
from nba.seasons import season_year

_GAME = (
    text("game_id", "The league's ten-digit game id.", required=True),
    day("game_date", "The game's date in America/New_York.", required=True),
)
_PLAYER = (
    integer("nba_player_id", "The league's id of the player; NULL where the source does not know it."),
    text("player_full_name", "The name as the source writes it.", required=True),
)
_LINE = (
    text("team_abbr", "The player's team.", required=True),
    text("opponent_team_abbr", "The other team.", required=True),
    flag("home_game", "Whether the player's team is at home.", required=True),
    flag("win_flag", "Whether the player's team won."),
    flag("starter", "Whether the player started."),
    text("position", "The player's position."),
    number("minutes", "Minutes played; 0 is less than half a minute where a source rounds."),
    *counts(
        ("points", "Points."),
        ("field_goals_made", "Field goals made, three-pointers included."),
        ("field_goals_attempted", "Field goals attempted, three-pointers included."),
        ("three_pointers_made", "Three-pointers made."),
        ("three_pointers_attempted", "Three-pointers attempted."),
        ("free_throws_made", "Free throws made."),
        ("free_throws_attempted", "Free throws attempted."),
        ("offensive_rebounds", "Offensive rebounds."),
        ("defensive_rebounds", "Defensive rebounds."),
        ("total_rebounds", "All rebounds."),
        ("assists", "Assists."),
        ("steals", "Steals."),
        ("blocks", "Blocks."),
        ("turnovers", "Turnovers."),
        ("personal_fouls", "Personal fouls."),
        ("plus_minus", "Point difference while the player was on the court."),
    ),
)

TABLE = Table(
    dataset="nba_raw",
    name="player_box_scores",
    partition_by="game_date",
    key=("game_id", "player_lookup"),
    columns=(
        *_GAME,
        integer("season_year", "The year the season starts in.", required=True),
        *_PLAYER,
        text("player_lookup", "The player's name: accents stripped, lower case, letters only.", required=True),
        *_LINE,
    ),
    description="One row a player and game, for everyone who played.",
)

FEED = Feed(
    name="player_box_scores",
    columns=(*_GAME, text("season", "The season, as in '2023-24'.", required=True), *_PLAYER, *_LINE),
    partition_by="game_date",
    files=("box_scores*", "player_box_scores*"),
    aliases={
        "player_id": "nba_player_id",
        "player_name": "player_full_name",
        "team": "team_abbr",
        "team_abbreviation": "team_abbr",
        "season_year": "season",
        "opponent": "opponent_team_abbr",
        "is_home": "home_game",
        "won": "win_flag",
        "player_position": "position",
        "min": "minutes",
        "pts": "points",
        "fgm": "field_goals_made",
        "fga": "field_goals_attempted",
        "fg3m": "three_pointers_made",
        "fg3a": "three_pointers_attempted",
        "ftm": "free_throws_made",
        "fta": "free_throws_attempted",
        "oreb": "offensive_rebounds",
        "dreb": "defensive_rebounds",
        "reb": "total_rebounds",
        "ast": "assists",
        "stl": "steals",
        "blk": "blocks",
        "tov": "turnovers",
        "pf": "personal_fouls",
    },
)


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Both teams of every final game: who played for them only the box score itself knows."""
    games = final_games(inputs[schedule.TABLE.full_name], chunk.dates, chunk.as_of)
    return team_sides(games).select("game_date", "game_id", "team_abbr")


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """The source's lines with the player's key.

    Two players of one name in one game would share a key. The real files have no such pair; should one appear, the
    engine's check of the key names it, rather than a line being dropped here.
    """
    lines = on_dates(inputs[FEED.full_name], chunk.dates)
    keyed = lines.with_columns(season_year(pl.col("season")), player_lookup(pl.col("player_full_name")))
    return in_shape(keyed, TABLE)


PROCESSOR = Processor(
    table=TABLE,
    version="1",
    inputs=(
        Input(FEED, tuple(c.name for c in FEED.columns), SAME_DATE),
        Input(schedule.TABLE, SIDE_COLUMNS, SAME_DATE),
    ),
    expected_keys=expected_keys,
    compute=compute,
    plausible=plausible.of_players(
        blocks="blocks", steals="steals", turnovers="turnovers", points="points", assists="assists"
    ),
)
