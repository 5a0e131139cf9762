"""Which games of the schedule count: final, postponed, and a game's two sides."""

from datetime import date

import polars as pl

FINAL = 3
"""`game_status` of a game that is over."""

POSTPONED = "PPD"
"""`game_status_text` of a game that will be played on another date."""

SIDES = ("home", "away")
"""A game's two sides, as the schedule's columns name them."""

FINAL_COLUMNS = ("game_id", "game_date", "season_year", "game_status", "game_status_text")
"""Columns of the schedule that `final_games` and its callers need, besides the two teams."""

SIDE_COLUMNS = (*FINAL_COLUMNS, "home_team_tricode", "away_team_tricode")
"""Columns of the schedule that `team_sides` needs."""


def is_played() -> pl.Expr:
    """Whether a game of the schedule belongs to its date: it is not postponed."""
    return pl.col("game_status_text").ne_missing(POSTPONED)


def final_games(schedule: pl.DataFrame, dates: tuple[date, ...], as_of: date) -> pl.DataFrame:
    """Games of `dates` that are over: status 3, or no status and a date before `as_of`; never a postponed one."""
    over = pl.when(pl.col("game_status").is_null()).then(pl.col("game_date") < as_of)
    return on_dates(schedule, dates).filter(is_played(), over.otherwise(pl.col("game_status") == FINAL))


def on_dates(rows: pl.DataFrame, dates: tuple[date, ...], column: str = "game_date") -> pl.DataFrame:
    """The rows whose `column` is one of `dates`."""
    return rows.filter(pl.col(column).is_in(list(dates)))


def team_sides(games: pl.DataFrame) -> pl.DataFrame:
    """Two rows a game, each seen from one team: game_id, game_date, season_year, team_abbr, opponent and home_game."""
    game = ("game_id", "game_date", "season_year")
    home, away = pl.col("home_team_tricode"), pl.col("away_team_tricode")
    return pl.concat(
        [
            games.select(
                *game, team_abbr=home, opponent_team_abbr=away, home_game=pl.lit(value=True, dtype=pl.Boolean)
            ),
            games.select(
                *game, team_abbr=away, opponent_team_abbr=home, home_game=pl.lit(value=False, dtype=pl.Boolean)
            ),
        ]
    ).sort("game_date", "game_id", "team_abbr")


def season_days(schedule: pl.DataFrame, dates: tuple[date, ...]) -> pl.DataFrame:
    """`day` and `season_year` of those of `dates` that have a game in the schedule, ascending."""
    found = on_dates(schedule, dates).group_by(day="game_date").agg(pl.col("season_year").max())
    return found.sort("day")


def teams_of(days: pl.DataFrame, schedule: pl.DataFrame) -> pl.DataFrame:
    """`day`, `season_year`, `team_abbr`: teams that the schedule names in the day's season, up to the day itself."""
    first_seen = (
        pl.concat([schedule.select("season_year", "game_date", team_abbr=f"{side}_team_tricode") for side in SIDES])
        .group_by("season_year", "team_abbr")
        .agg(pl.col("game_date").min())
    )
    known = days.join(first_seen, on="season_year").filter(pl.col("game_date") <= pl.col("day"))
    return known.select("day", "season_year", "team_abbr").sort("day", "team_abbr")
