"""One game's box score, from the players who take part in it.

A game is played in stretches: two halves, then five minutes for as long as it is tied. In a stretch both teams have the
same number of possessions, which become turnovers, free throws and shots; each is dealt out to players by how often
they do such things; a shot has a zone, and goes in by the zone's share of makes and the strengths of both sides. The
box score adds up the stretches, so that its identities hold by construction.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from backcourt.sources.simulator.league import RATES, ZONES, Player

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

REGULATION, HALF, OVERTIME = 48, 24, 5
HALVES = 2
THREES = np.array([zone.endswith("3") or zone == "Backcourt" for zone in ZONES])

_ZONE_PCT = np.array([0.655, 0.432, 0.411, 0.380, 0.385, 0.354, 0.02])
_POSSESSIONS = 99.6
_HOME_EDGE = 0.005
_EASE = 0.0015
_ONE_POINT_TIES = 0.55
_IN_OVERTIME = 7
_LONGEST = 23
MINUTES = np.array([34.5, 33.0, 31.5, 29.0, 26.5, 21.5, 18.5, 15.5, 12.0, 8.5, 5.5, 4.0, 3.5])
"""Minutes by place in the rotation."""

COUNTS = ("fga", "fgm", "fg3a", "fg3m", "fta", "ftm", "oreb", "dreb", "ast", "stl", "blk", "tov", "pf")
"""What a stretch counts for each player; the rest of the box score follows."""


@dataclass(frozen=True)
class Side:
    """One team in one game: who plays, best first, and what the team adds to makes and takes from the opponent's."""

    players: tuple[Player, ...]
    offense: float
    defense: float
    pace: float


@dataclass(frozen=True)
class Stretch:
    """One team's shots in one stretch: attempts and makes, a row a player and a column a zone."""

    attempts: Ints
    makes: Ints


@dataclass
class Box:
    """One team's box score: arrays with a place for each of the side's players."""

    players: tuple[Player, ...]
    minutes: Ints
    counts: dict[str, Ints]
    stretches: list[Stretch] = field(default_factory=list)
    plus_minus: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @property
    def points(self) -> Ints:
        """Points of each player."""
        return 2 * self.counts["fgm"] + self.counts["fg3m"] + self.counts["ftm"]

    @property
    def score(self) -> int:
        """Points of the team."""
        return int(self.points.sum())


class _Team:
    """A side with its players' habits as arrays, and the box score that it fills."""

    def __init__(self, rng: np.random.Generator, side: Side, edge: float) -> None:
        self.side = side
        self.edge = edge
        self.usage = np.array([p.usage for p in side.players])
        self.free_throw_pct = np.array([p.free_throw_pct for p in side.players])
        self.zones = np.array([p.zones for p in side.players])
        self.touch = np.array([p.touch for p in side.players])
        self.rates = dict(zip(RATES, np.array([p.rates for p in side.players]).T, strict=True))
        self.load = MINUTES[: len(side.players)] * np.exp(rng.normal(0, 0.12, len(side.players)))
        self.on_court = self.load
        nothing = np.zeros(len(side.players), dtype=np.int64)
        self.box = Box(side.players, nothing.copy(), {name: nothing.copy() for name in COUNTS})

    def deal(self, rng: np.random.Generator, total: int, weights: Floats) -> Ints:
        """`total` things dealt out to the players by their minutes and weights."""
        shares = weights * self.on_court
        return rng.multinomial(total, shares / shares.sum())

    def add(self, name: str, values: Ints) -> None:
        """Add to a column of the box score."""
        self.box.counts[name] += values


def play(rng: np.random.Generator, home: Side, away: Side) -> tuple[Box, Box]:
    """The box scores of both teams; never a tie."""
    teams = (_Team(rng, home, _HOME_EDGE), _Team(rng, away, -_HOME_EDGE))
    for _ in range(HALVES):
        _stretch(rng, teams, HALF)
    _tie_close_games(rng, teams)
    while teams[0].box.score == teams[1].box.score:
        _stretch(rng, teams, OVERTIME)
    margin = teams[0].box.score - teams[1].box.score
    for team, won_by in zip(teams, (margin, -margin), strict=True):
        team.box.plus_minus = _plus_minus(rng, team.box.minutes, won_by)
    return teams[0].box, teams[1].box


def _stretch(rng: np.random.Generator, teams: tuple[_Team, _Team], minutes: int) -> None:
    """Play so many minutes and add them to both box scores. Who leads eases off: real games are closer than chance."""
    lead = teams[0].box.score - teams[1].box.score
    pace = _POSSESSIONS + teams[0].side.pace + teams[1].side.pace + rng.normal(0, 5.0)
    possessions = pace * minutes / REGULATION
    for team in teams:
        if minutes == OVERTIME:
            team.on_court = np.where(team.load >= np.sort(team.load)[-_IN_OVERTIME], team.load, 0)
        team.box.minutes += _minutes(team.on_court, minutes)
    for team, other, ahead in ((*teams, lead), (*teams[::-1], -lead)):
        turnovers = min(int(rng.poisson(0.13 * possessions)), int(possessions / 3))
        free_throws = int(rng.poisson(0.22 * possessions * rng.gamma(25, 1 / 25)))
        expected_rebounds = 0.106 * possessions
        tries = possessions - 0.44 * free_throws - turnovers + expected_rebounds
        shots = max(1, round(tries + rng.normal(0, np.sqrt(minutes / REGULATION))))
        _shoot(rng, team, other, shots, team.edge - _EASE * ahead)
        _free_throws(rng, team, free_throws)
        team.add("tov", team.deal(rng, turnovers, team.usage**0.7 * team.rates["turnovers"]))
        other.add("stl", other.deal(rng, int(rng.binomial(turnovers, 0.58)), other.rates["steals"]))
        fouls = int(rng.poisson(0.098 * possessions)) + round(0.42 * free_throws)
        dealt = other.deal(rng, fouls, other.rates["fouls"] * other.load**-0.35)
        other.box.counts["pf"] = np.minimum(other.box.counts["pf"] + dealt, 6)


def _shoot(rng: np.random.Generator, team: _Team, other: _Team, shots: int, edge: float) -> None:
    """A team's field goals of a stretch, and what follows from them: assists, blocks and rebounds.

    `edge` is added to the share of makes.
    """
    attempts = rng.multinomial(team.deal(rng, shots, team.usage), team.zones)
    better = team.touch[:, None] + team.side.offense - other.side.defense + edge
    makes = rng.binomial(attempts, np.clip(_ZONE_PCT + better * (_ZONE_PCT > 0.1), 0.01, 0.95))
    team.box.stretches.append(Stretch(attempts, makes))
    team.add("fga", attempts.sum(axis=1))
    team.add("fgm", makes.sum(axis=1))
    team.add("fg3a", attempts[:, THREES].sum(axis=1))
    team.add("fg3m", makes[:, THREES].sum(axis=1))
    made, missed = int(makes.sum()), int(shots - makes.sum())
    missed_twos = int((attempts - makes)[:, ~THREES].sum())
    team.add("ast", team.deal(rng, int(rng.binomial(made, 0.63)), team.rates["assists"]))
    other.add("blk", other.deal(rng, int(rng.binomial(missed_twos, 0.21)), other.rates["blocks"]))
    offensive = int(rng.binomial(missed, 0.225))
    team.add("oreb", team.deal(rng, offensive, team.rates["offensive_rebounds"]))
    defensive = int(rng.binomial(missed - offensive, 0.9))
    other.add("dreb", other.deal(rng, defensive, other.rates["defensive_rebounds"]))


def _free_throws(rng: np.random.Generator, team: _Team, total: int) -> None:
    """A team's free throws of a stretch."""
    attempts = team.deal(rng, total, team.usage**1.2 * team.rates["free_throws"])
    team.add("fta", attempts)
    team.add("ftm", rng.binomial(attempts, team.free_throw_pct))


def _tie_close_games(rng: np.random.Generator, teams: tuple[_Team, _Team]) -> None:
    """Most games that one point decides are tied by a last free throw."""
    margin = teams[0].box.score - teams[1].box.score
    if abs(margin) == 1 and rng.random() < _ONE_POINT_TIES:
        trailing = teams[0] if margin < 0 else teams[1]
        shooter = trailing.deal(rng, 1, trailing.usage)
        trailing.add("fta", shooter)
        trailing.add("ftm", shooter)


def _minutes(load: Floats, minutes: int) -> Ints:
    """Whole minutes by load that sum to five players' time; nobody plays longer than he can."""
    longest = min(minutes, _LONGEST)
    given = 5 * minutes * load / load.sum()
    while (given > longest).any():
        capped = given >= longest
        given[capped] = longest
        given[~capped] *= (5 * minutes - given[capped].sum()) / given[~capped].sum()
    return _rounded(given, 5 * minutes)


def _rounded(values: Floats, total: int) -> Ints:
    """Whole numbers near the values that sum to `total`: those with the largest fractions are rounded up."""
    floor = np.floor(values + 1e-9).astype(np.int64)
    up = np.argsort(-(values - floor), kind="stable")[: total - int(floor.sum())]
    floor[up] += 1
    return floor


def _plus_minus(rng: np.random.Generator, minutes: Ints, margin: int) -> Ints:
    """The margin while each player was on the court; over a team it sums to five times the game's margin, exactly.

    Each has the share of his minutes and a part that is his own, whose sum over the team is taken out again.
    """
    own = rng.normal(0, 1.5, len(minutes)) * np.sqrt(minutes)
    own -= own.sum() * minutes / minutes.sum()
    return _rounded(5 * margin * minutes / minutes.sum() + own, 5 * margin)
