"""The game-date export of a small league: what a page shows, against the league's own rows and the published schema."""

import json
from datetime import date, timedelta
from functools import cache
from typing import Any

import polars as pl
import pytest

from backcourt.errors import DataError
from backcourt.exports.documents import Documents
from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.processor import Chunk, Export, Inputs
from backcourt.pipeline.table import Table
from nba.columns import day, flag, integer, number, text
from nba.exports import game_date
from nba.pipeline import PIPELINE
from nba.predictions.player_prop_predictions import FORMULA_SYSTEMS
from tests.plain_loop import run_in_memory, windowed
from tests.unit.nba.small_league import SEASONS, SmallLeague

EXPORT = next(export for export in PIPELINE.exports if export.name == game_date.NAME)
LEAGUE = SmallLeague()
FIRST = SEASONS[2023][0]
AS_OF = FIRST + timedelta(days=24)
OVER = FIRST + timedelta(days=20)  # behind the bootstrap days, so that every table has rows

_DATE = day("game_date", "Date.", required=True)
_KEY = (_DATE, text("player_lookup", "Who.", required=True), text("system_id", "System.", required=True))
LATER_TABLES = (
    Table(
        "nba_predictions",
        "player_prop_predictions",
        "game_date",
        ("game_date", "player_lookup", "system_id"),
        (
            *(*_KEY, text("game_id", "Game."), number("predicted_points", "Points.")),
            *(number("confidence_score", "0 to 1."), text("recommendation", "What to do.")),
            *(
                number("current_points_line", "Line."),
                number("line_margin", "Margin."),
                text("model_version", "Which."),
            ),
        ),
        "Predictions, as SCHEMAS.md has them.",
    ),
    Table(
        "nba_predictions",
        "prediction_accuracy",
        "game_date",
        ("game_date", "player_lookup", "system_id"),
        (
            *(*_KEY, number("absolute_error", "Error."), number("signed_error", "Error.")),
            *(flag("prediction_correct", "Right."), flag("within_3_points", "Near."), flag("within_5_points", "Near.")),
        ),
        "Grades.",
    ),
    Table(
        "nba_predictions",
        "accuracy_summary",
        "game_date",
        ("game_date", "system_id", "window"),
        (
            *(_DATE, _KEY[2], text("window", "Window.", required=True), integer("predictions", "How many.")),
            *(number("mean_absolute_error", "Mean."), number("mean_signed_error", "Mean.")),
            *(number("within_3_pct", "Share."), number("within_5_pct", "Share.")),
            *(integer("recommendations", "How many."), number("hit_rate", "Share.")),
        ),
        "Summaries.",
    ),
)


@cache
def frames() -> dict[str, pl.DataFrame]:
    return run_in_memory(PIPELINE, LEAGUE, FIRST, AS_OF, AS_OF, chunk_days=60)


@cache
def calendar() -> Calendar:
    assert PIPELINE.calendar is not None
    return PIPELINE.calendar(frames()["nba_raw.schedule"])


def inputs_of(days: tuple[date, ...]) -> dict[str, pl.DataFrame]:
    return {each.name: windowed(each, frames()[each.name], days, calendar()) for each in EXPORT.inputs}


def built(days: tuple[date, ...], inputs: Inputs | None = None, export: Export = EXPORT) -> dict[date, Any]:
    """The documents as a reader gets them: checked against the schema, written and read again."""
    documents = export.build(Chunk(export.name, days, AS_OF), inputs_of(days) if inputs is None else inputs)
    checked = Documents(export.name, export.schema)
    return {each: json.loads(checked.encoded(each, value)) for each, value in documents.items()}


def league_rows(feed: str, on: date) -> list[dict[str, Any]]:
    return [row for row in LEAGUE.rows[feed] if row["game_date"] == on]


def test_every_date_of_the_league_fits_the_schema() -> None:
    days = calendar().between(FIRST, AS_OF)
    found = built(days)
    assert tuple(found) == days
    assert {document["game_date"] for document in found.values()} == {str(each) for each in days}


def test_a_date_does_not_depend_on_the_dates_beside_it() -> None:
    days = calendar().between(OVER - timedelta(days=4), OVER)
    together = built(days)
    assert {each: built((each,))[each] for each in days} == together


def test_games_with_the_sum_of_their_players_points() -> None:
    games = {game["game_id"]: game for game in built((OVER,))[OVER]["games"]}
    listed = {row["game_id"]: row for row in league_rows("schedule", OVER)}
    assert games.keys() == listed.keys()
    lines = league_rows("player_box_scores", OVER)
    for game_id, game in games.items():
        row = listed[game_id]
        assert game["status"] == ("postponed" if row["game_status_text"] == "PPD" else "final")
        for side in ("home", "away"):
            assert game[side]["team_abbr"] == row[f"{side}_team_tricode"]
            mine = [x["points"] for x in lines if (x["game_id"], x["team_abbr"]) == (game_id, game[side]["team_abbr"])]
            assert game[side]["points"] == (sum(mine) if mine else None)


def test_players_with_their_line_and_what_was_expected_of_them() -> None:
    document = built((OVER,))[OVER]
    lines = {(x["game_id"], x["team_abbr"], x["player_full_name"]): x for x in league_rows("player_box_scores", OVER)}
    played = [player for player in document["players"] if player["line"]]
    assert {(p["game_id"], p["team_abbr"], p["player_full_name"]) for p in played} == set(lines)
    for player in played:
        line = lines[player["game_id"], player["team_abbr"], player["player_full_name"]]
        shown = player["line"]
        assert (shown["points"], shown["assists"], shown["minutes_played"]) == (
            line["points"],
            line["assists"],
            line["minutes"],
        )
        assert player["home_game"] == line["home_game"]
        assert 0 <= player["factors"]["fatigue_score"] <= 100
        assert {said["system_id"] for said in player["predictions"]} in (set(), set(FORMULA_SYSTEMS))
    assert any(player["context"] for player in played)
    assert any(player["predictions"] for player in played)
    teams = [player["team_abbr"] for player in document["players"]]
    assert teams == sorted(teams)


def test_contains_names_the_tables_behind_the_document() -> None:
    early, late = FIRST, OVER
    found = built((early, late))
    assert found[early]["contains"] == [
        "nba_raw.schedule",
        "nba_analytics.team_offense_game_summary",
        "nba_analytics.player_game_summary",
    ]
    assert "nba_precompute.player_composite_factors" in found[late]["contains"]


def test_a_date_to_come_has_games_and_no_lines() -> None:
    day_to_come = AS_OF
    names = ("nba_raw.schedule", "nba_analytics.upcoming_player_game_context")
    inputs = {name: rows if name in names else rows.clear() for name, rows in inputs_of((day_to_come,)).items()}
    schedule = inputs["nba_raw.schedule"]
    inputs["nba_raw.schedule"] = schedule.with_columns(
        game_status=pl.lit(None, pl.Int64), game_status_text=pl.lit(None, pl.String)
    )
    document = built((day_to_come,), inputs)[day_to_come]
    assert {game["status"] for game in document["games"]} == {"scheduled"}
    assert [player for player in document["players"] if player["line"]] == []


def test_predictions_and_grades_once_their_tables_are_in_the_pipeline() -> None:
    tables = [processor.table for processor in PIPELINE.processors]
    known = {table.full_name for table in tables}
    export = game_date.export([*tables, *(t for t in LATER_TABLES if t.full_name not in known)])
    who = next(player for player in built((OVER,))[OVER]["players"] if player["line"])["player_lookup"]
    key = {"game_date": OVER, "player_lookup": who}
    predicted = {"predicted_points": 21.5, "confidence_score": 0.7, "recommendation": "OVER", "model_version": "v1"}
    rows = {
        "player_prop_predictions": [
            {**key, "system_id": system, "game_id": "g", "current_points_line": 20.5, "line_margin": 1.0, **predicted}
            for system in ("moving_average", "ensemble")
        ],
        "prediction_accuracy": [
            {
                **key,
                "system_id": "ensemble",
                "absolute_error": 2.5,
                "signed_error": -2.5,
                "prediction_correct": True,
                "within_3_points": True,
                "within_5_points": True,
            }
        ],
        "accuracy_summary": [
            {
                "game_date": OVER,
                "system_id": "ensemble",
                "window": "7d",
                "predictions": 40,
                "mean_absolute_error": 4.25,
                "mean_signed_error": -0.5,
                "within_3_pct": 0.4,
                "within_5_pct": 0.7,
                "recommendations": 12,
                "hit_rate": 0.5,
            }
        ],
    }
    there = {each.name: each for each in export.inputs}
    made = {
        f"nba_predictions.{name}": pl.DataFrame(found).select(there[f"nba_predictions.{name}"].columns)
        for name, found in rows.items()
    }
    document = built((OVER,), {**inputs_of((OVER,)), **made}, export)[OVER]
    player = next(player for player in document["players"] if player["player_lookup"] == who)
    assert [(p["system_id"], p["predicted_points"], p["grade"]) for p in player["predictions"]] == [
        (
            "ensemble",
            21.5,
            {
                "absolute_error": 2.5,
                "signed_error": -2.5,
                "prediction_correct": True,
                "within_3_points": True,
                "within_5_points": True,
            },
        ),
        ("moving_average", 21.5, None),
    ]
    assert player["team_abbr"]
    (summary,) = document["accuracy"]
    assert (summary["system_id"], summary["window"], summary["mean_absolute_error"]) == ("ensemble", "7d", 4.25)


def test_a_score_of_the_schedule_goes_before_the_sum() -> None:
    inputs = inputs_of((OVER,))
    scored = inputs["nba_raw.schedule"].with_columns(home_team_score=pl.lit(111), away_team_score=pl.lit(99))
    games = built((OVER,), {**inputs, "nba_raw.schedule": scored})[OVER]["games"]
    assert {(game["home"]["points"], game["away"]["points"]) for game in games} == {(111, 99)}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("games", 0, "status"), "over"),
        (("players", 0, "factors", "fatigue_score"), 101),
        (("players", 0, "line", "points"), "ten"),
        (("season_year",), None),
        (("games",), []),
    ],
)
def test_the_schema_refuses_what_is_wrong(path: tuple[str | int, ...], value: Any) -> None:
    """A schema that takes anything would make every test above pass."""
    document = built((OVER,))[OVER]
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(DataError, match="does not fit its schema"):
        Documents(EXPORT.name, EXPORT.schema).encoded(OVER, document)
