"""`nba_raw.shots`: one row a field-goal attempt, with where it was taken from."""

import polars as pl

from backcourt.pipeline.processor import SAME_DATE, Chunk, Feed, Input, Inputs, Processor
from backcourt.pipeline.table import Table
from nba.columns import day, flag, in_shape, integer, number, text
from nba.games import FINAL_COLUMNS, final_games, on_dates
from nba.names import player_lookup
from nba.raw import schedule
from nba.teams import TRICODES

_GAME = (
    text("game_id", "The league's ten-digit game id.", required=True),
    day("game_date", "The game's date in America/New_York.", required=True),
)
_ID = integer("nba_player_id", "The league's id of the player.")
_TEAM = text("team_abbr", "The shooter's team; NULL where the source names a team that the league does not have.")
_SHOT = (
    integer("period", "1 to 4, then overtimes."),
    integer("seconds_left", "Seconds left in the period."),
    text(
        "shot_zone_basic",
        "Restricted Area, In The Paint (Non-RA), Mid-Range, Left Corner 3, Right Corner 3, Above the Break 3 or "
        "Backcourt.",
    ),
    text("shot_zone_side", "Side of the court."),
    text("shot_zone_range", "Distance in words."),
    integer("shot_distance", "Distance from the basket in feet."),
    number("loc_x", "Feet to the side of the basket."),
    number("loc_y", "Feet from the baseline."),
    integer("shot_value", "2 or 3 points."),
    flag("shot_made", "Whether it went in.", required=True),
    text("action_type", "The kind of shot in words."),
)

TABLE = Table(
    dataset="nba_raw",
    name="shots",
    partition_by="game_date",
    key=("game_id", "shot_number"),
    columns=(
        *_GAME,
        integer("shot_number", "Order of the shot in the game, from 1.", required=True),
        _ID,
        text("player_lookup", "The shooter's name: accents stripped, lower case, letters only.", required=True),
        _TEAM,
        *_SHOT,
    ),
    description="One row a field-goal attempt.",
    rows_a_date=1400,
)

FEED = Feed(
    name="shots",
    columns=(
        *_GAME,
        _ID,
        text("player_full_name", "The shooter's name as the source writes it.", required=True),
        _TEAM,
        text("team_name", "The shooter's team in full; used where there is no tricode."),
        *_SHOT,
    ),
    partition_by="game_date",
    files=("shots*",),
    aliases={
        "player_id": "nba_player_id",
        "player_name": "player_full_name",
        "made": "shot_made",
        "shot_made_flag": "shot_made",
        "shot_zone_area": "shot_zone_side",
        "basic_zone": "shot_zone_basic",
        "zone_side": "shot_zone_side",
        "zone_range": "shot_zone_range",
        "shot_distance_ft": "shot_distance",
        "loc_x_ft": "loc_x",
        "loc_y_ft": "loc_y",
    },
    ignored=("season", "team_id", "player_position", "home_team", "away_team"),
)

ORDER_IN_SECOND = (
    "shot_made",
    "player_lookup",
    "nba_player_id",
    "team_abbr",
    *(c.name for c in _SHOT if not c.required),
)
"""Order of shots of one second: a miss comes before the put-back that scores, then every other column, so that only
rows equal in all columns are left and the numbers do not depend on the order of the file (27 such pairs in two
seasons, all tip-ins)."""


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Every final game: no game was ever played without a shot."""
    games = final_games(inputs[schedule.TABLE.full_name], chunk.dates, chunk.as_of)
    return games.select("game_date", "game_id").sort("game_date", "game_id")


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """The source's shots with the shooter's key, his team's tricode and the shot's number in the game."""
    shots = on_dates(inputs[FEED.full_name], chunk.dates).with_columns(
        player_lookup(pl.col("player_full_name")),
        team_abbr=pl.coalesce("team_abbr", pl.col("team_name").replace_strict(TRICODES, default=None)),
    )
    later_first = ("seconds_left",)
    order = ("game_id", "period", *later_first, *(c for c in ORDER_IN_SECOND if c not in ("period", *later_first)))
    ordered = shots.sort(order, descending=[c in later_first for c in order])
    numbered = ordered.with_columns(shot_number=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("game_id"))
    return in_shape(numbered, TABLE)


PROCESSOR = Processor(
    table=TABLE,
    version="1",
    inputs=(
        Input(FEED, tuple(c.name for c in FEED.columns), SAME_DATE),
        Input(schedule.TABLE, FINAL_COLUMNS, SAME_DATE),
    ),
    expected_keys=expected_keys,
    compute=compute,
)
