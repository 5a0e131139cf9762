"""The simulated league: repeatable, extendable, true to the rules of a box score, and much like the NBA.

Ranges of means come from the real box scores and schedule of 2023-24 (NBA statistics site), a little widened.
"""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import polars.selectors as cs
import pytest
from polars.testing import assert_frame_equal

from backcourt.errors import UsageError
from backcourt.sources.folder import FolderSource
from backcourt.sources.simulator import tables
from backcourt.sources.simulator.folder import Written, write_league
from backcourt.sources.simulator.league import season_of
from backcourt.sources.simulator.names import plain
from backcourt.sources.simulator.playing import SeasonPlay
from backcourt.sources.simulator.season import schedule_of
from nba.raw import injury_report, player_box_scores, player_props
from nba.raw import schedule as schedule_feed
from nba.raw import shots as shot_feed
from tests.unit.nba.real_season import FOLDER, needs_real_data

START, END = date(2023, 10, 24), date(2023, 12, 23)
SIDE = ["game_id", "team"]


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


def rows(folder: Path) -> dict[str, pl.DataFrame]:
    return {path.name: pl.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}


def share(values: pl.Series) -> float:
    return float(values.sum()) / len(values)


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
