"""`nba_raw.player_props`: the bookmakers' lines on the players' points. A date may have none."""

import polars as pl

from backcourt.pipeline.processor import SAME_DATE, Chunk, Feed, Input, Inputs, Processor
from backcourt.pipeline.table import Table
from nba.columns import day, in_shape, instant, integer, no_rows, number, text
from nba.games import on_dates
from nba.names import player_lookup

_DATE = day("game_date", "The game's date in America/New_York.", required=True)
_GAME = text("game_id", "The league's ten-digit game id; NULL where the source does not say.")
_LINE = (
    text("bookmaker", "Who offers the line.", required=True),
    number("points_line", "The line on the player's points."),
    number("opening_line", "That line when it opened; NULL where the source does not say."),
    integer("over_price", "American odds on more points than the line."),
    integer("under_price", "American odds on fewer points than the line."),
    instant("snapshot_at", "When the line was seen."),
)

TABLE = Table(
    dataset="nba_raw",
    name="player_props",
    partition_by="game_date",
    key=("game_date", "player_lookup", "bookmaker"),
    columns=(
        _DATE,
        _GAME,
        text("player_lookup", "The player's name: accents stripped, lower case, letters only.", required=True),
        *_LINE,
    ),
    description="One row a date, player and bookmaker: the latest line on the player's points.",
    rows_a_date=500,
)

FEED = Feed(
    name="player_props",
    columns=(_DATE, _GAME, text("player_full_name", "The name as the source writes it.", required=True), *_LINE),
    partition_by="game_date",
    files=("player_props*", "props*"),
    aliases={"player_name": "player_full_name", "line": "points_line"},
    optional=True,
)


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:  # noqa: ARG001 (a processor's signature)
    """Nobody: no source says which players have a line."""
    return no_rows(TABLE).select("game_date", "player_lookup")


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """The latest line of each bookmaker on each player; a line without an instant is older than any other.

    Two different lines of one bookmaker and one instant share a key: the engine's check of the key names them.
    """
    lines = on_dates(inputs[FEED.full_name], chunk.dates).with_columns(player_lookup(pl.col("player_full_name")))
    return latest(in_shape(lines, TABLE), "snapshot_at", TABLE)


def latest(rows: pl.DataFrame, seen_at: str, table: Table) -> pl.DataFrame:
    """Of several rows of one key those with the latest instant; rows equal in every column count once."""
    newest = pl.col(seen_at).max().over(table.key)
    return rows.filter(pl.col(seen_at).eq_missing(newest)).unique(maintain_order=True)


PROCESSOR = Processor(
    table=TABLE,
    version="1",
    inputs=(Input(FEED, tuple(c.name for c in FEED.columns), SAME_DATE),),
    expected_keys=expected_keys,
    compute=compute,
    needs_final_games=False,
)
