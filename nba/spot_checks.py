"""Rolling averages and usage a second way: plain loops over raw box scores, without a line of the processors' code.

A game of which a figure is NULL has no rate, as in the processors.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import isnan, nan
from statistics import fmean

from backcourt.pipeline.processor import SAME_DATE, SEASON, Input, Row, SpotCheck
from nba.analytics import player_game_summary
from nba.precompute import player_daily_cache
from nba.raw import player_box_scores

BOX_SCORES = player_box_scores.TABLE.full_name
_COLUMNS = (
    *("game_id", "game_date", "season_year", "player_lookup", "team_abbr", "minutes", "points"),
    *("field_goals_made", "field_goals_attempted", "three_pointers_made", "free_throws_attempted", "turnovers"),
)
_ADDED_UP = ("minutes", "field_goals_attempted", "free_throws_attempted", "turnovers")

Lines = Sequence[Row]
TeamGame = tuple[str, str]


def rates(rows: Sequence[Row], inputs: Mapping[str, Lines]) -> list[Row]:
    """Usage, true shooting and effective field goals of rows of the player summaries."""
    lines = [line for line in inputs[BOX_SCORES] if _is_whole(line)]
    teams = _teams(inputs[BOX_SCORES])
    by_key = {(line["game_id"], line["player_lookup"]): line for line in lines}
    return [_rates(by_key.get((row["game_id"], row["player_lookup"])), teams) for row in rows]


def _rates(line: Row | None, teams: Mapping[TeamGame, Mapping[str, float]]) -> Row:
    """The rates of one line; none of a line that is not there."""
    if line is None:
        return dict.fromkeys(("usage_rate", "ts_pct", "efg_pct"))
    shots, threes = line["field_goals_attempted"], line["three_pointers_made"]
    tries = shots + 0.44 * line["free_throws_attempted"]
    return {
        "usage_rate": _usage(line, teams),
        "ts_pct": line["points"] / (2 * tries) if tries else None,
        "efg_pct": (line["field_goals_made"] + 0.5 * threes) / shots if shots else None,
    }


def form(rows: Sequence[Row], inputs: Mapping[str, Lines]) -> list[Row]:
    """Means of points, minutes and usage over 5 games, 10 games and the season, of rows of the daily cache."""
    lines = inputs[BOX_SCORES]
    teams = _teams(lines)
    careers: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for line in sorted(lines, key=lambda each: (each["game_date"], each["game_id"])):
        careers[line["player_lookup"], line["season_year"]].append(line)
    found: list[Row] = []
    for row in rows:
        career = careers[row["player_lookup"], row["season_year"]]
        played = [line for line in career if line["game_date"] < row["cache_date"]]
        usage = [_usage(line, teams) for line in played]
        found.append(
            {
                "games_played_season": len(played),
                "points_avg_last_5": _mean(line["points"] for line in played[-5:]),
                "points_avg_last_10": _mean(line["points"] for line in played[-10:]),
                "points_avg_season": _mean(line["points"] for line in played),
                "minutes_avg_last_10": _mean(line["minutes"] for line in played[-10:]),
                "usage_rate_last_5": _mean(usage[-5:]),
                "usage_rate_last_10": _mean(usage[-10:]),
                "player_usage_rate_season": _mean(usage),
            }
        )
    return found


def _teams(lines: Lines) -> dict[TeamGame, Mapping[str, float]]:
    """What each team added up to in each game."""
    found: dict[TeamGame, dict[str, float]] = defaultdict(lambda: dict.fromkeys(_ADDED_UP, 0.0))
    for line in lines:
        for name in _ADDED_UP:
            value = line[name]
            found[line["game_id"], line["team_abbr"]][name] += nan if value is None else value
    return dict(found)


def _usage(line: Row, teams: Mapping[TeamGame, Mapping[str, float]]) -> float | None:
    """100 (FGA + 0.44 FTA + TOV) (TmMin / 5) / (Min (TmFGA + 0.44 TmFTA + TmTOV)): DOMAIN, section 3."""
    team = teams[line["game_id"], line["team_abbr"]]
    if not _is_whole(line) or isnan(_plays(team) + team["minutes"]):
        return None
    below = line["minutes"] * _plays(team)
    return 100 * _plays(line) * (team["minutes"] / 5) / below if below else None


def _is_whole(line: Row) -> bool:
    """Whether every figure is known."""
    return all(line[name] is not None for name in _COLUMNS)


def _plays(of: Row) -> float:
    plays: float = of["field_goals_attempted"] + 0.44 * of["free_throws_attempted"] + of["turnovers"]
    return plays


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


SPOT_CHECKS = (
    SpotCheck(
        "rates of a game",
        player_game_summary.TABLE,
        ("usage_rate", "ts_pct", "efg_pct"),
        (Input(player_box_scores.TABLE, _COLUMNS, SAME_DATE),),
        rates,
    ),
    SpotCheck(
        "form of a player",
        player_daily_cache.TABLE,
        (
            *("games_played_season", "points_avg_last_5", "points_avg_last_10", "points_avg_season"),
            *("minutes_avg_last_10", "usage_rate_last_5", "usage_rate_last_10", "player_usage_rate_season"),
        ),
        (Input(player_box_scores.TABLE, _COLUMNS, SEASON),),
        form,
    ),
)
