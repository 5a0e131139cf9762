"""`nba_raw.injury_report`: who is listed as hurt before a game. A date may have nobody."""

import polars as pl

from backcourt.pipeline.processor import SAME_DATE, Chunk, Feed, Input, Inputs, Processor
from backcourt.pipeline.table import Table
from nba.columns import day, in_shape, instant, no_rows, text
from nba.games import on_dates
from nba.names import player_lookup
from nba.raw.player_props import latest

_DATE = day("game_date", "The date of the game that the report is for.", required=True)
_REPORT = (
    text("team_abbr", "The player's team; NULL where the source does not say."),
    text("injury_status", "`available`, `probable`, `questionable`, `doubtful` or `out`."),
    text("reason", "The reason as the source writes it."),
    instant("report_at", "When the report was published."),
)

TABLE = Table(
    dataset="nba_raw",
    name="injury_report",
    partition_by="game_date",
    key=("game_date", "player_lookup"),
    columns=(
        _DATE,
        text("player_lookup", "The player's name: accents stripped, lower case, letters only.", required=True),
        *_REPORT,
    ),
    description="One row a date and player in the injury report: the latest status.",
    rows_a_date=60,
)

FEED = Feed(
    name="injury_report",
    columns=(_DATE, text("player_full_name", "The name as the source writes it.", required=True), *_REPORT),
    partition_by="game_date",
    files=("injury_report*", "injuries*"),
    aliases={"player_name": "player_full_name", "team": "team_abbr", "status": "injury_status"},
    optional=True,
)


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:  # noqa: ARG001 (a processor's signature)
    """Nobody: only the report knows who is hurt."""
    return no_rows(TABLE).select("game_date", "player_lookup")


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """The latest report on each player, its status in lower case; another word than the five changes nothing later."""
    reports = on_dates(inputs[FEED.full_name], chunk.dates).with_columns(
        player_lookup(pl.col("player_full_name")),
        injury_status=pl.col("injury_status").str.strip_chars().str.to_lowercase(),
    )
    return latest(in_shape(reports, TABLE), "report_at", TABLE)


PROCESSOR = Processor(
    table=TABLE,
    version="1",
    inputs=(Input(FEED, tuple(c.name for c in FEED.columns), SAME_DATE),),
    expected_keys=expected_keys,
    compute=compute,
    needs_final_games=False,
)
