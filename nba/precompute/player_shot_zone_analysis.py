"""`nba_precompute.player_shot_zone_analysis` (PSZA): where each player shoots from, and how well."""

import polars as pl

from backcourt.pipeline.processor import SEASON, SEASON_AND_SAME_DATE, Chunk, Input, Inputs, Processor
from backcourt.pipeline.table import Table
from nba.analytics import player_game_summary
from nba.columns import day, flag, in_shape, integer, number, text
from nba.early_season import with_early_season_flag
from nba.games import SIDE_COLUMNS, is_played, on_dates, team_sides
from nba.lookback import WHOLE_SEASON, last_games
from nba.ratios import pooled, ratio
from nba.raw import schedule
from nba.rosters import placeholders, players_of
from nba.zones import ZONE_COLUMNS

GAMES = 10
"""Games that a player needs, and that the shorter sample holds."""

LONG_GAMES = 20
"""Games that the longer sample holds."""

NO_SHOTS = "no shots known in the last 10 games"
"""`insufficient_data_reason` of a player without a share."""

_RATES = {"paint": "paint_rate_last_10", "mid_range": "mid_range_rate_last_10", "three": "three_pt_rate_last_10"}
_PCTS = {"paint": "paint_pct_last_10", "mid_range": "mid_range_pct_last_10", "three": "three_pt_pct_last_10"}
_PER_GAME = {
    "paint": "paint_attempts_per_game",
    "mid_range": "mid_range_attempts_per_game",
    "three": "three_pt_attempts_per_game",
}
_PLAYER = ("day", "season_year", "player_lookup")

TABLE = Table(
    dataset="nba_precompute",
    name="player_shot_zone_analysis",
    partition_by="analysis_date",
    key=("analysis_date", "player_lookup"),
    columns=(
        text("player_lookup", "The player's key.", required=True),
        day("analysis_date", "The date that the row is for; only earlier games of the season count.", required=True),
        integer("season_year", "The year the season starts in.", required=True),
        number("paint_rate_last_10", "Share of his shots from the paint, percent, last 10 games."),
        number("mid_range_rate_last_10", "Share of his shots from mid-range, percent, last 10 games."),
        number("three_pt_rate_last_10", "Share of his shots from behind the line, percent, last 10 games."),
        integer("total_shots_last_10", "His shots in the three zones, last 10 games."),
        integer("games_in_sample_10", "Games looked back on, 10 at most.", required=True),
        number("paint_pct_last_10", "Makes / attempts in the paint, pooled over the last 10 games."),
        number("mid_range_pct_last_10", "Makes / attempts in mid-range, pooled over the last 10 games."),
        number("three_pt_pct_last_10", "Makes / attempts from behind the line, pooled over the last 10 games."),
        number("paint_attempts_per_game", "Shots from the paint a game, last 10 games."),
        number("mid_range_attempts_per_game", "Shots from mid-range a game, last 10 games."),
        number("three_pt_attempts_per_game", "Shots from behind the line a game, last 10 games."),
        number("paint_rate_last_20", "Share of his shots from the paint, percent, last 20 games."),
        number("paint_pct_last_20", "Makes / attempts in the paint, pooled over the last 20 games."),
        integer("games_in_sample_20", "Games looked back on, 20 at most.", required=True),
        text("primary_scoring_zone", "`paint`, `perimeter`, `mid_range` or `balanced`; NULL without shares."),
        flag("early_season_flag", "Within 21 days after the bootstrap, where fewer games suffice.", required=True),
        text("insufficient_data_reason", "Why there are no shares."),
    ),
    description="One row a player and date that his team plays: his shots by zone over the last 10 and 20 games.",
)


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Players with enough games whose team plays on the date.

    A team that has played before, but of which nobody was seen (box scores are missing), counts with placeholders.
    """
    fixtures = inputs[schedule.TABLE.full_name].filter(is_played())
    playing = _playing(chunk, inputs)
    seen = players_of(playing, inputs[player_game_summary.TABLE.full_name])
    unseen = last_games(playing, team_sides(fixtures).drop("opponent_team_abbr"), "team_abbr", 1).join(
        seen, on=["day", "team_abbr"], how="anti"
    )
    key = (pl.col("day").alias("analysis_date"), "player_lookup")
    missing = placeholders(unseen, "nobody_seen")
    return pl.concat([_players(chunk, inputs).select(key), missing.select(key)]).sort("analysis_date", "player_lookup")


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Shares, percentages and attempts by zone; games without known shots are left out of them.

    A share is of the shots in the three zones, so that the shares sum to 100 wherever there are any.
    """
    players = _players(chunk, inputs)
    columns = [c for pair in ZONE_COLUMNS.values() for c in pair]
    games = inputs[player_game_summary.TABLE.full_name].select(
        "player_lookup", "season_year", "game_date", "game_id", *columns
    )
    found = last_games(players.select(_PLAYER), games, "player_lookup", LONG_GAMES)
    long = found.group_by(_PLAYER, maintain_order=True).agg(
        games_in_sample_20=pl.len(), paint_rate_last_20=_share("paint"), paint_pct_last_20=pooled(*_made("paint"))
    )
    short = (
        found.filter(pl.col("games_ago") <= GAMES)
        .group_by(_PLAYER, maintain_order=True)
        .agg(
            *(_share(zone).alias(name) for zone, name in _RATES.items()),
            *(pooled(*_made(zone)).alias(name) for zone, name in _PCTS.items()),
            *(pl.col(_made(zone)[1]).mean().alias(name) for zone, name in _PER_GAME.items()),
            games_in_sample_10=pl.len(),
            total_shots_last_10=_shots(),
        )
    )
    rows = players.join(short, on=_PLAYER, how="left").join(long, on=_PLAYER, how="left")
    no_share = pl.col(_RATES["paint"]).is_null()
    return in_shape(
        rows.with_columns(
            analysis_date="day",
            primary_scoring_zone=primary_zone(*(pl.col(name) for name in _RATES.values())),
            insufficient_data_reason=pl.when(no_share).then(pl.lit(NO_SHOTS)),
        ),
        TABLE,
    )


def primary_zone(paint: pl.Expr, mid_range: pl.Expr, three: pl.Expr) -> pl.Expr:
    """Paint from 40 %, else perimeter from 40 %, else mid-range from 35 %, else balanced; NULL without shares."""
    return (
        pl.when(paint.is_null())
        .then(None)
        .when(paint >= 40)
        .then(pl.lit("paint"))
        .when(three >= 40)
        .then(pl.lit("perimeter"))
        .when(mid_range >= 35)
        .then(pl.lit("mid_range"))
        .otherwise(pl.lit("balanced"))
    )


def _made(zone: str) -> tuple[str, str]:
    """The columns of makes and attempts of a zone."""
    attempts, makes = ZONE_COLUMNS[zone]
    return makes, attempts


def _shots() -> pl.Expr:
    """Shots of all zones in a `group_by`; NULL where no game's shots are known."""
    attempts = [pl.col(pair[0]) for pair in ZONE_COLUMNS.values()]
    known = pl.sum_horizontal(attempts, ignore_nulls=False).drop_nulls()
    return pl.when(known.len() > 0).then(known.sum())


def _share(zone: str) -> pl.Expr:
    """Shots of one zone in percent of all, in a `group_by`."""
    return ratio(100 * pl.col(ZONE_COLUMNS[zone][0]).sum(), _shots())


def _playing(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """`day`, `season_year`, `team_abbr` of the teams that play."""
    games = on_dates(inputs[schedule.TABLE.full_name], chunk.dates).filter(is_played())
    return team_sides(games).select("season_year", "team_abbr", day="game_date")


def _players(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """`day`, `season_year`, `player_lookup`, `early_season_flag` of players with enough games whose team plays."""
    fixtures = inputs[schedule.TABLE.full_name]
    games = inputs[player_game_summary.TABLE.full_name]
    playing = _playing(chunk, inputs)
    players = players_of(playing, games)
    own = _games_before(players.select(_PLAYER), games, "player_lookup").rename({"games": "own_games"})
    team_rows = games.select("season_year", "game_date", "game_id", "team_abbr").unique()
    of_team = _games_before(playing, team_rows, "team_abbr").rename({"games": "team_games"})
    known = players.join(own, on=_PLAYER, how="left").join(of_team, on=["day", "season_year", "team_abbr"], how="left")
    return (
        with_early_season_flag(known, fixtures)
        .with_columns(
            needed=pl.when("early_season_flag").then(pl.min_horizontal("team_games", pl.lit(GAMES))).otherwise(GAMES)
        )
        .filter(pl.col("own_games") >= pl.col("needed"))
        .select(*_PLAYER, "early_season_flag")
    )


def _games_before(wanted: pl.DataFrame, games: pl.DataFrame, entity: str) -> pl.DataFrame:
    """How many games of the season each entity played before the day."""
    keys = games.select(entity, "season_year", "game_date", "game_id")
    found = last_games(wanted, keys, entity, WHOLE_SEASON)
    return found.group_by("day", "season_year", entity).agg(games=pl.len())


PROCESSOR = Processor(
    table=TABLE,
    version="1",
    inputs=(
        Input(schedule.TABLE, SIDE_COLUMNS, SEASON_AND_SAME_DATE),
        Input(
            player_game_summary.TABLE,
            (
                "player_lookup",
                "player_full_name",
                "team_abbr",
                "season_year",
                "game_date",
                "game_id",
                *(column for pair in ZONE_COLUMNS.values() for column in pair),
            ),
            SEASON,
        ),
    ),
    expected_keys=expected_keys,
    compute=compute,
    bootstrap=True,
    needs_final_games=False,
)
