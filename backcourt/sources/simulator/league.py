"""Who plays for whom: players with skills, and a league's roster in each season.

A league is made once, in its first season, and then grows older a season at a time: players improve, fade and retire,
rookies come. So a season's players depend on the seed and on the seasons before, never on the dates that are asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from backcourt.sources.simulator.names import new_names
from backcourt.sources.simulator.teams import TEAMS

FIRST_SEASON = 2021
"""The season in which the league is made."""

POSITIONS = ("PG", "SG", "SF", "PF", "C")
ROSTER = (0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 1, 2, 3, 4, 0)
"""The positions of a full roster of fifteen, as places in POSITIONS."""

ZONES = (
    "Restricted Area",
    "In The Paint (Non-RA)",
    "Mid-Range",
    "Left Corner 3",
    "Right Corner 3",
    "Above the Break 3",
    "Backcourt",
)
_ZONE_SHARES = (
    (0.220, 0.200, 0.130, 0.035, 0.033, 0.380, 0.002),
    (0.225, 0.170, 0.120, 0.060, 0.055, 0.368, 0.002),
    (0.270, 0.170, 0.105, 0.070, 0.065, 0.318, 0.002),
    (0.330, 0.200, 0.105, 0.062, 0.057, 0.244, 0.002),
    (0.480, 0.260, 0.105, 0.020, 0.020, 0.113, 0.002),
)
"""By position: shares of shots by zone, so that the league's are those of 2023-24 (its shots file)."""

RATES = ("free_throws", "turnovers", "offensive_rebounds", "defensive_rebounds", "assists", "steals", "blocks", "fouls")
_RATES = (
    (1.00, 1.35, 0.35, 0.70, 2.00, 1.20, 0.40, 0.85),
    (0.90, 1.00, 0.45, 0.75, 1.10, 1.10, 0.50, 0.90),
    (0.90, 0.90, 0.75, 0.95, 0.80, 1.00, 0.80, 1.00),
    (1.00, 0.90, 1.25, 1.15, 0.70, 0.85, 1.20, 1.10),
    (1.15, 1.00, 2.30, 1.70, 0.70, 0.75, 2.60, 1.35),
)
"""By position: how often a player does a thing in a minute, against his team-mates."""

_RETIRES = 0.10
_NAMESAKES = 0.04
_FIRST_ID = 1_700_000


@dataclass(frozen=True)
class Player:
    """One player. `talent` is about standard normal; `usage`, `zones` and `rates` are relative to team-mates'."""

    player_id: int
    name: str
    position: int
    talent: float
    usage: float
    touch: float
    free_throw_pct: float
    zones: tuple[float, ...]
    rates: tuple[float, ...]


@dataclass(frozen=True)
class Season:
    """A league in one season: `players` and, alongside, the place in TEAMS of the team each starts it with.

    `offense` and `defense` are what a team adds to its own, and takes from its opponent's, share of made shots;
    `pace` is possessions in 48 minutes against the league's mean.
    """

    year: int
    players: tuple[Player, ...]
    teams: npt.NDArray[np.int64]
    offense: npt.NDArray[np.float64]
    defense: npt.NDArray[np.float64]
    pace: npt.NDArray[np.float64]

    @property
    def label(self) -> str:
        """The season as the files write it: '2023-24'."""
        return f"{self.year}-{(self.year + 1) % 100:02d}"


def season_of(seed: int, year: int) -> Season:
    """The league of `seed` in the season that starts in `year`."""
    rng = np.random.default_rng([seed, FIRST_SEASON, 1])
    taken: set[str] = set()
    ids = iter(range(_FIRST_ID, _FIRST_ID + 1_000_000, 7))
    names = new_names(rng, taken)
    rosters = [
        [_drafted(rng, next(ids), next(names), position) for position in ROSTER[: rng.integers(13, 16)]] for _ in TEAMS
    ]
    season = _season(rng, FIRST_SEASON, rosters)
    for later in range(FIRST_SEASON + 1, year + 1):
        rng = np.random.default_rng([seed, later, 1])
        rosters = _next_rosters(rng, rosters, ids, new_names(rng, taken))
        season = _season(rng, later, rosters)
    return season


def _drafted(rng: np.random.Generator, player_id: int, name: str, position: int, talent: float | None = None) -> Player:
    """A new player of a position."""
    skill = float(rng.normal()) if talent is None else talent
    return Player(
        player_id=player_id,
        name=name,
        position=position,
        talent=skill,
        usage=float(np.exp(0.24 * skill + rng.normal(0, 0.16))),
        touch=float(0.004 * skill + rng.normal(0, 0.015)),
        free_throw_pct=float(np.clip(rng.normal(0.80 - 0.03 * (position == 4), 0.06), 0.45, 0.93)),
        zones=tuple(rng.dirichlet(np.array(_ZONE_SHARES[position]) * 30)),
        rates=tuple(np.array(_RATES[position]) * np.exp(rng.normal(0, 0.22, len(RATES)))),
    )


def _season(rng: np.random.Generator, year: int, rosters: list[list[Player]]) -> Season:
    """The season's league, with each team's strength in it."""
    strength = np.array([np.mean(sorted((p.talent for p in roster), reverse=True)[:8]) for roster in rosters])
    edge = 0.006 * (strength - strength.mean())
    return Season(
        year=year,
        players=tuple(player for roster in rosters for player in roster),
        teams=np.repeat(np.arange(len(rosters)), [len(roster) for roster in rosters]),
        offense=edge + rng.normal(0, 0.014, len(rosters)),
        defense=edge + rng.normal(0, 0.014, len(rosters)),
        pace=rng.normal(0, 1.5, len(rosters)),
    )


def _next_rosters(
    rng: np.random.Generator, rosters: list[list[Player]], ids: Iterator[int], names: Iterator[str]
) -> list[list[Player]]:
    """A summer later: some have retired and rookies have taken their places, the others have changed a little.

    Now and then a rookie has the very name of someone who has just left another team: two players, two ids, one name.
    They never play in the same season, for then the files, which know players by name, could not tell them apart.
    """
    leaves = [[bool(rng.random() < _RETIRES) for _ in roster] for roster in rosters]
    gone = [
        p.name for roster, out in zip(rosters, leaves, strict=True) for p, left in zip(roster, out, strict=True) if left
    ]
    rng.shuffle(gone)

    def successor(player: Player, left: bool) -> Player:
        if not left:
            return replace(player, talent=0.95 * player.talent + float(rng.normal(0, 0.25)))
        namesake = bool(rng.random() < _NAMESAKES) and any(name != player.name for name in gone)
        name = next(n for n in gone if n != player.name) if namesake else next(names)
        if namesake:
            gone.remove(name)
        return _drafted(rng, next(ids), name, player.position, talent=float(rng.normal(-0.3, 0.9)))

    return [
        [successor(p, left) for p, left in zip(roster, out, strict=True)]
        for roster, out in zip(rosters, leaves, strict=True)
    ]
