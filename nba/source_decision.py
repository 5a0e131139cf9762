"""Where a date's player contexts come from: the upcoming contexts, or, where those are too few, the games themselves.

On 2023-02-23 the upcoming contexts held 1 of 187 players, and the date was published as complete. So the contexts are
counted against the players who really played, the fallback is chosen below 90 %, and the decision is kept with its
figures and its reason.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date

import polars as pl

from backcourt.pipeline.processor import Chunk

NEEDED_PCT = 90
"""Percentage of the players who played that the upcoming contexts must hold."""

NO_FALLBACK = "no_fallback"
"""The run's option that switches the fallback off: who lacks a context is missing, and the gate says so."""

UPCG, PGS = "UPCG", "PGS"
"""The two sources, by the short names of their tables."""


@dataclass(frozen=True)
class Decision:
    """The decision on one date; `coverage_pct` is `in_both` of `pgs_players`, None while the date is not over."""

    day: date
    decision: str
    upcg_players: int
    pgs_players: int
    in_both: int
    coverage_pct: float | None
    reason: str

    def as_note(self) -> dict[str, object]:
        """What is kept of it beside the rows."""
        return {name: value for name, value in asdict(self).items() if name != "day"}


def decide(day: date, upcg: int, pgs: int, in_both: int, *, is_over: bool, fallback: bool) -> Decision:
    """The source for one date.

    Args:
        day: the date.
        upcg: players with an upcoming context.
        pgs: players who played.
        in_both: players who played and have a context of that very game and team.
        is_over: whether the date lies before the plan's as-of date.
        fallback: whether the games may be the source.
    """
    coverage = 100 * in_both / pgs if pgs else None
    held = f"UPCG holds {in_both} of the {pgs} players who played"
    if not is_over:
        source, reason = UPCG, f"the date is not over: UPCG's {upcg} players are all that is known"
    elif coverage is None:
        source, reason = PGS, "nobody has played"
    elif 100 * in_both >= NEEDED_PCT * pgs:
        source, reason = UPCG, f"{held} ({coverage:.1f} %)"
    elif fallback:
        source, reason = PGS, f"{held} ({coverage:.1f} %, below {NEEDED_PCT} %)"
    else:
        source, reason = UPCG, f"{held} ({coverage:.1f} %, below {NEEDED_PCT} %), and the fallback is switched off"
    return Decision(day, source, upcg, pgs, in_both, coverage if is_over else None, reason)


def decisions(chunk: Chunk, due: pl.DataFrame, contexts: pl.DataFrame) -> tuple[Decision, ...]:
    """The decision on every date of the chunk.

    Args:
        chunk: the dates and the run's options.
        due: players of the dates, as of `due_players`.
        contexts: the upcoming contexts' `game_date`, `game_id`, `team_abbr`, `player_lookup`.
    """
    of_game = ["game_date", "game_id", "team_abbr", "player_lookup"]
    upcg = Counter(contexts["game_date"])
    played = due.filter("is_over")
    pgs, both = Counter(played["game_date"]), Counter(played.join(contexts, on=of_game, how="semi")["game_date"])
    return tuple(
        decide(
            day,
            upcg[day],
            pgs[day],
            both[day],
            is_over=day < chunk.as_of,
            fallback=NO_FALLBACK not in chunk.options,
        )
        for day in chunk.dates
    )
