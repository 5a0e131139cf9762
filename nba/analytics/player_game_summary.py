"""`nba_analytics.player_game_summary` (PGS): one player's game: box score, shots by zone, usage and efficiency."""

import polars as pl

from backcourt.pipeline.processor import SAME_DATE, Chunk, Input, Inputs, Processor
from backcourt.pipeline.table import Table
from nba import plausible
from nba.columns import counts, day, flag, in_shape, integer, number, text
from nba.games import SIDE_COLUMNS, final_games, on_dates, team_sides
from nba.lines import LINE_COLUMNS, lines_of
from nba.ratios import ratio, true_shooting, whole_sum
from nba.raw import player_box_scores, player_props, schedule, shots
from nba.rosters import placeholders
from nba.zones import ZONE_COLUMNS, zone_counts

_FROM_BOX_SCORE = {
    "starter": "starter_flag",
    "minutes": "minutes_played",
    "field_goals_attempted": "fg_attempts",
    "field_goals_made": "fg_makes",
    "three_pointers_attempted": "three_pt_attempts",
    "three_pointers_made": "three_pt_makes",
    "free_throws_attempted": "ft_attempts",
    "free_throws_made": "ft_makes",
}

TABLE = Table(
    dataset="nba_analytics",
    name="player_game_summary",
    partition_by="game_date",
    key=("game_id", "player_lookup"),
    columns=(
        text("player_lookup", "The player's key.", required=True),
        text("player_full_name", "The name as the source writes it."),
        text("game_id", "The game.", required=True),
        day("game_date", "The game's date in America/New_York.", required=True),
        text("team_abbr", "The player's team.", required=True),
        text("opponent_team_abbr", "The other team.", required=True),
        integer("season_year", "The year the season starts in.", required=True),
        flag("home_game", "Whether the player's team is at home.", required=True),
        flag("win_flag", "Whether the player's team won."),
        flag("starter_flag", "Whether the player started."),
        integer("points", "Points."),
        number("minutes_played", "Minutes played."),
        *counts(
            ("assists", "Assists."),
            ("offensive_rebounds", "Offensive rebounds."),
            ("defensive_rebounds", "Defensive rebounds."),
            ("steals", "Steals."),
            ("blocks", "Blocks."),
            ("turnovers", "Turnovers."),
            ("fg_attempts", "Field goals attempted."),
            ("fg_makes", "Field goals made."),
            ("three_pt_attempts", "Three-pointers attempted, by the box score."),
            ("three_pt_makes", "Three-pointers made, by the box score."),
            ("ft_attempts", "Free throws attempted."),
            ("ft_makes", "Free throws made."),
            ("plus_minus", "Point difference while the player was on the court."),
            ("personal_fouls", "Personal fouls."),
            ("paint_attempts", "Shots from the paint; NULL where the shots are missing."),
            ("paint_makes", "Shots made from the paint; NULL where the shots are missing."),
            ("mid_range_attempts", "Shots from mid-range; NULL where the shots are missing."),
            ("mid_range_makes", "Shots made from mid-range; NULL where the shots are missing."),
            ("three_attempts_pbp", "Shots from behind the line, by the shots, backcourt included."),
            ("three_makes_pbp", "Shots made from behind the line, by the shots, backcourt included."),
        ),
        flag("has_complete_shot_zones", "The shots account for every attempt of the box score.", required=True),
        number("usage_rate", "Share of the team's plays that the player ended while on the court, percent."),
        number("ts_pct", "True shooting, 0 to 1 and a little more."),
        number("efg_pct", "Effective field-goal percentage, 0 to 1.5."),
        number("points_line", "The median of the bookmakers' lines on the player's points."),
        number("opening_line", "The median of the opening lines."),
        text("over_under_result", "`OVER`, `UNDER` or `PUSH`; NULL without a line."),
        number("margin", "Points minus the line."),
    ),
    description="One row a player and game: box score, shots by zone, usage and efficiency.",
)


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Players in the box scores of final games, and placeholders for each team whose box score is missing.

    The placeholders (`no_box_scores_mia_01`) make a game without box scores a hole instead of an empty success.
    """
    key = ("game_date", "game_id", "player_lookup")
    games = final_games(inputs[schedule.TABLE.full_name], chunk.dates, chunk.as_of)
    lines = inputs[player_box_scores.TABLE.full_name].join(games, on=["game_id", "game_date"], how="semi")
    missing = team_sides(games).join(lines, on=["game_id", "team_abbr"], how="anti")
    return pl.concat([lines.select(key), placeholders(missing, "no_box_scores").select(key)]).sort(key)


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Every line of a final game's box score, with zones from the shots and rates from the team's totals.

    `usage_rate = 100 (FGA + 0.44 FTA + TOV) (TmMin / 5) / (Min (TmFGA + 0.44 TmFTA + TmTOV))` and
    `efg_pct = (FGM + 0.5 FG3M) / FGA` (Basketball-Reference glossary, USG% and eFG%, read 2026-11).
    """
    games = final_games(inputs[schedule.TABLE.full_name], chunk.dates, chunk.as_of)
    lines = (
        inputs[player_box_scores.TABLE.full_name]
        .join(games, on=["game_id", "game_date"], how="semi")
        .rename(_FROM_BOX_SCORE)
        .sort("game_id", "player_lookup")
    )
    rows = with_rates(with_zones(lines, on_dates(inputs[shots.TABLE.full_name], chunk.dates)))
    return in_shape(with_line(rows, on_dates(inputs[player_props.TABLE.full_name], chunk.dates)), TABLE)


def with_line(lines: pl.DataFrame, props: pl.DataFrame) -> pl.DataFrame:
    """The bookmakers' median line on the player's points, and how his points compare with it."""
    joined = lines.join(lines_of(props), on=["game_date", "player_lookup"], how="left")
    margin = pl.col("points") - pl.col("points_line")
    result = (
        pl.when(margin > 0)
        .then(pl.lit("OVER"))
        .when(margin < 0)
        .then(pl.lit("UNDER"))
        .when(margin == 0)
        .then(pl.lit("PUSH"))
    )
    return joined.with_columns(margin=margin, over_under_result=result)


def with_zones(lines: pl.DataFrame, shot_rows: pl.DataFrame) -> pl.DataFrame:
    """Attempts and makes by zone, joined by game_id and player_lookup.

    They are NULL where the game has no shots, or the player took shots of which none is there; 0 where the game's
    shots are there and the player took none.
    """
    columns = [column for pair in ZONE_COLUMNS.values() for column in pair]
    attempts = [pair[0] for pair in ZONE_COLUMNS.values()]
    games_with_shots = shot_rows.select("game_id").unique().with_columns(has_shots=pl.lit(value=True))
    none_taken = pl.col("has_shots") & (pl.col("fg_attempts") == 0)
    joined = lines.join(zone_counts(shot_rows), on=["game_id", "player_lookup"], how="left").join(
        games_with_shots, on="game_id", how="left"
    )
    return joined.with_columns(
        pl.when(none_taken).then(pl.col(c).fill_null(0)).otherwise(pl.col(c)).alias(c) for c in columns
    ).with_columns(
        has_complete_shot_zones=(pl.sum_horizontal(attempts, ignore_nulls=False) == pl.col("fg_attempts")).fill_null(
            value=False
        )
    )


def with_rates(lines: pl.DataFrame) -> pl.DataFrame:
    """Usage, true shooting and effective field goals; NULL where a denominator is zero."""
    team = ("game_id", "team_abbr")
    summed = ("minutes_played", "fg_attempts", "ft_attempts", "turnovers")
    totals = lines.sort("game_id", "player_lookup").group_by(*team, maintain_order=True).agg(map(whole_sum, summed))
    joined = lines.join(totals, on=team, how="left", suffix="_team")
    plays = pl.col("fg_attempts") + 0.44 * pl.col("ft_attempts") + pl.col("turnovers")
    team_plays = pl.col("fg_attempts_team") + 0.44 * pl.col("ft_attempts_team") + pl.col("turnovers_team")
    return joined.with_columns(
        usage_rate=ratio(
            100 * plays * (pl.col("minutes_played_team") / 5),
            pl.col("minutes_played") * team_plays,
        ),
        ts_pct=true_shooting(pl.col("points"), pl.col("fg_attempts"), pl.col("ft_attempts")),
        efg_pct=ratio(pl.col("fg_makes") + 0.5 * pl.col("three_pt_makes"), pl.col("fg_attempts")),
    )


PROCESSOR = Processor(
    table=TABLE,
    version="2",
    inputs=(
        Input(schedule.TABLE, SIDE_COLUMNS, SAME_DATE),
        Input(
            player_box_scores.TABLE,
            tuple(c for c in player_box_scores.TABLE.column_names if c not in ("nba_player_id", "position")),
            SAME_DATE,
        ),
        Input(
            shots.TABLE,
            ("game_id", "game_date", "player_lookup", "shot_zone_basic", "shot_made"),
            SAME_DATE,
            optional=True,
        ),
        Input(player_props.TABLE, ("bookmaker", *LINE_COLUMNS), SAME_DATE, optional=True),
    ),
    expected_keys=expected_keys,
    compute=compute,
    plausible=plausible.of_players(
        blocks="blocks", steals="steals", turnovers="turnovers", points="points", assists="assists"
    ),
)
