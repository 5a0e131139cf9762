"""`nba_raw.schedule`: every game of a season, played or to be played. Its dates are the pipeline's calendar."""

import polars as pl

from backcourt.pipeline.calendar import Calendar, calendar_of
from backcourt.pipeline.processor import SAME_DATE, Chunk, Feed, Input, Inputs, Processor
from backcourt.pipeline.table import Table
from nba.columns import day, flag, in_shape, instant, integer, text
from nba.games import is_played, on_dates
from nba.seasons import season_year

BOOTSTRAP_DAYS = 14
"""Days from a season's first date that precompute tables skip: too few games to look back on."""

_GAME = (
    text("game_id", "The league's ten-digit game id.", required=True),
    day("game_date", "The game's date in America/New_York.", required=True),
)
_DETAILS = (
    text("season_type", "`regular`, `playoffs` or `play_in`; NULL where the source does not say."),
    integer("game_status", "1 scheduled, 2 live, 3 final; NULL where the source does not say."),
    text("game_status_text", "The status in words; `PPD` is a postponed game."),
    instant("game_start", "Tip-off."),
    text("home_team_tricode", "The home team.", required=True),
    text("away_team_tricode", "The visiting team.", required=True),
    integer("home_team_score", "Points of the home team."),
    integer("away_team_score", "Points of the visiting team."),
    text("arena_timezone", "IANA time zone of the arena."),
    flag("neutral_site_flag", "Whether the game is on neutral ground."),
)

TABLE = Table(
    dataset="nba_raw",
    name="schedule",
    partition_by="game_date",
    key=("game_id",),
    columns=(*_GAME, integer("season_year", "The year the season starts in.", required=True), *_DETAILS),
    description="One row a game, played or scheduled.",
    rows_a_date=8,
)

FEED = Feed(
    name="schedule",
    columns=(*_GAME, text("season", "The season, as in '2023-24'.", required=True), *_DETAILS),
    partition_by="game_date",
    files=("schedule*",),
    aliases={"home_team": "home_team_tricode", "away_team": "away_team_tricode"},
)

CALENDAR_COLUMNS = ("game_date", "season_year", "game_status_text")
"""The columns that `calendar` reads."""


def calendar(schedule: pl.DataFrame) -> Calendar:
    """Dates with a game that is not postponed; a season starts at its first date in the schedule."""
    played = schedule.filter(is_played()).select("game_date", "season_year")
    starts = schedule.group_by("season_year").agg(pl.col("game_date").min())
    return calendar_of(dict(played.iter_rows()), dict(starts.iter_rows()), BOOTSTRAP_DAYS)


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Every game that the source lists."""
    return on_dates(inputs[FEED.full_name], chunk.dates).select("game_date", "game_id").unique(maintain_order=True)


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """The source's games, with the season as a year."""
    games = on_dates(inputs[FEED.full_name], chunk.dates)
    return in_shape(games.with_columns(season_year(pl.col("season"))), TABLE)


PROCESSOR = Processor(
    table=TABLE,
    version="1",
    inputs=(Input(FEED, tuple(c.name for c in FEED.columns), SAME_DATE),),
    expected_keys=expected_keys,
    compute=compute,
    needs_final_games=False,
)
