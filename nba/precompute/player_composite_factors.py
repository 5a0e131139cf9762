"""`nba_precompute.player_composite_factors` (PCF): how a player's fatigue, matchup, pace and role favour him.

Where the upcoming contexts hold fewer than 90 % of those who played, the players' own games stand in for them
(`nba.source_decision`), so that a date is whole or says who is missing.
"""

import json
from collections.abc import Mapping
from datetime import date

import polars as pl

from backcourt.pipeline.processor import SAME_DATE, SEASON_AND_SAME_DATE, Chunk, Input, Inputs, Processor
from backcourt.pipeline.table import Table
from nba import factors
from nba.analytics import player_game_summary, upcoming_player_game_context, upcoming_team_game_context
from nba.columns import day, flag, in_shape, integer, number, text
from nba.due_players import PLAYER_COLUMNS, due_players, unseen_players
from nba.early_season import with_early_season_flag
from nba.games import SIDE_COLUMNS, on_dates
from nba.player_context import CONTEXT_COLUMNS, with_context
from nba.precompute import player_shot_zone_analysis, team_defense_zone_analysis
from nba.raw import schedule
from nba.source_decision import NO_FALLBACK, PGS, UPCG, Decision, decisions

_CONTEXT = (
    "days_rest",
    "back_to_back",
    "games_in_last_7_days",
    "minutes_in_last_7_days",
    "avg_minutes_per_game_last_7",
    "back_to_backs_last_14_days",
    "player_age",
    "projected_usage_rate",
    "avg_usage_rate_last_7_games",
    "star_teammates_out",
)
"""What the factors need of a player's context, whichever the source."""

_JSON = {
    "fatigue_context_json": _CONTEXT[:7],
    "shot_zone_context_json": ("primary_scoring_zone", "zone_share", "zone_defense"),
    "pace_context_json": ("pace_differential", "opponent_pace_last_10", "league_pace_last_30_days"),
    "usage_context_json": _CONTEXT[7:],
}
"""Column to the inputs of its factor that it keeps."""

_DEFERRED = (
    "referee_favorability_score",
    "look_ahead_pressure_score",
    "travel_impact_score",
    "opponent_strength_score",
)

_PACE = ("pace_differential", "opponent_pace_last_10", "league_pace_last_30_days")

_ZONES = ("analysis_date", "player_lookup", "primary_scoring_zone", *(share for share, _ in factors.ZONES.values()))
_DEFENSE = ("analysis_date", "team_abbr", *(figure for _, figure in factors.ZONES.values()))

TABLE = Table(
    dataset="nba_precompute",
    name="player_composite_factors",
    partition_by="game_date",
    key=("game_date", "player_lookup"),
    columns=(
        text("player_lookup", "The player's key.", required=True),
        day("game_date", "The date that the row is for; only earlier games count.", required=True),
        text("game_id", "The game.", required=True),
        text("team_abbr", "The player's team.", required=True),
        text("opponent_team_abbr", "The other team.", required=True),
        integer("fatigue_score", "0 to 100; 100 is fresh.", required=True),
        number("fatigue_adjustment", "(fatigue_score − 100) / 20, in points.", required=True),
        number("shot_zone_mismatch_score", "−10 to 10: how weak the opponent is where he shoots.", required=True),
        number("pace_score", "−3 to 3: half the pace differential.", required=True),
        number("usage_spike_score", "−3 to 3: usage expected beyond that of the last 7 games.", required=True),
        *(number(name, "Deferred: always 0.", required=True) for name in _DEFERRED),
        number("total_composite_adjustment", "Sum of the four adjustments.", required=True),
        text("fatigue_context_json", "Inputs of the fatigue score."),
        text("shot_zone_context_json", "Inputs of the mismatch score."),
        text("pace_context_json", "Inputs of the pace score."),
        text("usage_context_json", "Inputs of the usage score."),
        text("calculation_version", "The formulas' version.", required=True),
        text("context_source", "`UPCG` or `PGS`: where this player's context is from.", required=True),
        integer("upcg_player_count", "Players of the date in the upcoming contexts.", required=True),
        integer("pgs_player_count", "Players of the date who played; 0 while it is not over.", required=True),
        number("context_coverage_pct", "Percentage of those who played that the upcoming contexts hold."),
        text("context_reason", "Why the context is from where it is."),
        number("data_completeness_pct", "Percentage of the four inputs that were there."),
        text("missing_data_fields", "The inputs that were not there; each makes its score 0."),
        flag("early_season_flag", "Within 21 days after the bootstrap.", required=True),
    ),
    description="One row a player and date: fatigue, shot-zone mismatch, pace and usage, and their sum.",
)


def expected_keys(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """Those who played (dates that are over) or are expected to (today), and placeholders for teams without any."""
    key = ("game_date", "player_lookup")
    return pl.concat([due_players(chunk, inputs).select(key), unseen_players(chunk, inputs).select(key)]).sort(key)


def compute(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """The factors of each due player, from his upcoming context or from his own earlier games.

    The same date's player summaries say who played for whom and nothing else.
    """
    due = due_players(chunk, inputs)
    fixtures = inputs[schedule.TABLE.full_name]
    players = with_early_season_flag(_contexts(chunk, inputs, due), fixtures)
    teams = on_dates(inputs[upcoming_team_game_context.TABLE.full_name], chunk.dates)
    zones = inputs[player_shot_zone_analysis.TABLE.full_name].select(_ZONES).rename({"analysis_date": "game_date"})
    defense = (
        inputs[team_defense_zone_analysis.TABLE.full_name]
        .select(_DEFENSE)
        .rename({"analysis_date": "game_date", "team_abbr": "opponent_team_abbr"})
    )
    rows = (
        players.join(teams.select("game_id", "team_abbr", *_PACE), on=["game_id", "team_abbr"], how="left")
        .join(zones, on=["game_date", "player_lookup"], how="left")
        .join(defense, on=["game_date", "opponent_team_abbr"], how="left")
    )
    return in_shape(with_factors(rows), TABLE)


def with_factors(rows: pl.DataFrame) -> pl.DataFrame:
    """Contexts, pace and zones with the scores that follow from them."""
    scored = rows.with_columns(
        fatigue_score=factors.fatigue_score(),
        shot_zone_mismatch_score=factors.shot_zone_mismatch_score(),
        pace_score=factors.pace_score(),
        usage_spike_score=factors.usage_spike_score(),
        zone_share=factors.zone_share(),
        zone_defense=factors.zone_defense(),
        missing_data_fields=factors.missing_fields(),
        data_completeness_pct=factors.completeness_pct(),
        calculation_version=pl.lit(factors.VERSION),
        **{name: pl.lit(0.0) for name in _DEFERRED},
    ).with_columns(fatigue_adjustment=factors.fatigue_adjustment())
    adjustments = ("fatigue_adjustment", "shot_zone_mismatch_score", "pace_score", "usage_spike_score")
    total = pl.sum_horizontal(adjustments)
    return scored.with_columns(
        *(pl.struct(inputs).struct.json_encode().alias(name) for name, inputs in _JSON.items()),
        total_composite_adjustment=total,
    )


def notes(chunk: Chunk, inputs: Inputs, rows: pl.DataFrame) -> Mapping[date, str]:  # noqa: ARG001 (its signature)
    """The source decision on each date, as JSON."""
    made = _decisions(chunk, inputs, due_players(chunk, inputs))
    return {each.day: json.dumps(each.as_note(), ensure_ascii=False) for each in made}


def _contexts(chunk: Chunk, inputs: Inputs, due: pl.DataFrame) -> pl.DataFrame:
    """The due players with a context, its source and the date's decision; without the fallback some are left out."""
    made = _decisions(chunk, inputs, due)
    per_date = pl.DataFrame(
        [(d.day, d.decision, d.upcg_players, d.pgs_players, d.coverage_pct, d.reason) for d in made],
        schema={
            "day": pl.Date,
            "decision": pl.String,
            "upcg_player_count": pl.Int64,
            "pgs_player_count": pl.Int64,
            "context_coverage_pct": pl.Float64,
            "context_reason": pl.String,
        },
        orient="row",
    )
    of_game = ["game_id", "team_abbr", "player_lookup"]
    upcoming = on_dates(inputs[upcoming_player_game_context.TABLE.full_name], chunk.dates).select(*of_game, *_CONTEXT)
    decided = due.join(per_date, on="day", how="left")
    from_upcg = decided.filter(pl.col("decision") == UPCG).join(upcoming, on=of_game, how="inner")
    parts = [from_upcg.with_columns(context_source=pl.lit(UPCG))]
    if NO_FALLBACK not in chunk.options:
        others = decided.join(from_upcg, on=["day", "player_lookup"], how="anti")
        parts.append(_from_games(others, inputs[player_game_summary.TABLE.full_name]))
    return pl.concat([part.select(parts[0].columns) for part in parts])


def _from_games(players: pl.DataFrame, games: pl.DataFrame) -> pl.DataFrame:
    """Contexts made of the players' own earlier games: no age, and nobody is known to be out."""
    own = with_context(players, games)
    foreign = pl.format("{}; he is not in it: his own games", "context_reason")
    return own.with_columns(
        player_age=pl.lit(None, dtype=pl.Int64),
        star_teammates_out=pl.lit(0, dtype=pl.Int64),
        projected_usage_rate="usage_avg_last_10",
        context_source=pl.lit(PGS),
        context_reason=pl.when(pl.col("decision") == UPCG).then(foreign).otherwise("context_reason"),
        **{c: pl.col(c).cast(pl.Int64) for c in _CONTEXT if c.startswith(("games_in", "back_to_backs"))},
    )


def _decisions(chunk: Chunk, inputs: Inputs, due: pl.DataFrame) -> tuple[Decision, ...]:
    contexts = inputs[upcoming_player_game_context.TABLE.full_name]
    return decisions(chunk, due, on_dates(contexts, chunk.dates).select(PLAYER_COLUMNS))


PROCESSOR = Processor(
    table=TABLE,
    version="1",
    inputs=(
        Input(schedule.TABLE, SIDE_COLUMNS, SEASON_AND_SAME_DATE),
        Input(
            player_game_summary.TABLE,
            tuple(dict.fromkeys((*PLAYER_COLUMNS, *CONTEXT_COLUMNS))),
            SEASON_AND_SAME_DATE,
        ),
        Input(upcoming_player_game_context.TABLE, (*PLAYER_COLUMNS, *_CONTEXT), SAME_DATE, optional=True),
        Input(upcoming_team_game_context.TABLE, ("game_date", "game_id", "team_abbr", *_PACE), SAME_DATE),
        Input(player_shot_zone_analysis.TABLE, _ZONES, SAME_DATE),
        Input(team_defense_zone_analysis.TABLE, _DEFENSE, SAME_DATE),
    ),
    expected_keys=expected_keys,
    compute=compute,
    bootstrap=True,
    needs_final_games=False,
    notes=notes,
)
