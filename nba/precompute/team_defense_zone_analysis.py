"""`nba_precompute.team_defense_zone_analysis` (TDZA): how each team defends the three zones, against the league."""

import polars as pl

from backcourt.pipeline.processor import SEASON, SEASON_AND_SAME_DATE, Chunk, Input, Inputs, Processor
from backcourt.pipeline.table import Table
from nba.analytics import team_defense_game_summary
from nba.columns import day, flag, in_shape, integer, number, text
from nba.games import season_days, teams_of
from nba.lookback import last_games, league_games
from nba.ratios import pooled
from nba.raw import schedule

GAMES = 15
"""Games of a team that are looked back on."""

LEAGUE_DAYS = 30
"""Days before the date that the league's figures are taken from."""

LEAGUE_TEAMS = 10
"""Teams that must have a game in those days; with fewer, DEFAULT_PCT stands in."""

DEFAULT_PCT = {"paint": 0.580, "mid_range": 0.410, "three_pt": 0.355}
"""The league's shooting by zone in a usual season (DOMAIN, section 3)."""

ZONE_LABELS = {"paint": "paint", "mid_range": "mid_range", "three_pt": "perimeter"}
"""Zone to its name in strongest_zone and weakest_zone; the order decides ties."""

_DEFENSE_COLUMNS = (
    "game_id",
    "game_date",
    "defending_team_abbr",
    "season_year",
    *(f"opp_{zone}_{what}" for zone in ZONE_LABELS for what in ("attempts", "makes")),
    "points_in_paint_allowed",
    "points_allowed",
    "defensive_rating",
    "opponent_pace",
)

TABLE = Table(
    dataset="nba_precompute",
    name="team_defense_zone_analysis",
    partition_by="analysis_date",
    key=("analysis_date", "team_abbr"),
    columns=(
        text("team_abbr", "The defending team.", required=True),
        day("analysis_date", "The date that the row is for; only earlier games of the season count.", required=True),
        integer("season_year", "The year the season starts in.", required=True),
        integer("games_in_sample", "Games looked back on, 15 at most.", required=True),
        number("paint_pct_allowed_last_15", "Makes / attempts allowed in the paint, pooled over the games."),
        number("paint_attempts_allowed_per_game", "Attempts allowed in the paint a game."),
        number("paint_points_allowed_per_game", "Points allowed in the paint a game."),
        number("paint_defense_vs_league_avg", "Percentage points above the league; positive is a worse defense."),
        number("mid_range_pct_allowed_last_15", "Makes / attempts allowed in mid-range, pooled over the games."),
        number("mid_range_attempts_allowed_per_game", "Attempts allowed in mid-range a game."),
        number("mid_range_defense_vs_league_avg", "Percentage points above the league; positive is a worse defense."),
        number("three_pt_pct_allowed_last_15", "Makes / attempts allowed from behind the line, pooled over the games."),
        number("three_pt_attempts_allowed_per_game", "Attempts allowed from behind the line a game."),
        number("three_pt_defense_vs_league_avg", "Percentage points above the league; positive is a worse defense."),
        number("league_avg_paint_pct", "The league's makes / attempts in the paint, last 30 days.", required=True),
        number("league_avg_mid_range_pct", "The league's makes / attempts in mid-range, last 30 days.", required=True),
        number("league_avg_three_pt_pct", "The league's makes / attempts of threes, last 30 days.", required=True),
        number("defensive_rating_last_15", "Mean defensive rating of the games."),
        number("opponent_points_per_game", "Mean points allowed."),
        number("opponent_pace", "Mean pace of the opponents in the games."),
        text("strongest_zone", "The zone with the lowest figure against the league: paint, mid_range or perimeter."),
        text("weakest_zone", "The zone with the highest figure against the league."),
        flag("early_season_flag", "Fewer than 15 games.", required=True),
    ),
    description="One row a team and date: the zones that its defense gave up over its last 15 games.",
    rows_a_date=30,
)


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Every team of the season's schedule."""
    return _teams(chunk, inputs).select("team_abbr", analysis_date="day")


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Figures of each team's last 15 games beside the league's of the last 30 days.

    A team without a game in the season has no row: it is missing, and the coverage says so.
    """
    games = inputs[team_defense_game_summary.TABLE.full_name].select(_DEFENSE_COLUMNS)
    games = games.rename({"defending_team_abbr": "team_abbr"})
    wanted = _teams(chunk, inputs)
    samples = last_games(wanted, games, "team_abbr", GAMES)
    rows = (
        samples.group_by("day", "season_year", "team_abbr", maintain_order=True)
        .agg(
            *(pooled(f"opp_{z}_makes", f"opp_{z}_attempts").alias(f"{z}_pct_allowed_last_15") for z in ZONE_LABELS),
            *(pl.col(f"opp_{z}_attempts").mean().alias(f"{z}_attempts_allowed_per_game") for z in ZONE_LABELS),
            games_in_sample=pl.len(),
            paint_points_allowed_per_game=pl.col("points_in_paint_allowed").mean(),
            defensive_rating_last_15=pl.col("defensive_rating").mean(),
            opponent_points_per_game=pl.col("points_allowed").mean(),
            opponent_pace=pl.col("opponent_pace").mean(),
        )
        .join(league_percentages(wanted, games), on="day", how="left")
        .with_columns(
            (100 * (pl.col(f"{z}_pct_allowed_last_15") - pl.col(f"league_avg_{z}_pct"))).alias(
                f"{z}_defense_vs_league_avg"
            )
            for z in ZONE_LABELS
        )
        .with_columns(analysis_date="day", early_season_flag=pl.col("games_in_sample") < GAMES, **_extremes())
    )
    return in_shape(rows, TABLE)


def _teams(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """`day`, `season_year`, `team_abbr`: the season's teams on each date of the chunk."""
    games = inputs[schedule.TABLE.full_name]
    return teams_of(season_days(games, chunk.dates), games)


def league_percentages(wanted: pl.DataFrame, games: pl.DataFrame) -> pl.DataFrame:
    """`league_avg_<zone>_pct` by `day`: pooled over all team games of the last 30 days, or the zone's constant.

    The constant stands in where fewer than 10 teams have the zone's shots in a game there.
    """
    days = wanted.select("day", "season_year").unique(maintain_order=True)
    found = (
        league_games(days, games, LEAGUE_DAYS)
        .group_by("day", maintain_order=True)
        .agg(
            pl.when(pl.col("team_abbr").filter(pl.col(f"opp_{zone}_attempts").is_not_null()).n_unique() >= LEAGUE_TEAMS)
            .then(pooled(f"opp_{zone}_makes", f"opp_{zone}_attempts"))
            .alias(f"league_avg_{zone}_pct")
            for zone in ZONE_LABELS
        )
    )
    return (
        days.select("day")
        .join(found, on="day", how="left")
        .with_columns(pl.col(f"league_avg_{zone}_pct").fill_null(usual) for zone, usual in DEFAULT_PCT.items())
    )


def _extremes() -> dict[str, pl.Expr]:
    """The strongest and the weakest zone; zones without a figure take no part."""
    figures = {label: pl.col(f"{zone}_defense_vs_league_avg") for zone, label in ZONE_LABELS.items()}
    lowest, highest = pl.min_horizontal(*figures.values()), pl.max_horizontal(*figures.values())
    return {
        "strongest_zone": pl.coalesce(pl.when(f == lowest).then(pl.lit(label)) for label, f in figures.items()),
        "weakest_zone": pl.coalesce(pl.when(f == highest).then(pl.lit(label)) for label, f in figures.items()),
    }


PROCESSOR = Processor(
    table=TABLE,
    version="1",
    inputs=(
        Input(
            schedule.TABLE,
            ("game_date", "season_year", "home_team_tricode", "away_team_tricode"),
            SEASON_AND_SAME_DATE,
        ),
        Input(team_defense_game_summary.TABLE, _DEFENSE_COLUMNS, SEASON),
    ),
    expected_keys=expected_keys,
    compute=compute,
    bootstrap=True,
    needs_final_games=False,
)
