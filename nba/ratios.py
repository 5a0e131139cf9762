"""Arithmetic with NULLs and zero denominators, and sums whose bits depend on nothing but the values and their order."""

import polars as pl


def ratio(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """`numerator / denominator`; NULL where the denominator is zero or either side is NULL."""
    return pl.when(denominator != 0).then(numerator / denominator)


def whole_sum(column: str) -> pl.Expr:
    """Sum of a column in a `group_by`; NULL, never too small, where a value is NULL."""
    return pl.when(pl.col(column).null_count() == 0).then(pl.col(column).sum()).alias(column)


def true_shooting(points: pl.Expr, fg_attempts: pl.Expr, ft_attempts: pl.Expr) -> pl.Expr:
    """`PTS / (2 (FGA + 0.44 FTA))` (Basketball-Reference glossary, TS%, read 2026-11)."""
    return ratio(points, 2 * (fg_attempts + 0.44 * ft_attempts))


def pooled(numerator: str, denominator: str) -> pl.Expr:
    """Sum / sum over the rows of a `group_by` in which both are known; NULL where the denominator's sum is zero."""
    known = pl.col(numerator).is_not_null() & pl.col(denominator).is_not_null()
    return ratio(pl.col(numerator).filter(known).sum(), pl.col(denominator).filter(known).sum())
