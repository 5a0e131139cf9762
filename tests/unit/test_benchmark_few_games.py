"""What a thinned league keeps of its files, by hand."""

from datetime import date
from pathlib import Path

import polars as pl

from benchmarks.few_games import keep_games

FIRST, SECOND = date(2024, 1, 1), date(2024, 1, 2)


def test_a_date_keeps_its_first_games_and_what_belongs_to_them(tmp_path: Path) -> None:
    games = [
        (FIRST, "3", "BOS", "LAL"),
        (FIRST, "1", "NYK", "MIA"),
        (FIRST, "2", "CHI", "DEN"),
        (SECOND, "4", "BOS", "MIA"),
    ]
    columns = ["game_date", "game_id", "home_team", "away_team"]
    pl.DataFrame(games, columns, orient="row").write_parquet(tmp_path / "schedule_2023.parquet")
    scores = pl.DataFrame({"game_id": ["1", "1", "2", "3", "4"], "points": [10, 20, 30, 40, 50]})
    scores.write_parquet(tmp_path / "box_scores_2023.parquet")
    absent = pl.DataFrame({"game_date": [FIRST, FIRST, SECOND, SECOND], "team": ["BOS", "DEN", "BOS", "DEN"]})
    absent.write_parquet(tmp_path / "injury_report_2023.parquet")

    keep_games(tmp_path, 2)

    assert pl.read_parquet(tmp_path / "schedule_2023.parquet")["game_id"].to_list() == ["1", "2", "4"]
    assert pl.read_parquet(tmp_path / "box_scores_2023.parquet")["points"].to_list() == [10, 20, 30, 50]
    left = pl.read_parquet(tmp_path / "injury_report_2023.parquet")
    assert left.rows() == [(FIRST, "DEN"), (SECOND, "BOS")]
