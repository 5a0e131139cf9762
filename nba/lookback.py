"""Looking back from a date: the games that somebody played before it, in the same season.

`last_games` and `games_since` take `wanted`, one row a question (`day`, `season_year` and the entity's column), and
answer with one row a question and game, in the order of the questions, oldest game first. So an aggregation over an
answer sees each window's own values in the order of their key, and its bits depend on nothing outside the window: no
running sums, no rolling windows. A question without games has no row in the answer.
"""

from datetime import timedelta

import polars as pl

WHOLE_SEASON = 1_000
"""More games than anybody plays in a season."""


def last_games(wanted: pl.DataFrame, games: pl.DataFrame, entity: str, count: int) -> pl.DataFrame:
    """The entity's last `count` games before `day`, ordered by game_date and game_id.

    Args:
        wanted: `day`, `season_year`, the entity's column; more columns stay.
        games: one row an entity and game, with `game_date`, `game_id`, `season_year` and the entity's column.
        entity: name of the entity's column, in both frames.
        count: how many games at most.

    Returns:
        Columns of `wanted` and of `games`, and `games_ago` (1 is the last game before `day`).
    """
    numbered = _numbered(games, entity)
    before = _played_before(wanted, numbered, entity, pl.col("day"))
    return _answers(wanted, numbered, entity, (before - count + 1).clip(lower_bound=1), before)


def games_since(wanted: pl.DataFrame, games: pl.DataFrame, entity: str, days: int) -> pl.DataFrame:
    """The entity's games of the dates `day` − `days` … `day` − 1. Arguments and answer as of `last_games`."""
    numbered = _numbered(games, entity)
    before = _played_before(wanted, numbered, entity, pl.col("day"))
    earlier = _played_before(wanted, numbered, entity, pl.col("day") - timedelta(days=days))
    return _answers(wanted, numbered, entity, earlier + 1, before)


def streak(happened: pl.Expr) -> pl.Expr:
    """In a `group_by` of an answer: how many of the latest games in a row have the flag; unknown ends the row."""
    ended = pl.col("games_ago").filter(happened.fill_null(value=False).not_()).min()
    return (ended - 1).fill_null(pl.len())


def league_games(days: pl.DataFrame, games: pl.DataFrame, back: int) -> pl.DataFrame:
    """Everybody's games of the dates `day` − `back` … `day` − 1 in the day's season, in the order of their key.

    `days` has `day` and `season_year`; a day without games has no row.
    """
    since = pl.col("game_date").is_between(pl.col("day") - timedelta(days=back), pl.col("day") - timedelta(days=1))
    order = ["day", "game_date", "game_id", "team_abbr"]
    return days.join(games, on="season_year").filter(since).sort(order)


def _numbered(games: pl.DataFrame, entity: str) -> pl.DataFrame:
    """The games with their number in the entity's season, from 1."""
    ordered = games.sort("game_date", "game_id", entity)
    return ordered.with_columns(number=pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over(entity, "season_year"))


def _played_before(wanted: pl.DataFrame, numbered: pl.DataFrame, entity: str, day: pl.Expr) -> pl.Series:
    """How many games of the season the entity had played before a day, one figure a question."""
    questions = wanted.select(entity, "season_year", before=day).with_row_index("question").sort("before")
    latest = numbered.select(entity, "season_year", "game_date", "number")
    found = questions.join_asof(
        latest,
        left_on="before",
        right_on="game_date",
        by=[entity, "season_year"],
        allow_exact_matches=False,
        check_sortedness=False,
    )
    return found.sort("question").get_column("number").fill_null(0)


def _answers(
    wanted: pl.DataFrame, numbered: pl.DataFrame, entity: str, first: pl.Series, last: pl.Series
) -> pl.DataFrame:
    """One row a question and game number from `first` to `last`."""
    questions = wanted.with_row_index("question").with_columns(last=last)
    ranged = questions.with_columns(number=pl.int_ranges(first, last + 1, dtype=pl.Int64)).explode("number")
    joined = ranged.join(numbered, on=[entity, "season_year", "number"], how="inner", maintain_order="left")
    return joined.with_columns(games_ago=pl.col("last") - pl.col("number") + 1).drop("question", "last", "number")
