"""Lines and injury reports by hand: the latest of each, the median of several, stars who are out."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from backcourt.pipeline.coverage import Thresholds, Verdict, judge, measure
from backcourt.pipeline.processor import Chunk
from nba.analytics import player_game_summary, upcoming_player_game_context
from nba.lines import lines_of
from nba.raw import injury_report, player_box_scores, player_props
from tests.plain_loop import frame_of
from tests.unit.nba.made_up_reports import as_feed
from tests.unit.nba.test_formulas import DAY as GAME_DAY
from tests.unit.nba.test_formulas import line, summaries, table_rows
from tests.unit.nba.test_upcoming_context import CHUNK, DAY, TODAY, contexts, only, played

SEEN = [datetime(2024, 1, 31, hour, tzinfo=UTC) for hour in range(24)]


def raw_rows(module: Any, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """What the raw table makes of the feed's rows of the day."""
    feed = frame_of(as_feed([{"game_date": DAY, **row} for row in rows], module.FEED, DAY, DAY))
    made = module.PROCESSOR.compute(CHUNK, {module.FEED.full_name: feed})
    assert isinstance(made, pl.DataFrame)
    return made


def offer(at: int | None, points_line: float, bookmaker: str = "aces") -> dict[str, Any]:
    seen = None if at is None else SEEN[at]
    return {"player_full_name": "Luka Dončić", "bookmaker": bookmaker, "points_line": points_line, "snapshot_at": seen}


def test_each_bookmakers_latest_line_counts() -> None:
    rows = raw_rows(player_props, [offer(9, 30.5), offer(17, 31.5), offer(None, 1.5), offer(8, 33.5, "kings")])
    assert rows.select("player_lookup", "bookmaker", "points_line").rows() == [
        ("lukadoncic", "aces", 31.5),
        ("lukadoncic", "kings", 33.5),
    ]


def test_one_offer_delivered_twice_is_one_and_two_at_one_instant_are_a_fault() -> None:
    assert raw_rows(player_props, [offer(9, 30.5), offer(9, 30.5)]).height == 1
    rows = raw_rows(player_props, [offer(9, 30.5), offer(9, 31.5)])
    measured = measure(player_props.TABLE, CHUNK, rows, player_props.PROCESSOR.expected_keys(CHUNK, {}))
    judgement = judge(measured[0], Thresholds())
    assert judgement.verdict is Verdict.BLOCK
    assert "lukadoncic/aces" in judgement.reason


@pytest.mark.parametrize("module", [player_props, injury_report])
def test_a_date_without_reports_passes_the_gate(module: Any) -> None:
    rows = raw_rows(module, [])
    measured = measure(module.TABLE, CHUNK, rows, module.PROCESSOR.expected_keys(CHUNK, {}))
    assert judge(measured[0], Thresholds()).verdict is Verdict.PASS


def test_the_latest_report_counts_in_lower_case() -> None:
    report = {"player_full_name": "Jaren Jackson Jr.", "reason": "knee"}
    rows = raw_rows(
        injury_report,
        [
            {**report, "injury_status": "Questionable", "report_at": SEEN[12]},
            {**report, "injury_status": " Out ", "report_at": SEEN[17]},
        ],
    )
    assert rows.select("player_lookup", "injury_status").rows() == [("jarenjacksonjr", "out")]


def bookmaker_lines(*lines: tuple[float | None, float | None], day: date = DAY) -> list[dict[str, Any]]:
    """One bookmaker a (line, opening line)."""
    return [
        {"game_date": day, "player_lookup": "a", "bookmaker": f"b{n}", "points_line": now, "opening_line": opening}
        for n, (now, opening) in enumerate(lines)
    ]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([(20.5, 19.5)], (20.5, 19.5)),
        ([(20.5, 19.5), (21.5, None), (40.5, 22.5)], (21.5, 21.0)),
        ([(20.5, None), (22.5, None)], (21.5, None)),
    ],
)
def test_the_line_is_the_median_of_the_bookmakers(
    lines: list[tuple[float | None, float | None]], expected: tuple[float, float | None]
) -> None:
    rows = lines_of(table_rows(player_props.PROCESSOR, bookmaker_lines(*lines)))
    assert rows.select("points_line", "opening_line").rows() == [expected]


def test_a_bookmaker_without_a_line_makes_none() -> None:
    assert lines_of(table_rows(player_props.PROCESSOR, bookmaker_lines((None, 20.5)))).is_empty()


@pytest.mark.parametrize(("points", "result", "margin"), [(21, "OVER", 0.5), (20, "UNDER", -0.5), (None, None, None)])
def test_points_against_the_line(points: int | None, result: str | None, margin: float | None) -> None:
    row = summary([line("a", points=points, minutes=240.0)], (20.5, 19.5))
    assert (row["over_under_result"], row["margin"], row["opening_line"]) == (result, margin, 19.5)


def test_points_on_the_line_are_a_push_and_without_a_line_there_is_no_result() -> None:
    assert summary([line("a", points=20, minutes=240.0)], (20.0, None))["over_under_result"] == "PUSH"
    row = summary([line("b", points=20, minutes=240.0)], (20.0, None))
    assert (row["points_line"], row["over_under_result"], row["margin"]) == (None, None, None)


def summary(lines: list[dict[str, Any]], offered: tuple[float, float | None]) -> dict[str, Any]:
    """The player's summary where one bookmaker has a line on player a."""
    props = table_rows(player_props.PROCESSOR, bookmaker_lines(offered, day=GAME_DAY))
    inputs = {
        **summaries(lines),
        player_box_scores.TABLE.full_name: table_rows(player_box_scores.PROCESSOR, lines),
        player_props.TABLE.full_name: props,
    }
    chunk = Chunk("t", (GAME_DAY,), date(2024, 2, 1))
    return player_game_summary.PROCESSOR.compute(chunk, inputs).row(0, named=True)


def context(**players: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The contexts by player, where each played the day before; `status` is what the injury report says of him."""
    lines = [played(1, name, **{"team": "MIA", **facts["line"]}) for name, facts in players.items()]
    injuries = [
        {"game_date": DAY, "player_lookup": name, "injury_status": facts["status"], "reason": "knee"}
        for name, facts in players.items()
        if "status" in facts
    ]
    inputs = contexts([TODAY], players=lines, injuries=injuries)
    rows = upcoming_player_game_context.PROCESSOR.compute(CHUNK, inputs).to_dicts()
    return {row["player_lookup"]: row for row in rows}


@pytest.mark.parametrize(
    ("averages", "stars"),
    [
        ({"points": 18, "minutes_played": 27.0, "usage_rate": 24.0}, 1),
        ({"points": 17, "minutes_played": 28.0, "usage_rate": 24.0}, 1),
        ({"points": 17, "minutes_played": 27.0, "usage_rate": 25.0}, 1),
        ({"points": 17, "minutes_played": 27.0, "usage_rate": 24.0}, 0),
        ({"points": 18}, 1),
        ({}, 0),
    ],
)
def test_who_is_a_star(averages: dict[str, Any], stars: int) -> None:
    rows = context(a={"line": {"usage_rate": 20.0}}, b={"line": averages, "status": "out"})
    assert rows["a"]["star_teammates_out"] == stars
    assert rows["a"]["projected_usage_rate"] == pytest.approx(20.0 + stars, abs=1e-12)
    assert rows["b"]["star_teammates_out"] == 0, "nobody is his own teammate"


@pytest.mark.parametrize("status", ["available", "probable", "questionable", "doubtful"])
def test_only_who_is_out_is_out(status: str) -> None:
    rows = context(a={"line": {"usage_rate": 20.0}}, b={"line": {"points": 30}, "status": status})
    assert (rows["a"]["star_teammates_out"], rows["a"]["projected_usage_rate"]) == (0, 20.0)
    assert rows["a"]["questionable_teammates"] == (status == "questionable")
    assert (rows["b"]["player_status"], rows["b"]["injury_report"]) == (status, "knee")
    assert rows["a"]["player_status"] is None


def test_two_stars_out_and_opponents_do_not_count() -> None:
    star = {"line": {"points": 30, "usage_rate": 20.0}, "status": "out"}
    rows = context(a=star, b=star, c={"line": {"usage_rate": 20.0}}, d={"line": {"points": 30, "team": "BOS"}})
    assert (rows["c"]["star_teammates_out"], rows["a"]["star_teammates_out"]) == (2, 1)
    assert rows["c"]["projected_usage_rate"] == pytest.approx(22.0, abs=1e-12)
    assert rows["d"]["star_teammates_out"] == 0


def test_the_line_in_the_context() -> None:
    props = bookmaker_lines((20.5, 19.0), (22.5, 20.0), (30.5, 22.0))
    inputs = contexts([TODAY], players=[played(1), played(1, "b")], props=props)
    row = only(upcoming_player_game_context.PROCESSOR, inputs, player_lookup="a")
    assert (row["has_prop_line"], row["current_points_line"], row["line_movement"]) == (True, 22.5, 2.5)
    row = only(upcoming_player_game_context.PROCESSOR, inputs, player_lookup="b")
    assert (row["has_prop_line"], row["current_points_line"], row["line_movement"]) == (False, None, None)
