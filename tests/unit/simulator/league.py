"""The two simulated months that the tests of the simulator look at."""

from datetime import date
from pathlib import Path

import polars as pl

START, END = date(2023, 10, 24), date(2023, 12, 23)
SIDE = ["game_id", "team"]


def rows(folder: Path) -> dict[str, pl.DataFrame]:
    return {path.name: pl.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}


def share(values: pl.Series) -> float:
    return float(values.sum()) / len(values)
