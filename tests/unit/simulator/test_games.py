"""The simulated league: repeatable, extendable, true to the rules of a box score, and much like the NBA.

Ranges of means come from the real box scores and schedule of 2023-24 (NBA statistics site), a little widened.
"""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import polars.selectors as cs
import pytest
from polars.testing import assert_frame_equal

from backcourt.sources.simulator.folder import write_league
from backcourt.sources.simulator.league import season_of
from backcourt.sources.simulator.names import plain
from backcourt.sources.simulator.playing import SeasonPlay
from backcourt.sources.simulator.season import schedule_of
from tests.unit.simulator.league import END, START, rows, share


def test_two_months_are_written(folder: Path) -> None:
    kinds = ["box_scores", "injury_report", "player_props"]
    names = [*(f"{kind}_2023_24" for kind in kinds), "players", "schedule_2023_24", "shots_2023_24"]
    assert [path.stem for path in sorted(folder.iterdir())] == names


def test_the_same_seed_makes_the_same_files(folder: Path, tmp_path: Path) -> None:
    write_league(tmp_path, 7, START, END)
    again = rows(tmp_path)
    for name, table in rows(folder).items():
        assert_frame_equal(table, again[name])


def test_another_seed_makes_another_league(folder: Path, tmp_path: Path) -> None:
    write_league(tmp_path, 8, START, START + timedelta(days=7))
    ours = set(pl.read_parquet(folder / "players.parquet")["player_name"])
    theirs = set(pl.read_parquet(tmp_path / "players.parquet")["player_name"])
    assert len(ours & theirs) < len(theirs) / 10


def test_more_dates_only_add_games(folder: Path, tmp_path: Path) -> None:
    week_start, week_end = date(2023, 11, 20), date(2023, 11, 26)
    write_league(tmp_path, 7, week_start, week_end)
    week = rows(tmp_path)
    in_week = pl.col("game_date").is_between(week_start, week_end)
    for name, table in rows(folder).items():
        if name != "players.parquet":
            assert_frame_equal(table.filter(in_week), week[name])


def test_an_earlier_start_changes_no_later_season(folder: Path, tmp_path: Path) -> None:
    write_league(tmp_path, 7, date(2023, 4, 8), START + timedelta(days=2))
    longer = rows(tmp_path)
    assert "box_scores_2022_23.parquet" in longer
    early = pl.col("game_date") <= START + timedelta(days=2)
    for name in ("box_scores_2023_24.parquet", "shots_2023_24.parquet", "schedule_2023_24.parquet"):
        assert_frame_equal(rows(folder)[name].filter(early), longer[name])


def test_keys_are_unique(boxes: pl.DataFrame, schedule: pl.DataFrame) -> None:
    assert not boxes.select("game_id", "player_name").is_duplicated().any()
    assert not boxes.select("game_date", "player_name").is_duplicated().any()
    assert not schedule["game_id"].is_duplicated().any()


def test_every_count_of_a_box_score_agrees(boxes: pl.DataFrame) -> None:
    b = boxes.with_columns(cs.integer().cast(pl.Int64))
    assert (b["points"] == 2 * (b["fgm"] - b["fg3m"]) + 3 * b["fg3m"] + b["ftm"]).all()
    assert (b["reb"] == b["oreb"] + b["dreb"]).all()
    assert (b["fgm"] <= b["fga"]).all()
    assert (b["fg3m"] <= b["fg3a"]).all()
    assert (b["fg3a"] <= b["fga"]).all()
    assert (b["fg3m"] <= b["fgm"]).all()
    assert (b["fga"] - b["fgm"] >= b["fg3a"] - b["fg3m"]).all()
    assert (b["ftm"] <= b["fta"]).all()
    assert b["pf"].max() == 6
    assert b["minutes"].min() >= 1


def test_both_sides_of_a_game_agree(sides: pl.DataFrame) -> None:
    assert (sides["ast"] <= sides["fgm"]).all()
    assert (sides["stl"] <= sides["tov_opponent"]).all()
    assert (sides["blk"] <= sides["fga_opponent"] - sides["fgm_opponent"]).all()
    assert (sides["oreb"] + sides["dreb_opponent"] <= sides["fga"] - sides["fgm"]).all()
    assert (sides["won"] == (sides["margin"] > 0)).all()
    assert (sides["margin"] != 0).all()
    assert (sides["plus_minus"] == 5 * sides["margin"]).all()


def test_minutes_are_five_players_time(sides: pl.DataFrame) -> None:
    overtimes = (sides["minutes"] - 240) / 25
    assert (overtimes == overtimes.round()).all()
    assert (overtimes >= 0).all()
    assert (sides["minutes"] == sides["minutes_opponent"]).all()
    assert 0.02 < share(overtimes > 0) < 0.10


def test_shots_account_for_every_attempt(boxes: pl.DataFrame, shots: pl.DataFrame) -> None:
    three = pl.col("shot_value") == 3
    charted = shots.group_by("game_id", "player_id").agg(
        fga=pl.len(),
        fgm=pl.col("made").sum(),
        fg3a=three.sum(),
        fg3m=(three & pl.col("made")).sum(),
    )
    lines = boxes.filter(pl.col("fga") > 0).select("game_id", "player_id", "fga", "fgm", "fg3a", "fg3m")
    assert_frame_equal(charted, lines, check_row_order=False, check_dtypes=False)


def test_shots_lie_in_their_zones(shots: pl.DataFrame) -> None:
    distance = (shots["loc_x_ft"].cast(pl.Float64) ** 2 + (shots["loc_y_ft"].cast(pl.Float64) - 5.25) ** 2).sqrt()
    assert ((distance.floor() - shots["shot_distance_ft"]).abs() <= 1).all()
    reach = shots.group_by("basic_zone").agg(
        nearest=pl.col("shot_distance_ft").min(), farthest=pl.col("shot_distance_ft").max()
    )
    real = {  # the shortest and longest of 218,701 real shots
        "Restricted Area": (0, 3),
        "In The Paint (Non-RA)": (4, 15),
        "Mid-Range": (8, 23),
        "Left Corner 3": (22, 25),
        "Right Corner 3": (22, 26),
        "Above the Break 3": (23, 45),
        "Backcourt": (42, 84),
    }
    assert set(reach["basic_zone"]) == set(real)
    for zone, nearest, farthest in reach.iter_rows():
        assert real[zone][0] <= nearest <= farthest <= real[zone][1]
    corner = shots.filter(pl.col("basic_zone") == "Left Corner 3")
    assert corner["loc_x_ft"].min() >= 22
    assert set(corner["zone_side"]) == {"Left Side"}


def test_periods_end_with_the_game(shots: pl.DataFrame, boxes: pl.DataFrame) -> None:
    last = shots.group_by("game_id").agg(periods=pl.col("period").max().cast(pl.Int64))
    minutes = boxes.group_by("game_id").agg(pl.col("minutes").sum() / 2)
    both = last.join(minutes, on="game_id")
    assert (both["periods"] == 4 + (both["minutes"] - 240) / 25).all()
    assert shots["seconds_left"].is_between(0, 719).all()


def test_ten_to_thirteen_play_and_nobody_for_two_teams_a_day(boxes: pl.DataFrame, sides: pl.DataFrame) -> None:
    assert set(sides["players"]) == {10, 11, 12, 13}
    assert boxes.group_by("game_date", "player_id").len()["len"].max() == 1


def test_no_team_plays_twice_a_day(schedule: pl.DataFrame) -> None:
    long = schedule.unpivot(on=["home_team", "away_team"], index="game_date", value_name="team")
    assert not long.select("game_date", "team").is_duplicated().any()
    assert long["team"].n_unique() == 30


def test_a_whole_season_is_fair() -> None:
    games = schedule_of(7, 2023)
    days: dict[int, list[date]] = {}
    for game in games:
        days.setdefault(game.home, []).append(game.day)
        days.setdefault(game.away, []).append(game.day)
    assert {len(of_team) for of_team in days.values()} == {82}
    assert {sum(game.home == team for game in games) for team in days} == {41}
    gaps = [
        (b - a).days for of_team in days.values() for a, b in zip(sorted(of_team), sorted(of_team)[1:], strict=False)
    ]
    assert 0.13 < gaps.count(1) / len(gaps) < 0.20  # 0.174 in 2023-24
    three_running = {
        team for team, of in days.items() for day in of if {day + timedelta(1), day + timedelta(2)} <= set(of)
    }
    assert three_running == set()
    assert len({game.day for game in games}) == 160  # as many as in 2023-24


@pytest.mark.parametrize(
    ("column", "low", "high"),
    [
        ("points", 109, 116),
        ("fga", 85, 91),
        ("fta", 19, 25),
        ("oreb", 9, 12),
        ("dreb", 30, 35),
        ("ast", 24, 28),
        ("stl", 6.5, 8.5),
        ("blk", 4, 6.5),
        ("tov", 11.5, 14.5),
        ("pf", 17, 21),
    ],
)
def test_means_of_a_team_and_game_are_like_the_real_ones(
    sides: pl.DataFrame, column: str, low: float, high: float
) -> None:
    assert low < share(sides[column]) < high


def test_spread_and_shares_are_like_the_real_ones(sides: pl.DataFrame) -> None:
    total = sides.sum()
    assert 0.46 < total["fgm"][0] / total["fga"][0] < 0.49
    assert 0.35 < total["fg3m"][0] / total["fg3a"][0] < 0.38
    assert 0.76 < total["ftm"][0] / total["fta"][0] < 0.81
    assert 11 < sides.select(pl.col("points").std()).item() < 15
    assert 13 < sides.select(pl.col("margin").std()).item() < 18
    assert 0.51 < share(sides.filter("is_home")["won"]) < 0.62


def test_pace_is_like_the_real_one(sides: pl.DataFrame) -> None:
    def possessions(of: str) -> pl.Expr:
        return pl.col(f"fga{of}") + 0.44 * pl.col(f"fta{of}") - pl.col(f"oreb{of}") + pl.col(f"tov{of}")

    pace = sides.select(48 * (possessions("") + possessions("_opponent")) / 2 / (pl.col("minutes") / 5)).to_series()
    assert 97 < share(pace) < 102
    assert 3.5 < pl.select(pl.lit(pace).std()).item() < 6


def test_stars_have_the_ball_more(boxes: pl.DataFrame) -> None:
    usage = (
        boxes.filter(pl.col("minutes") >= 10)
        .with_columns(plays=pl.col("fga") + 0.44 * pl.col("fta") + pl.col("tov"))
        .group_by("player_id")
        .agg(a_minute=pl.col("plays").sum() / pl.col("minutes").sum(), games=pl.len())
        .filter(pl.col("games") >= 10)["a_minute"]
    )
    low, high = usage.quantile(0.1), usage.quantile(0.9)
    assert low is not None
    assert high is not None
    assert high > 1.6 * low


def test_players_are_traded_and_hurt(boxes: pl.DataFrame) -> None:
    teams = boxes.group_by("player_id").agg(teams=pl.col("team").n_unique(), games=pl.len())
    assert teams.filter(pl.col("teams") == 2).height >= 4
    assert teams["teams"].max() == 2
    regulars = boxes.group_by("player_id").agg(minutes=pl.col("minutes").mean(), games=pl.len())
    assert 0.3 < share(regulars.filter(pl.col("minutes") > 25)["games"] < 27) < 0.9


def test_names_are_hard_on_keys(boxes: pl.DataFrame) -> None:
    names = boxes["player_name"].unique()
    assert names.str.contains("[À-ž]").sum() > 50
    assert names.str.contains("'").sum() > 10
    assert names.str.contains(r"(Jr\.|II|III|IV)$").sum() > 10


def test_a_namesake_never_plays_in_the_same_season() -> None:
    seasons = [season_of(7, year).players for year in range(2021, 2026)]
    assert [len({plain(player.name) for player in players}) for players in seasons] == [len(p) for p in seasons]
    known = {(plain(player.name), player.player_id) for players in seasons for player in players}
    assert 1 <= len(known) - len({name for name, _ in known}) <= 12


def test_the_schedule_tells_results(schedule: pl.DataFrame, sides: pl.DataFrame) -> None:
    final = schedule.filter(pl.col("game_status") == 3)
    home = sides.filter("is_home").select("game_id", "points", "points_opponent")
    both = final.join(home, on="game_id", how="full", coalesce=True)
    assert (both["home_team_score"] == both["points"]).all()
    assert (both["away_team_score"] == both["points_opponent"]).all()
    rest = schedule.filter(pl.col("game_status") != 3)
    assert set(rest["game_status_text"]) == {"PPD"}
    assert rest["home_team_score"].null_count() == len(rest)


def test_games_ahead_are_scheduled_only(tmp_path: Path) -> None:
    end = date(2023, 10, 31)
    write_league(tmp_path, 7, START, end, ahead=7)
    schedule = pl.read_parquet(tmp_path / "schedule_2023_24.parquet")
    boxes = pl.read_parquet(tmp_path / "box_scores_2023_24.parquet")
    ahead = schedule.filter(pl.col("game_date") > end)
    assert ahead["game_date"].max() > end + timedelta(days=5)
    assert set(ahead["game_status_text"]) <= {"Scheduled", "PPD"}
    assert boxes["game_date"].max() == end


def test_the_postseason_ends_with_four_wins(tmp_path: Path) -> None:
    written = write_league(tmp_path, 7, date(2024, 4, 15), date(2024, 6, 30))
    schedule = pl.read_parquet(tmp_path / "schedule_2023_24.parquet")
    assert dict(schedule["season_type"].value_counts().iter_rows())["play_in"] == 6
    playoffs = schedule.filter(pl.col("season_type") == "playoffs").with_columns(
        series=pl.col("game_id").str.head(9),
        winner=pl.when(pl.col("home_team_score") > pl.col("away_team_score")).then("home_team").otherwise("away_team"),
    )
    wins = playoffs.group_by("series", "winner").len()
    assert wins.group_by("series").agg(pl.col("len").max())["len"].to_list() == [4] * 15
    assert wins["winner"].n_unique() <= 16
    long = playoffs.unpivot(on=["home_team", "away_team"], index="game_date", value_name="team")
    assert not long.select("game_date", "team").is_duplicated().any()
    assert written.games == len(schedule)


def test_four_seasons_and_the_start_of_a_fifth_have_918_dates() -> None:
    """As many as the league's own from 2021-10-19 to 2026-01-03, whoever wins: 49 or 50 of them after each season."""
    end = date(2026, 1, 3)
    seasons = [SeasonPlay(99, year) for year in range(2021, 2026)]
    regular = [{g.day for g in season.schedule if g.day <= end and not g.postponed} for season in seasons]
    assert [len(days) for days in regular] == [165, 164, 160, 162, 70]
    afterwards = [
        {p.game.day for p in season.played(max(days) + timedelta(1), end)}
        for season, days in zip(seasons, regular, strict=True)
    ]
    assert [len(days) for days in afterwards] == [49, 49, 49, 50, 0]
    assert sum(map(len, [*regular, *afterwards])) == 918
