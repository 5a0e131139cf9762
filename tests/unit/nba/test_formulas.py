"""Formulas worked out by hand: ordinary numbers, zero denominators, overtime, nobody played, shots missing."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from backcourt.pipeline.processor import Chunk, Processor
from backcourt.pipeline.table import FieldType
from nba.analytics import player_game_summary, team_defense_game_summary, team_offense_game_summary
from nba.games import final_games, team_sides
from nba.lookback import games_since, last_games, league_games
from nba.names import player_lookup
from nba.raw import player_box_scores, player_props, schedule, shots
from nba.seasons import season_year
from tests.plain_loop import frame_of

DAY = date(2024, 1, 5)
AS_OF = date(2024, 2, 1)
ZEROS = [
    column.name
    for column in player_box_scores.TABLE.columns
    if column.type is FieldType.INT64 and column.name not in ("season_year", "nba_player_id")
]


def table_rows(processor: Processor, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Rows of a table; columns that are not given are NULL."""
    schema = frame_of(processor.table.arrow_schema.empty_table()).schema
    return pl.DataFrame([{c: row.get(c) for c in schema} for row in rows], schema=schema)


def game(game_id: str = "1", home: str = "MIA", away: str = "BOS", **more: Any) -> dict[str, Any]:
    return {
        "game_id": game_id,
        "game_date": DAY,
        "season_year": 2023,
        "home_team_tricode": home,
        "away_team_tricode": away,
        **more,
    }


def line(player: str, team: str = "MIA", **more: Any) -> dict[str, Any]:
    return {
        **dict.fromkeys(ZEROS, 0),
        "game_id": "1",
        "game_date": DAY,
        "season_year": 2023,
        "player_lookup": player,
        "player_full_name": player,
        "team_abbr": team,
        "opponent_team_abbr": "BOS" if team == "MIA" else "MIA",
        "home_game": team == "MIA",
        "minutes": 0.0,
        **more,
    }


def shot(player: str, zone: str, number: int, *, made: bool) -> dict[str, Any]:
    return {
        "game_id": "1",
        "game_date": DAY,
        "shot_number": number,
        "player_lookup": player,
        "shot_zone_basic": zone,
        "shot_made": made,
    }


def summaries(
    lines: list[dict[str, Any]], shot_rows: list[dict[str, Any]] | None = None, **more: Any
) -> dict[str, pl.DataFrame]:
    """Inputs of the analytics tables, up to the player summaries of one game."""
    inputs = {
        schedule.TABLE.full_name: table_rows(schedule.PROCESSOR, [game(**more)]),
        player_box_scores.TABLE.full_name: table_rows(player_box_scores.PROCESSOR, lines),
        shots.TABLE.full_name: table_rows(shots.PROCESSOR, shot_rows or []),
        player_props.TABLE.full_name: table_rows(player_props.PROCESSOR, []),
    }
    chunk = Chunk("t", (DAY,), AS_OF)
    for module in (player_game_summary, team_offense_game_summary, team_defense_game_summary):
        inputs[module.TABLE.full_name] = module.PROCESSOR.compute(chunk, inputs)
    return inputs


def player(inputs: dict[str, pl.DataFrame], lookup: str) -> dict[str, Any]:
    return inputs[player_game_summary.TABLE.full_name].row(by_predicate=pl.col("player_lookup") == lookup, named=True)


def test_usage_true_shooting_and_effective_field_goals() -> None:
    """40 of 240 minutes, (20 + 0.44·5 + 3) of the team's (80 + 0.44·20 + 12) plays: 100·25.2·48 / (40·100.8) = 30."""
    lines = [
        line(
            "star", minutes=40.0, points=27, field_goals_made=10, field_goals_attempted=20, three_pointers_made=3,
            free_throws_attempted=5, turnovers=3,
        ),
        line("rest", minutes=200.0, field_goals_attempted=60, free_throws_attempted=15, turnovers=9),
    ]  # fmt: skip
    star = player(summaries(lines), "star")
    assert star["usage_rate"] == pytest.approx(30.0, abs=1e-12)
    assert star["ts_pct"] == pytest.approx(27 / 44.4, abs=1e-12)
    assert star["efg_pct"] == pytest.approx(11.5 / 20, abs=1e-12)


def test_a_zero_denominator_is_null() -> None:
    lines = [
        line("nominutes", field_goals_attempted=1),
        line("noshots", minutes=12.0, turnovers=1),
        line("alone", team="BOS", minutes=5.0),
    ]
    inputs = summaries(lines)
    assert player(inputs, "nominutes")["usage_rate"] is None
    assert player(inputs, "nominutes")["ts_pct"] == 0.0
    assert player(inputs, "noshots")["ts_pct"] is None
    assert player(inputs, "noshots")["efg_pct"] is None
    assert player(inputs, "alone")["usage_rate"] is None, "the team ended no play"


def test_an_unknown_value_makes_the_teams_sum_unknown() -> None:
    lines = [line("a", minutes=20.0, turnovers=None), line("b", minutes=20.0, field_goals_attempted=5)]
    inputs = summaries(lines)
    assert player(inputs, "b")["usage_rate"] is None
    team = inputs[team_offense_game_summary.TABLE.full_name].row(0, named=True)
    assert (team["turnovers"], team["possessions"], team["fg_attempts"]) == (None, None, 5)


def test_zones_count_paint_mid_range_and_threes_with_the_backcourt() -> None:
    taken = [
        ("Restricted Area", True), ("In The Paint (Non-RA)", False), ("Mid-Range", True), ("Left Corner 3", True),
        ("Right Corner 3", False), ("Above the Break 3", True), ("Backcourt", False),
    ]  # fmt: skip
    shot_rows = [shot("a", zone, n, made=made) for n, (zone, made) in enumerate(taken, 1)]
    row = player(summaries([line("a", field_goals_attempted=7)], shot_rows), "a")
    assert [row[c] for c in ("paint_attempts", "paint_makes", "mid_range_attempts", "mid_range_makes")] == [2, 1, 1, 1]
    assert (row["three_attempts_pbp"], row["three_makes_pbp"]) == (4, 2)
    assert row["has_complete_shot_zones"] is True


@pytest.mark.parametrize(
    ("attempts", "own_shots", "others_shots", "zones", "complete"),
    [
        (0, 0, 1, 0, True),  # took no shot in a game whose shots are there
        (0, 0, 0, None, False),  # the game's shots are missing
        (3, 0, 1, None, False),  # his shots are missing
        (3, 2, 0, 2, False),  # one of his shots is missing
        (3, 3, 0, 3, True),
        (None, 1, 0, 1, False),  # the box score does not know his attempts
    ],
)
def test_zones_are_null_where_the_shots_are_missing(
    attempts: int | None, own_shots: int, others_shots: int, zones: int | None, complete: bool
) -> None:
    shot_rows = [shot("a", "Restricted Area", n, made=False) for n in range(own_shots)]
    shot_rows += [shot("b", "Mid-Range", 10 + n, made=False) for n in range(others_shots)]
    row = player(summaries([line("a", field_goals_attempted=attempts), line("b")], shot_rows), "a")
    assert row["paint_attempts"] == zones
    assert row["has_complete_shot_zones"] is complete


def test_possessions_ratings_and_pace_with_an_overtime() -> None:
    """MIA 90 + 0.44·25 − 10 + 14 = 105 possessions, BOS 95; 265 minutes: pace 48·100 / 53."""
    lines = [
        line("a", minutes=265.0, points=126, field_goals_attempted=90, free_throws_attempted=25, offensive_rebounds=10,
             turnovers=14, defensive_rebounds=30, steals=7, blocks=4, win_flag=True),
        line("b", team="BOS", minutes=265.0, points=114, field_goals_attempted=80, free_throws_attempted=25,
             offensive_rebounds=8, turnovers=12, win_flag=False),
    ]  # fmt: skip
    inputs = summaries(lines)
    boston, miami = inputs[team_offense_game_summary.TABLE.full_name].sort("team_abbr").to_dicts()
    assert miami["possessions"] == pytest.approx(105.0, abs=1e-12)
    assert miami["offensive_rating"] == pytest.approx(120.0, abs=1e-12)
    assert boston["offensive_rating"] == pytest.approx(120.0, abs=1e-12)
    assert miami["pace"] == boston["pace"] == pytest.approx(4800 / 53, abs=1e-12)
    assert (miami["rebounds"], miami["margin_of_victory"], miami["overtime_periods"]) == (40, 12, 1)
    defense = inputs[team_defense_game_summary.TABLE.full_name].row(
        by_predicate=pl.col("defending_team_abbr") == "MIA", named=True
    )
    assert (defense["points_allowed"], defense["opponent_team_abbr"], defense["home_game"]) == (114, "BOS", True)
    assert (defense["steals"], defense["blocks"], defense["defensive_rebounds"]) == (7, 4, 30)
    assert (defense["win_flag"], defense["margin_of_victory"], defense["turnovers_forced"]) == (True, 12, 12)
    assert defense["defensive_rating"] == pytest.approx(120.0, abs=1e-12)


@pytest.mark.parametrize(("minutes", "overtimes"), [(0.0, 0), (237.0, 0), (252.0, 0), (253.0, 1), (290.0, 2)])
def test_overtimes_from_the_minutes(minutes: float, overtimes: int) -> None:
    inputs = summaries([line("a", minutes=minutes), line("b", team="BOS", minutes=240.0)])
    teams = inputs[team_offense_game_summary.TABLE.full_name]
    assert teams.filter(team_abbr="MIA")["overtime_periods"].item() == overtimes


def test_without_the_opponent_there_is_no_pace_and_no_margin() -> None:
    row = summaries([line("a", minutes=240.0, points=3)])[team_offense_game_summary.TABLE.full_name].row(0, named=True)
    assert (row["points_scored"], row["pace"], row["margin_of_victory"]) == (3, None, None)


def test_a_team_without_box_score_expects_ten_placeholders() -> None:
    inputs = summaries([line("a", team="BOS")])
    keys = player_game_summary.PROCESSOR.expected_keys(Chunk("t", (DAY,), AS_OF), inputs)
    assert keys.columns == ["game_date", "game_id", "player_lookup"]
    assert keys["player_lookup"].to_list() == ["a", *(f"no_box_scores_mia_{n:02}" for n in range(1, 11))]


@pytest.mark.parametrize(
    ("status", "text", "as_of", "final"),
    [
        (3, None, date(2024, 1, 5), True),
        (3, "Final", AS_OF, True),
        (3, "PPD", AS_OF, False),
        (2, None, AS_OF, False),
        (1, None, AS_OF, False),
        (None, None, date(2024, 1, 6), True),
        (None, None, date(2024, 1, 5), False),
        (None, "PPD", AS_OF, False),
    ],
)
def test_which_games_are_final(status: int | None, text: str | None, as_of: date, final: bool) -> None:
    games = table_rows(schedule.PROCESSOR, [game(game_status=status, game_status_text=text)])
    assert final_games(games, (DAY,), as_of).height == int(final)
    inputs = summaries([line("a")], game_status=status, game_status_text=text)
    chunk = Chunk("t", (DAY,), as_of)
    assert player_game_summary.PROCESSOR.compute(chunk, inputs).height == int(final)
    assert shots.PROCESSOR.expected_keys(chunk, inputs).height == int(final)


def test_a_game_has_two_sides() -> None:
    sides = team_sides(table_rows(schedule.PROCESSOR, [game()]))
    assert sides.select("team_abbr", "opponent_team_abbr", "home_game").rows() == [
        ("BOS", "MIA", False),
        ("MIA", "BOS", True),
    ]


def test_the_calendar_leaves_out_dates_with_postponed_games_only() -> None:
    days = [date(2023, 10, 24), date(2023, 10, 25), date(2023, 11, 6), date(2023, 11, 7)]
    rows = [game(str(n), game_status_text=t) | {"game_date": d} for n, (d, t) in enumerate(zip(days, [None, "PPD", None, None], strict=True))]  # fmt: skip  # noqa: E501
    calendar = schedule.calendar(table_rows(schedule.PROCESSOR, [*rows, rows[1] | {"game_id": "9"}]))
    assert calendar.dates == (days[0], days[2], days[3])
    assert calendar.season_start(days[3]) == days[0]
    assert [calendar.is_bootstrap(d) for d in calendar.dates] == [True, True, False]


@pytest.mark.parametrize(
    ("name", "lookup"),
    [
        ("Luka Dončić", "lukadoncic"),
        ("O.G. Anunoby", "oganunoby"),
        ("Jaren Jackson Jr.", "jarenjacksonjr"),
        ("Trey Murphy III", "treymurphyiii"),
        ("Karl-Anthony Towns", "karlanthonytowns"),
        ("De'Aaron Fox", "deaaronfox"),
        ("Nikola Đurišić", "nikoladurisic"),
        ("Dāvis Bertāns", "davisbertans"),
        ("Lukasz Kołodziej", "lukaszkolodziej"),
    ],
)
def test_player_lookup(name: str, lookup: str) -> None:
    assert pl.select(player_lookup(pl.lit(name))).item() == lookup


def test_season_year() -> None:
    years = pl.DataFrame({"s": ["2023-24", "1999-00", "none", None]}).select(season_year(pl.col("s")))
    assert years["season_year"].to_list() == [2023, 1999, None, None]


GAMES = pl.DataFrame(
    {
        "team_abbr": ["A", "A", "A", "A", "B"],
        "game_id": ["1", "2", "3", "4", "3"],
        "game_date": [date(2023, 4, 9), date(2023, 10, 24), date(2023, 10, 26), date(2023, 11, 2), date(2023, 10, 26)],
        "season_year": [2022, 2023, 2023, 2023, 2023],
    }
)


def asked(day: date) -> pl.DataFrame:
    return pl.DataFrame({"day": [day, day], "season_year": [2023, 2023], "team_abbr": ["A", "B"]})


def test_last_games_are_the_seasons_and_strictly_before() -> None:
    found = last_games(asked(date(2023, 11, 2)), GAMES.reverse(), "team_abbr", 2)
    assert found.select("team_abbr", "game_id", "games_ago").rows() == [("A", "2", 2), ("A", "3", 1), ("B", "3", 1)]
    later = last_games(asked(date(2023, 11, 3)), GAMES, "team_abbr", 2)
    assert later.filter(team_abbr="A")["game_id"].to_list() == ["3", "4"]


def test_games_since_counts_days_back() -> None:
    """Seven days before 2 November reach back to 26 October; six do not."""
    assert games_since(asked(date(2023, 11, 2)), GAMES, "team_abbr", 7)["game_id"].to_list() == ["3", "3"]
    assert games_since(asked(date(2023, 11, 2)), GAMES, "team_abbr", 6)["game_id"].to_list() == []


def test_league_games_reach_as_many_days_back() -> None:
    day = pl.DataFrame({"day": [date(2023, 11, 2)], "season_year": [2023]})
    assert league_games(day, GAMES, 9)["game_id"].to_list() == ["2", "3", "3"]
    assert league_games(day, GAMES, 8)["game_id"].to_list() == ["3", "3"]
