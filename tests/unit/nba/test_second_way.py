"""The real season computed a second way, by SQL over the files: every key and every cell must agree.

The files have no lines and no injury reports: those are made up.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import polars as pl
import pytest

from backcourt.pipeline.table import FieldType, Table
from nba.pipeline import PIPELINE
from nba.raw import injury_report, player_props
from tests.unit.nba.real_season import FOLDER, needs_real_data, season_with_reports

pytestmark = [pytest.mark.real_data, needs_real_data]

SECOND_WAY = Path(__file__).resolve().parents[2] / "second_way"
TABLES = (
    "player_props",
    "injury_report",
    "player_game_summary",
    "team_offense_game_summary",
    "team_defense_game_summary",
    "team_defense_zone_analysis",
    "upcoming_team_game_context",
    "upcoming_player_game_context",
    "player_shot_zone_analysis",
    "player_composite_factors",
    "player_daily_cache",
    "ml_feature_store_v2",
    "player_prop_predictions",
    "prediction_accuracy",
    "accuracy_summary",
)
"""In the order in which they build on each other."""


@pytest.fixture(scope="module")
def second_way() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with a view for each file and a table for each query."""
    with duckdb.connect() as db:
        for view in ("box_scores", "shots", "schedule"):
            db.execute(f"CREATE VIEW {view} AS SELECT * FROM read_parquet('{FOLDER}/{view}_2023_24.parquet')")
        db.register("props_feed", season_with_reports()[player_props.FEED.full_name])
        db.register("injuries_feed", season_with_reports()[injury_report.FEED.full_name])
        for name in TABLES:
            db.execute(f"CREATE TABLE {name} AS {(SECOND_WAY / f'{name}.sql').read_text()}")
        yield db


@pytest.mark.parametrize("name", TABLES)
def test_every_cell_agrees_with_the_second_way(second_way: duckdb.DuckDBPyConnection, name: str) -> None:
    table = next(p.table for p in PIPELINE.processors if p.table.name == name)
    ours = season_with_reports()[table.full_name]
    theirs = second_way.table(name).pl()
    assert set(theirs.columns) == set(ours.columns)
    theirs = theirs.select(pl.col(c).cast(kind) for c, kind in ours.schema.items())
    key = sorted({table.partition_by, *table.key})
    assert ours.height > 0
    assert ours.select(key).sort(key).equals(theirs.select(key).sort(key))
    ours, theirs = (flattened(rows, table) for rows in (ours, theirs))
    both = ours.join(theirs, on=key, suffix="_second")
    assert both.height == ours.height
    wrong = {
        column: both.filter(~agree(column, kind)).select(*key, column, f"{column}_second").head(3).rows()
        for column, kind in ours.schema.items()
        if column not in key and not both.select(agree(column, kind).all()).item()
    }
    assert wrong == {}


def flattened(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The rows with a column for every member of a JSON text and every element of an array of numbers."""
    for column in table.columns:
        if column.name.endswith("_json"):
            members = rows[column.name].str.json_decode(infer_schema_length=None).struct.unnest()
        elif column.repeated and column.type is FieldType.FLOAT64:
            length = rows[column.name].list.len().max()
            members = rows.select(pl.col(column.name).list.get(n).alias(str(n)) for n in range(int(str(length))))
        else:
            continue
        named = members.rename({name: f"{column.name}.{name}" for name in members.columns})
        rows = rows.drop(column.name).hstack(named)
    return rows


def agree(column: str, kind: pl.DataType) -> pl.Expr:
    """Whether a cell equals its second computation: floats within 1e-9 of their size, everything else exactly."""
    ours, theirs = pl.col(column), pl.col(f"{column}_second")
    if not kind.is_float():
        return ours.eq_missing(theirs)
    close = (ours - theirs).abs() <= 1e-9 * pl.max_horizontal(1.0, theirs.abs())
    return (ours.is_null() == theirs.is_null()) & close.fill_null(value=True)
