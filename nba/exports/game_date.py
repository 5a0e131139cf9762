"""The export that a page about one game date reads: games, players, why we expect what of them, and what came true.

A player's sections are null where the table behind them has no row for him, or is not committed for the date;
`contains` says which tables the document was made from. Names are those of the tables' columns.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Any

from backcourt.pipeline.processor import SAME_DATE, Chunk, Export, Input, Inputs
from backcourt.pipeline.table import Table
from nba.games import FINAL, POSTPONED, SIDES

Row = Mapping[str, Any]

NAME = "game_date"
FORMAT = 1
"""Rises when a reader of the last format could not read the new one."""


@dataclass(frozen=True)
class Part:
    """What the export takes of one table. A part that is not `needed` is left out where it is not committed."""

    table: str
    columns: tuple[str, ...]
    needed: bool = False


PLAYER = ("player_lookup", "player_full_name", "game_id", "team_abbr", "opponent_team_abbr", "home_game")
"""Who a player is, where a table says so."""

SCHEDULE = Part(
    "nba_raw.schedule",
    (
        *("game_id", "season_year", "season_type", "game_status", "game_status_text", "game_start"),
        *("home_team_tricode", "away_team_tricode", "home_team_score", "away_team_score"),
    ),
    needed=True,
)
TEAMS = Part(
    "nba_analytics.team_offense_game_summary",
    ("game_id", "team_abbr", "points_scored", "possessions", "offensive_rating", "pace"),
    needed=True,
)
LINES = Part(
    "nba_analytics.player_game_summary",
    (
        *(*PLAYER, "starter_flag", "minutes_played", "points", "assists", "offensive_rebounds", "defensive_rebounds"),
        *("steals", "blocks", "turnovers", "fg_makes", "fg_attempts", "three_pt_makes", "three_pt_attempts"),
        *("ft_makes", "ft_attempts", "plus_minus", "usage_rate", "ts_pct", "efg_pct", "points_line"),
        "over_under_result",
    ),
    needed=True,
)
CONTEXT = Part(
    "nba_analytics.upcoming_player_game_context",
    (
        *(*PLAYER, "days_rest", "back_to_back", "games_in_last_7_days", "minutes_in_last_7_days"),
        *("points_avg_last_5", "points_avg_last_10", "projected_usage_rate", "opponent_def_rating_last_10"),
        *("star_teammates_out", "player_status", "injury_report", "current_points_line", "opening_points_line"),
    ),
)
FACTORS = Part(
    "nba_precompute.player_composite_factors",
    (
        *("player_lookup", "game_id", "team_abbr", "opponent_team_abbr", "fatigue_score", "fatigue_adjustment"),
        *("shot_zone_mismatch_score", "pace_score", "usage_spike_score", "total_composite_adjustment"),
        *("context_source", "early_season_flag"),
    ),
    needed=True,
)
FORM = Part(
    "nba_precompute.player_daily_cache",
    (
        *("player_lookup", "games_played_season", "points_avg_last_5", "points_avg_last_10", "points_avg_season"),
        *("points_std_last_10", "minutes_avg_last_10", "usage_rate_last_10", "ts_pct_last_10"),
        *("primary_scoring_zone", "paint_rate_last_10", "mid_range_rate_last_10", "three_pt_rate_last_10"),
    ),
    needed=True,
)
PREDICTIONS = Part(
    "nba_predictions.player_prop_predictions",
    (
        *("player_lookup", "game_id", "system_id", "predicted_points", "confidence_score", "recommendation"),
        *("current_points_line", "line_margin", "model_version"),
    ),
)
GRADES = Part(
    "nba_predictions.prediction_accuracy",
    (
        *("player_lookup", "system_id", "absolute_error", "signed_error", "prediction_correct"),
        *("within_3_points", "within_5_points"),
    ),
)
ACCURACY = Part(
    "nba_predictions.accuracy_summary",
    (
        *("system_id", "window", "predictions", "mean_absolute_error", "mean_signed_error", "within_3_pct"),
        *("within_5_pct", "recommendations", "hit_rate"),
    ),
)
PARTS = (SCHEDULE, TEAMS, LINES, CONTEXT, FACTORS, FORM, PREDICTIONS, GRADES, ACCURACY)

SECTIONS = {"line": LINES, "context": CONTEXT, "factors": FACTORS, "form": FORM}
"""A player's sections and the parts that they show."""

STATUS = {1: "scheduled", 2: "live", FINAL: "final"}


def schema() -> dict[str, Any]:
    """The published JSON Schema of a document."""
    found: dict[str, Any] = json.loads(files(__package__).joinpath(f"{NAME}.schema.json").read_text(encoding="utf-8"))
    return found


def export(tables: Iterable[Table]) -> Export:
    """The export over those of its parts that are among a pipeline's tables."""
    there = {table.full_name: table for table in tables}
    return Export(
        NAME, tuple(_input(part, there[part.table]) for part in PARTS if part.table in there), schema(), build
    )


def build(chunk: Chunk, inputs: Inputs) -> dict[date, dict[str, Any]]:
    """A document for each date of the chunk."""
    days = {part.table: _by_day(inputs, part.table) for part in PARTS}
    return {
        day: _document(day, {name: rows.get(day, []) for name, rows in days.items()}, chunk.as_of)
        for day in chunk.dates
    }


def _input(part: Part, table: Table) -> Input:
    columns = tuple(dict.fromkeys((table.partition_by, *part.columns)))
    return Input(table, columns, SAME_DATE, optional=not part.needed)


def _by_day(inputs: Inputs, table: str) -> dict[date, list[dict[str, Any]]]:
    """A table's rows by date, which is their first column, in the order of all columns; none where it is no input."""
    found: dict[date, list[dict[str, Any]]] = {}
    if table not in inputs:
        return found
    frame = inputs[table]
    for row in frame.sort(frame.columns, nulls_last=True).to_dicts():
        found.setdefault(row.pop(frame.columns[0]), []).append(row)
    return found


def _document(day: date, rows: Mapping[str, list[dict[str, Any]]], as_of: date) -> dict[str, Any]:
    """One date's document; `rows` are the date's rows by table."""
    schedule = rows[SCHEDULE.table]
    return {
        "format": FORMAT,
        "game_date": day,
        "season_year": schedule[0]["season_year"] if schedule else None,
        "contains": [part.table for part in PARTS if rows[part.table]],
        "games": [_game(game, rows[TEAMS.table], over=day < as_of) for game in schedule],
        "players": _players(rows),
        "accuracy": rows[ACCURACY.table],
    }


def _game(game: Row, teams: list[dict[str, Any]], *, over: bool) -> dict[str, Any]:
    """One game with its two sides; without a status it is over when its date is."""
    status = STATUS.get(game["game_status"], "final" if over else "scheduled")
    sides = {row["team_abbr"]: row for row in teams if row["game_id"] == game["game_id"]}
    return {
        "game_id": game["game_id"],
        "season_type": game["season_type"],
        "status": "postponed" if game["game_status_text"] == POSTPONED else status,
        "game_start": game["game_start"],
        **{side: _side(game, side, sides.get(game[f"{side}_team_tricode"])) for side in SIDES},
    }


def _side(game: Row, side: str, summary: Row | None) -> dict[str, Any]:
    """One team of a game; its points are the schedule's, or its players' sum where the schedule has none."""
    found = summary or {}
    score = game[f"{side}_team_score"]
    return {
        "team_abbr": game[f"{side}_team_tricode"],
        "points": found.get("points_scored") if score is None else score,
        "possessions": found.get("possessions"),
        "offensive_rating": found.get("offensive_rating"),
        "pace": found.get("pace"),
    }


def _players(rows: Mapping[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Everyone whom a table that knows his game names, by team and key."""
    known: dict[str, dict[str, Any]] = {}
    for part in (PREDICTIONS, FACTORS, CONTEXT, LINES):
        for row in rows[part.table]:
            known.setdefault(row["player_lookup"], {}).update({name: row[name] for name in PLAYER if name in row})
    sections = {name: {row["player_lookup"]: row for row in rows[part.table]} for name, part in SECTIONS.items()}
    predictions = _predictions(rows)
    players = [
        {
            **{name: who.get(name) for name in PLAYER},
            **{name: _without_player(found.get(lookup)) for name, found in sections.items()},
            "predictions": predictions.get(lookup, []),
        }
        for lookup, who in known.items()
    ]
    return sorted(players, key=lambda player: (player["team_abbr"] or "", player["player_lookup"]))


def _predictions(rows: Mapping[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """Each player's predictions by system, with the grade where there is one."""
    grades = {(row["player_lookup"], row["system_id"]): row for row in rows[GRADES.table]}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows[PREDICTIONS.table]:
        grade = grades.get((row["player_lookup"], row["system_id"]))
        graded = {name: value for name, value in (grade or {}).items() if name not in ("player_lookup", "system_id")}
        shown = {name: value for name, value in row.items() if name not in ("player_lookup", "game_id")}
        found.setdefault(row["player_lookup"], []).append({**shown, "grade": graded or None})
    return found


def _without_player(row: Row | None) -> dict[str, Any] | None:
    """A section without what the player's own fields say."""
    return None if row is None else {name: value for name, value in row.items() if name not in PLAYER}
