"""The real season 2023-24, computed once by the pipeline, and where its files are."""

import os
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from backcourt.sources.folder import FolderSource
from nba.pipeline import PIPELINE
from tests.plain_loop import run_in_memory
from tests.unit.nba.made_up_reports import WithReports

FOLDER = Path(
    os.environ.get("BACKCOURT_NBA_DATA", Path(__file__).resolve().parents[3].parent / "shared" / "data" / "nba")
)
START, END, AS_OF = date(2023, 10, 24), date(2024, 4, 14), date(2024, 6, 1)

needs_real_data = pytest.mark.skipif(
    not (FOLDER / "box_scores_2023_24.parquet").exists(),
    reason=f"no real games in {FOLDER}: set BACKCOURT_NBA_DATA to the folder that holds them",
)


@cache
def season() -> dict[str, pl.DataFrame]:
    """Every table of the season, by full name."""
    return run_in_memory(PIPELINE, FolderSource(str(FOLDER)), START, END, AS_OF, chunk_days=60)


@cache
def season_with_reports() -> dict[str, pl.DataFrame]:
    """The same season with made-up lines and injury reports."""
    source = WithReports(FolderSource(str(FOLDER)), START, END)
    return run_in_memory(PIPELINE, source, START, END, AS_OF, chunk_days=60)
