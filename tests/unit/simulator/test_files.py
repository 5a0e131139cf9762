"""Lines, injury reports, and the files of the simulated league as a source takes them."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from backcourt.errors import UsageError
from backcourt.sources.folder import FolderSource
from backcourt.sources.simulator import tables
from backcourt.sources.simulator.folder import Written, write_league
from nba.raw import injury_report, player_box_scores, player_props
from nba.raw import schedule as schedule_feed
from nba.raw import shots as shot_feed
from tests.unit.nba.real_season import FOLDER, needs_real_data
from tests.unit.simulator.league import END, START, share


def lines_and_points(folder: Path, boxes: pl.DataFrame) -> pl.DataFrame:
    """The median line on each player who has one, and what he scored (NULL if he did not play)."""
    props = pl.read_parquet(folder / "player_props_2023_24.parquet")
    lines = props.group_by("game_date", "player_name").agg(pl.col("points_line").median(), offers=pl.len())
    return lines.join(boxes.select("game_date", "player_name", "points"), on=["game_date", "player_name"], how="left")


def test_lines_are_medians_of_what_players_score(folder: Path, boxes: pl.DataFrame) -> None:
    """The bookmakers' mean error on NBA points is about 4.8, and half of the results are over their lines."""
    lines = lines_and_points(folder, boxes)
    assert 14 < lines.height / boxes["game_id"].n_unique() < 18
    assert lines["offers"].max() == 3
    played = lines.drop_nulls()
    assert share(lines["points"].is_null()) < 0.04
    error = played["points"] - played["points_line"]
    assert 0.46 < share(error > 0) < 0.54
    assert 4.2 < share(error.abs()) < 5.2
    assert share(error.abs()) < share((played["points"] - played["points"].mean()).abs()) - 1


def test_lines_can_be_neither_hit_nor_foreseen(folder: Path, boxes: pl.DataFrame) -> None:
    """A half point each; and of players who score more than their line today not more do so on their next date."""
    props = pl.read_parquet(folder / "player_props_2023_24.parquet")
    assert (props["points_line"] % 1 == 0.5).all()
    assert (props["opening_line"] % 1 == 0.5).all()
    assert 0.5 < share((props["points_line"] - props["opening_line"]).abs()) < 1.5
    assert set(props["over_price"] + props["under_price"]) == {-220}
    next_ones = (
        lines_and_points(folder, boxes)
        .drop_nulls()
        .sort("player_name", "game_date")
        .with_columns(over=pl.col("points") > pl.col("points_line"))
        .with_columns(next=pl.col("over").shift(-1).over("player_name"))
        .drop_nulls()
    )
    assert 0.4 < share(next_ones.filter("over")["next"]) < 0.65


def test_who_is_listed_out_does_not_play(folder: Path, boxes: pl.DataFrame) -> None:
    injuries = pl.read_parquet(folder / "injury_report_2023_24.parquet")
    assert not injuries.select("game_date", "player_name").is_duplicated().any()
    assert set(injuries["injury_status"]) == {"Out", "Doubtful", "Questionable", "Probable", "Available"}
    who = ["game_date", "player_name"]
    played = {
        status: share(rows.join(boxes.select(who).with_columns(p=1), on=who, how="left")["p"].is_not_null())
        for (status,), rows in injuries.group_by("injury_status")
    }
    assert played["Out"] == played["Doubtful"] == 0
    assert 0.6 < played["Questionable"] < 0.9
    assert played["Probable"] > 0.8
    sides = boxes.select("game_id", "team").unique().height
    assert 2 < injuries.height / sides < 4  # about five a team are listed in the real league, two-way players included
    spells = injuries.filter(injury_status="Out").group_by("player_name", "reason").len()
    assert spells["len"].max() > 5, "a reason stays for as long as a spell lasts"


def test_reports_reach_to_the_day_after_the_last_game(tmp_path: Path) -> None:
    end = date(2023, 10, 31)
    write_league(tmp_path, 7, START, end, ahead=7)
    for name in ("player_props", "injury_report"):
        assert pl.read_parquet(tmp_path / f"{name}_2023_24.parquet")["game_date"].max() == end + timedelta(days=1)


def test_files_have_the_columns_of_the_real_ones(
    boxes: pl.DataFrame, shots: pl.DataFrame, schedule: pl.DataFrame, folder: Path
) -> None:
    assert boxes.schema == tables.BOX_SCORES
    assert shots.schema == tables.SHOTS
    assert schedule.columns[:5] == ["season", "game_id", "game_date", "home_team", "away_team"]
    players = pl.read_parquet(folder / "players.parquet")
    assert players["player_id"].is_sorted()
    assert set(players["player_id"]) == set(shots["player_id"])


@needs_real_data
@pytest.mark.real_data
def test_files_have_the_types_of_the_real_ones(folder: Path) -> None:
    for name in ("box_scores_2023_24.parquet", "shots_2023_24.parquet", "players.parquet"):
        assert pl.read_parquet_schema(folder / name) == pl.read_parquet_schema(FOLDER / name)
    schedule = pl.read_parquet_schema(FOLDER / "schedule_2023_24.parquet")
    assert schedule.items() <= pl.read_parquet_schema(folder / "schedule_2023_24.parquet").items()


def test_the_folder_source_takes_the_files(folder: Path, boxes: pl.DataFrame, shots: pl.DataFrame) -> None:
    source = FolderSource(str(folder))
    assert source.read(player_box_scores.FEED, START, END).num_rows == len(boxes)
    assert source.read(shot_feed.FEED, START, END).num_rows == len(shots)
    for feed in (player_props.FEED, injury_report.FEED):
        rows = pl.read_parquet(folder / f"{feed.name}_2023_24.parquet")
        read = source.read(feed, START, END)
        assert read.num_rows == len(rows) > 0
        assert read.select([c.name for c in feed.columns if c.name != "game_id"]).column(1).null_count == 0
    assert set(source.read(schedule_feed.FEED, START, END)["season_type"].to_pylist()) == {"regular"}


def test_what_was_written_is_counted(tmp_path: Path) -> None:
    written = write_league(tmp_path, 7, START, START)
    boxes = pl.read_parquet(tmp_path / "box_scores_2023_24.parquet")
    shots = pl.read_parquet(tmp_path / "shots_2023_24.parquet")
    games = pl.read_parquet(tmp_path / "schedule_2023_24.parquet")
    assert written == Written(len(games), 1, len(boxes), len(shots), written.files)
    assert sorted(path.name for path in written.files) == sorted(path.name for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("start", "end", "ahead", "says"),
    [
        (date(2023, 11, 2), date(2023, 11, 1), 0, "before it starts"),
        (date(2023, 11, 1), date(2023, 11, 2), -1, "days ahead"),
        (date(2023, 8, 1), date(2023, 8, 31), 0, "No game is played"),
        (date(1999, 11, 1), date(1999, 11, 30), 0, "starts in 1999"),
    ],
)
def test_dates_without_games_are_refused(tmp_path: Path, start: date, end: date, ahead: int, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        write_league(tmp_path / "league", 7, start, end, ahead)
    assert not (tmp_path / "league").exists()
