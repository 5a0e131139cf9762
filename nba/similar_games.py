"""A player's earlier games of the season that were like the one to be played: opponent, rest, venue and form.

Two games are compared by their rows in the feature store, as they stood before each. Points of similarity, 100 in all
(DOMAIN names the four traits; the weights are this module's choice):

    opponent's tier   40 the same, 20 the next one    defensive rating below 110, below 115, from 115 on
    form              25 the same, 10 the next one    last 5 games 3 points below the season's average, near it, above
    rest              20 the same, 10 the next one    0, 1, 2, 3 or more days off
    venue             15 the same                     home or away
"""

import polars as pl

from nba.lookback import WHOLE_SEASON, last_games

SIMILAR = 60
"""Points from which a game counts as similar."""

MOST_GAMES, ENOUGH = 15, 5
"""The most similar games that count, the latest first where they are equal; with fewer than ENOUGH they say nothing."""

TIERS = (110.0, 115.0)
FORM_POINTS = 3.0
MOST_REST = 3

_PLAYER = ("day", "season_year", "player_lookup")
_TRAITS = ("tier", "form", "rest", "home_away")


def with_similar_games(rows: pl.DataFrame, past: pl.DataFrame) -> pl.DataFrame:
    """Adds `similar_games_count`, `avg_similarity_score` (0 to 100) and `similar_points`, their weighted mean.

    Args:
        rows: `day`, `season_year`, `player_lookup`, `days_rest` and the features by name.
        past: the same of games that were played, with `game_date`, `game_id` and the `points` scored.
    """
    wanted = with_traits(rows).select(*_PLAYER, *(pl.col(trait).alias(f"{trait}_wanted") for trait in _TRAITS))
    games = with_traits(past).select("player_lookup", "season_year", "game_date", "game_id", "points", *_TRAITS)
    found = last_games(wanted, games, "player_lookup", WHOLE_SEASON).with_columns(score=_score())
    similar = (
        found.filter(pl.col("score") >= SIMILAR)
        .sort(*_PLAYER, "score", "games_ago", descending=[False] * 3 + [True, False])
        .group_by(_PLAYER, maintain_order=True)
        .head(MOST_GAMES)
        .group_by(_PLAYER, maintain_order=True)
        .agg(
            similar_games_count=pl.len().cast(pl.Int64),
            avg_similarity_score=pl.col("score").mean(),
            similar_points=(pl.col("score") * pl.col("points")).sum() / pl.col("score").sum(),
        )
    )
    joined = rows.join(similar, on=_PLAYER, how="left", maintain_order="left")
    return joined.with_columns(pl.col("similar_games_count").fill_null(0))


def with_traits(rows: pl.DataFrame) -> pl.DataFrame:
    """Adds `tier`, `form` and `rest` as whole numbers; the season's first game counts as well rested."""
    rating = pl.col("opponent_def_rating")
    swing = pl.col("points_avg_last_5") - pl.col("points_avg_season")
    return rows.with_columns(
        tier=pl.sum_horizontal((rating >= limit).cast(pl.Int64) for limit in TIERS),
        form=(swing >= FORM_POINTS).cast(pl.Int64) - (swing <= -FORM_POINTS).cast(pl.Int64),
        rest=pl.col("days_rest").fill_null(MOST_REST).clip(upper_bound=MOST_REST),
    )


def _score() -> pl.Expr:
    apart = {trait: (pl.col(trait) - pl.col(f"{trait}_wanted")).abs() for trait in _TRAITS}
    return (
        _points(apart["tier"], 40, 20)
        + _points(apart["form"], 25, 10)
        + _points(apart["rest"], 20, 10)
        + _points(apart["home_away"], 15, 0)
    )


def _points(apart: pl.Expr, same: int, next_one: int) -> pl.Expr:
    score = pl.when(apart == 0).then(same).when(apart == 1).then(next_one).otherwise(0)
    return score.cast(pl.Int64)
