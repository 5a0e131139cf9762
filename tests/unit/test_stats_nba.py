"""stats.nba.com as a source, against a local server of that service's shape: rows, manners, failures, resuming."""

import pickle
from collections.abc import Iterator
from datetime import UTC, date, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from nba_api.stats.library.http import NBAStatsHTTP

from backcourt.errors import DataError, UsageError
from backcourt.pipeline.processor import Feed
from backcourt.sources.errors import SourceUnavailable
from backcourt.sources.pace import Pace
from backcourt.sources.stats_nba import StatsNbaSource
from backcourt.sources.stats_nba.games import season_ends, season_of
from backcourt.sources.stats_nba.service import BASE_URL, Manners
from nba.pipeline import PIPELINE
from nba.raw import injury_report, player_box_scores, schedule, shots
from tests.plain_loop import run_in_memory
from tests.stats_nba_server import StatsServer, game, stats_server
from tests.turns import take_turns
from tests.unit.engine.fake_clock import FakeClock

LINE_DAY, SHOT_DAY = date(2017, 4, 12), date(2023, 11, 3)
MANNERS = Manners(pause=1.0, timeout=0.5, tries=4, first_rest=4.0, longest_rest=10.0)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server() -> Iterator[StatsServer]:
    with stats_server() as running:
        yield running


def source(server: StatsServer, folder: Path, clock: FakeClock | None = None, **given: Any) -> StatsNbaSource:
    span = {"first": date(2016, 8, 1), "last": date(2024, 7, 31), **given}
    return StatsNbaSource(folder, clock or FakeClock(), base_url=server.url, manners=MANNERS, **span)


def lines(source: StatsNbaSource, day: date = LINE_DAY) -> list[dict[str, Any]]:
    return sorted(source.read(player_box_scores.FEED, day, day).to_pylist(), key=lambda row: row["player_full_name"])


def test_nba_api_asks_the_service_that_is_documented() -> None:
    assert NBAStatsHTTP.base_url == f"{BASE_URL}/{{endpoint}}"


def test_box_scores(server: StatsServer, tmp_path: Path) -> None:
    found = lines(source(server, tmp_path))
    assert [(r["player_full_name"], r["team_abbr"], r["opponent_team_abbr"], r["home_game"]) for r in found] == [
        ("Axel Toupane", "NOP", "POR", False),
        ("DeAndre' Bembry", "ATL", "IND", False),
        ("Evan Turner", "POR", "NOP", True),
        ("Paul George", "IND", "ATL", True),
    ]
    assert [r["minutes"] for r in found] == [20.88, 31.7, 22.683333, 39.0]
    assert found[1] == {
        "game_id": "0021601226",
        "game_date": LINE_DAY,
        "season": "2016-17",
        "nba_player_id": 1627761,
        "player_full_name": "DeAndre' Bembry",
        "team_abbr": "ATL",
        "opponent_team_abbr": "IND",
        "home_game": False,
        "win_flag": False,
        "starter": None,
        "position": None,
        "minutes": 31.7,
        "points": 7,
        "field_goals_made": 3,
        "field_goals_attempted": 6,
        "three_pointers_made": 1,
        "three_pointers_attempted": 2,
        "free_throws_made": 0,
        "free_throws_attempted": 0,
        "offensive_rebounds": 2,
        "defensive_rebounds": 5,
        "total_rebounds": 7,
        "assists": 2,
        "steals": 1,
        "blocks": 1,
        "turnovers": 2,
        "personal_fouls": 3,
        "plus_minus": -8,
    }


def test_shots_are_measured_as_in_the_files_of_real_games(server: StatsServer, tmp_path: Path) -> None:
    """Expected: the same three shots in the public shot files of 2023-24, which measure in feet."""
    found = source(server, tmp_path).read(shots.FEED, SHOT_DAY, SHOT_DAY).to_pylist()
    shape = ("seconds_left", "shot_zone_side", "shot_zone_range", "shot_value", "shot_made")
    assert [tuple(r[name] for name in shape) for r in found] == [
        (639, "Center", "Less Than 8 ft.", 2, True),
        (450, "Left Side Center", "24+ ft.", 3, True),
        (642, "Center", "8-16 ft.", 2, True),
    ]
    assert [(r["loc_x"], r["loc_y"]) for r in found] == [
        pytest.approx((-1.6, 7.85)),
        pytest.approx((8.6, 30.35)),
        pytest.approx((0.7, 19.45)),
    ]
    assert {(r["game_id"], r["game_date"], r["team_name"]) for r in found} == {
        ("0022300006", SHOT_DAY, "Dallas Mavericks")
    }


def test_schedule_without_what_is_no_game(server: StatsServer, tmp_path: Path) -> None:
    found = source(server, tmp_path, first=date(2023, 8, 1)).read(schedule.FEED, date.min, date.max).to_pylist()
    assert [r["game_id"] for r in found] == ["0022300006", "0022300600", "0022301200"]
    over, postponed, coming = found
    assert over == {
        "game_id": "0022300006",
        "game_date": SHOT_DAY,
        "season": "2023-24",
        "season_type": "regular",
        "game_status": 3,
        "game_status_text": "Final",
        "game_start": datetime(2023, 11, 3, 23, 30, tzinfo=UTC),
        "home_team_tricode": "DEN",
        "away_team_tricode": "DAL",
        "home_team_score": 110,
        "away_team_score": 102,
        "arena_timezone": None,
        "neutral_site_flag": False,
    }
    assert (postponed["game_status_text"], postponed["home_team_score"]) == ("PPD", None)
    assert (coming["game_status_text"], coming["neutral_site_flag"]) == ("7:30 pm ET", True)


def test_only_the_seasons_asked_for(server: StatsServer, tmp_path: Path) -> None:
    source(server, tmp_path, first=date(2022, 12, 1), last=SHOT_DAY).read(schedule.FEED, date.min, date.max)
    assert server.asked == ["scheduleleaguev2 2022-23", "scheduleleaguev2 2023-24"]


def test_requests_carry_the_headers_and_parameters_that_the_service_wants(server: StatsServer, tmp_path: Path) -> None:
    source(server, tmp_path).read(shots.FEED, SHOT_DAY, SHOT_DAY)
    assert server.headers["Referer"] == "https://www.nba.com/"
    assert server.headers["User-Agent"].startswith("Mozilla/5.0")
    asked = server.queries[-1]
    wanted = {"Season": "2023-24", "SeasonType": "Regular Season", "DateFrom": "11/03/2023", "DateTo": "11/03/2023"}
    assert {name: asked[name] for name in wanted} == wanted
    assert (asked["ContextMeasure"], asked["PlayerID"], asked["TeamID"]) == ("FGA", "0", "0")


def test_a_pause_between_any_two_requests(server: StatsServer, tmp_path: Path) -> None:
    clock = FakeClock()
    asking = source(server, tmp_path, clock)
    lines(asking)
    asking.read(shots.FEED, SHOT_DAY, SHOT_DAY)
    assert len(server.asked) == 4
    assert [s for s in clock.slept if s] == pytest.approx([1.0, 1.0, 1.0])


@pytest.mark.parametrize("failure", [429, 500, 503, "hang", "truncated", "html"])
def test_a_failure_is_tried_again_after_a_rest_that_doubles(
    server: StatsServer, tmp_path: Path, failure: int | str
) -> None:
    clock = FakeClock()
    server.failures.extend([failure, failure])
    found = source(server, tmp_path, clock).read(schedule.FEED, SHOT_DAY, SHOT_DAY)
    assert found.num_rows == 1
    assert len(server.asked) == 3
    assert [s for s in clock.slept if s] == pytest.approx([4.0, 8.0])


@pytest.mark.parametrize(
    ("failure", "said"),
    [(429, "answers 429"), (500, "answers 500"), ("hang", "ReadTimeout"), ("truncated", "no whole JSON document")],
)
def test_a_failure_that_stays_ends_in_a_sentence(
    server: StatsServer, tmp_path: Path, failure: int | str, said: str
) -> None:
    clock = FakeClock()
    server.failures.extend([failure] * 4)
    with pytest.raises(SourceUnavailable, match=f"stats.nba.com/scheduleleaguev2 .*{said}") as error:
        source(server, tmp_path, clock).read(schedule.FEED, SHOT_DAY, SHOT_DAY)
    assert "again later" in error.value.do
    assert [s for s in clock.slept if s] == pytest.approx([4.0, 8.0, 10.0])


def test_a_refusal_is_not_tried_again(server: StatsServer, tmp_path: Path) -> None:
    server.failures.append(403)
    with pytest.raises(DataError, match="refuses the request with 403"):
        source(server, tmp_path).read(schedule.FEED, SHOT_DAY, SHOT_DAY)
    assert len(server.asked) == 1


def test_a_server_that_is_not_there(server: StatsServer, tmp_path: Path) -> None:
    asking = source(server, tmp_path)
    asking._service._base_url = "http://127.0.0.1:9/stats"
    with pytest.raises(SourceUnavailable, match="ConnectionError"):
        asking.read(schedule.FEED, SHOT_DAY, SHOT_DAY)


def test_a_missing_column_is_named(server: StatsServer, tmp_path: Path) -> None:
    server.line_headers[server.line_headers.index("PLUS_MINUS")] = "NET_RATING"
    with pytest.raises(DataError, match=r"playergamelogs, 2017-04-12, answers without PLUS_MINUS"):
        lines(source(server, tmp_path))
    assert not list(tmp_path.glob("playergamelogs/*"))


def test_a_schedule_of_another_shape_is_refused(server: StatsServer, tmp_path: Path) -> None:
    broken = game("0022300007", "2023-11-04", "LAL", "ORL")
    del broken["homeTeam"]
    server.schedules["2023-24"].append(broken)
    with pytest.raises(DataError, match=r"scheduleleaguev2 answers for 2023-24 in another shape: KeyError.*homeTeam"):
        source(server, tmp_path).read(schedule.FEED, SHOT_DAY, SHOT_DAY)


def test_a_value_of_another_kind_is_named(server: StatsServer, tmp_path: Path) -> None:
    server.lines[0][server.line_headers.index("PTS")] = "eight"
    with pytest.raises(DataError, match=r"column points: 'eight' is no INT64 \(1 of 4 rows\)"):
        lines(source(server, tmp_path))


def test_a_line_of_a_team_that_does_not_play_is_refused(server: StatsServer, tmp_path: Path) -> None:
    server.lines[0][server.line_headers.index("TEAM_ABBREVIATION")] = "LAL"
    with pytest.raises(DataError, match="Axel Toupane played game 0021601230 for LAL"):
        lines(source(server, tmp_path))


def test_what_is_over_is_asked_once(server: StatsServer, tmp_path: Path) -> None:
    first = lines(source(server, tmp_path))
    asked = len(server.asked)
    assert lines(source(server, tmp_path)) == first
    assert server.asked[asked:] == []


def test_an_interrupted_ingest_goes_on_where_it_was(server: StatsServer, tmp_path: Path) -> None:
    server.schedules["2016-17"].append(game("0021601200", "2017-04-11", "ATL", "IND"))
    for team in ("ATL", "IND"):
        line = server.lines[0]
        server.lines.append([*line[:5], team, "", "0021601200", "2017-04-11T00:00:00", *line[9:]])
    start = date(2017, 4, 11)
    day_one = source(server, tmp_path).read(player_box_scores.FEED, start, start)
    server.failures.extend([500] * 4)
    with pytest.raises(SourceUnavailable):
        source(server, tmp_path).read(player_box_scores.FEED, start, LINE_DAY)
    server.asked.clear()
    whole = source(server, tmp_path).read(player_box_scores.FEED, start, LINE_DAY)
    assert server.asked == ["playergamelogs 04/12/2017"]
    assert (day_one.num_rows, whole.num_rows) == (2, 6)


@pytest.mark.parametrize("status", [1, 2])
def test_a_date_whose_games_are_not_all_over_is_asked_again_by_the_next_run(
    server: StatsServer, tmp_path: Path, status: int
) -> None:
    server.schedules["2016-17"][1] = game("0021601226", "2017-04-12", "ATL", "IND", status=status)
    clock = FakeClock()
    run = source(server, tmp_path, clock, last=LINE_DAY)
    assert [r["player_full_name"] for r in lines(run)] == ["Axel Toupane", "Evan Turner"]
    assert [r["player_full_name"] for r in lines(run)] == ["Axel Toupane", "Evan Turner"]
    assert server.asked.count("playergamelogs 04/12/2017") == 1
    clock.seconds += 60
    lines(source(server, tmp_path, clock))
    assert server.asked.count("playergamelogs 04/12/2017") == 2


def test_a_game_of_which_the_log_has_one_team_only_is_asked_again(server: StatsServer, tmp_path: Path) -> None:
    clock = FakeClock()
    late = server.lines.pop()
    assert len(lines(source(server, tmp_path, clock))) == 3
    server.lines.append(late)
    clock.seconds += 60
    assert len(lines(source(server, tmp_path, clock))) == 4


def test_a_running_season_is_asked_again_by_the_next_run_and_once_a_run(server: StatsServer, tmp_path: Path) -> None:
    clock = FakeClock(float)  # a clock that pickles, on 2024-03-01
    for _ in range(2):
        run = pickle.dumps(source(server, tmp_path, clock))
        for worker in (pickle.loads(run), pickle.loads(run)):
            worker.read(schedule.FEED, SHOT_DAY, SHOT_DAY)
        clock.seconds += 60
    assert server.asked == ["scheduleleaguev2 2023-24"] * 2


def test_a_broken_file_is_asked_for_again(server: StatsServer, tmp_path: Path) -> None:
    first = lines(source(server, tmp_path))
    file = tmp_path / "playergamelogs" / "2017-04-12.json"
    for text in (file.read_text()[:-9], "[]", '{"headers":["A"],"rows":[[1]],"settled":true,"asked_at":"2024-01-01"}'):
        file.write_text(text)
        assert lines(source(server, tmp_path)) == first
    assert server.asked.count("playergamelogs 04/12/2017") == 4
    assert [f.name for f in file.parent.iterdir()] == [file.name]


def test_feeds_that_the_service_does_not_have(server: StatsServer, tmp_path: Path) -> None:
    asking = source(server, tmp_path)
    assert asking.read(injury_report.FEED, LINE_DAY, LINE_DAY).num_rows == 0
    with pytest.raises(UsageError, match=r"stats.nba.com has no weather"):
        asking.read(Feed("weather", injury_report.FEED.columns, "game_date"), LINE_DAY, LINE_DAY)
    assert server.asked == []


def test_the_raw_tables_are_made_of_it(server: StatsServer, tmp_path: Path) -> None:
    asking = source(server, tmp_path, first=date(2017, 4, 1), last=date(2017, 4, 30))
    tables = run_in_memory(PIPELINE, asking, LINE_DAY, LINE_DAY, date(2017, 4, 13), 7)
    made = tables["nba_raw.player_box_scores"]
    assert made["player_lookup"].sort().to_list() == ["axeltoupane", "deandrebembry", "evanturner", "paulgeorge"]
    assert made["season_year"].unique().to_list() == [2016]
    assert tables["nba_raw.schedule"]["game_id"].to_list() == ["0021601226", "0021601230"]


def test_processes_take_turns(tmp_path: Path) -> None:
    """Were two at once in a turn, their parentheses would nest."""
    log = tmp_path / "log"
    context = get_context("spawn")
    family = [context.Process(target=take_turns, args=(str(tmp_path), str(log))) for _ in range(3)]
    for process in family:
        process.start()
    for process in family:
        process.join(60)
    assert [process.exitcode for process in family] == [0, 0, 0]
    assert log.read_text() == "()" * 15


def test_a_turn_that_nobody_gives_back(tmp_path: Path) -> None:
    clock = FakeClock()
    pace = Pace(tmp_path / "pace", clock, patience=10.0)
    with pace.turn(0.0), pytest.raises(SourceUnavailable, match="No turn came up in 10 s"), pace.turn(0.0):
        pass
    assert sum(clock.slept) == pytest.approx(10.0)


def test_a_clock_that_was_set_back_does_not_stop_everything(tmp_path: Path) -> None:
    clock = FakeClock()
    (tmp_path / "pace").write_text(repr(clock.now().timestamp() + 1e9))
    with Pace(tmp_path / "pace", clock, longest_rest=300.0).turn(0.0):
        assert clock.slept == [300.0]


@pytest.mark.parametrize(
    ("day", "year"),
    [
        (date(2023, 10, 24), 2023),
        (date(2024, 6, 17), 2023),
        (date(2020, 10, 11), 2019),  # the last game of 2019-20
        (date(2020, 12, 22), 2020),  # the first of 2020-21
        (date(2021, 7, 20), 2020),
        (date(2021, 10, 19), 2021),
    ],
)
def test_seasons_by_date(day: date, year: int) -> None:
    assert season_of(day) == year
    assert season_ends(year - 1) <= day < season_ends(year)
