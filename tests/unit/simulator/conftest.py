"""The league of two months, written once for every module, and its frames."""

from pathlib import Path

import polars as pl
import polars.selectors as cs
import pytest

from backcourt.sources.simulator.folder import write_league
from tests.unit.simulator.league import END, SIDE, START


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("league")
    write_league(to, 7, START, END)
    return to


@pytest.fixture(scope="module")
def boxes(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "box_scores_2023_24.parquet")


@pytest.fixture(scope="module")
def shots(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "shots_2023_24.parquet")


@pytest.fixture(scope="module")
def schedule(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(folder / "schedule_2023_24.parquet")


@pytest.fixture(scope="module")
def sides(boxes: pl.DataFrame) -> pl.DataFrame:
    """A row a team and game, with the opponent's counts as `…_opponent`."""
    counts = ["minutes", *boxes.select(cs.by_dtype(pl.Int16)).columns]
    teams = boxes.group_by(SIDE).agg(
        pl.col(counts).cast(pl.Int64).sum(), pl.col("is_home", "won").first(), players=pl.len()
    )
    both = teams.join(teams, on="game_id", suffix="_opponent").filter(pl.col("team") != pl.col("team_opponent"))
    return both.with_columns(margin=pl.col("points") - pl.col("points_opponent"))
