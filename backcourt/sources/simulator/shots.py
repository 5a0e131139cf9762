"""The shot chart of a game: every attempt of its box score with a place, a time and a kind."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from backcourt.sources.simulator.game import HALF, HALVES, OVERTIME, THREES, Box, Stretch
from backcourt.sources.simulator.league import ZONES

_RIM, _PAINT, _MID, _LEFT_CORNER, _RIGHT_CORNER, _ABOVE, _BACKCOURT = range(len(ZONES))

BASKET_Y = 5.25
"""Feet from the baseline to the middle of the basket: the files' coordinates start at the baseline."""

_KINDS = (
    (
        ("Driving Layup Shot", 0.34),
        ("Layup Shot", 0.12),
        ("Running Layup Shot", 0.14),
        ("Cutting Layup Shot", 0.10),
        ("Tip Layup Shot", 0.08),
        ("Putback Layup Shot", 0.07),
        ("Cutting Dunk Shot", 0.06),
        ("Driving Dunk Shot", 0.04),
        ("Alley Oop Dunk Shot", 0.03),
        ("Dunk Shot", 0.02),
    ),
    (
        ("Driving Floating Jump Shot", 0.34),
        ("Floating Jump shot", 0.14),
        ("Turnaround Hook Shot", 0.14),
        ("Hook Shot", 0.12),
        ("Fadeaway Jump Shot", 0.08),
        ("Jump Shot", 0.18),
    ),
    (
        ("Pullup Jump shot", 0.46),
        ("Jump Shot", 0.22),
        ("Fadeaway Jump Shot", 0.12),
        ("Turnaround Jump Shot", 0.10),
        ("Step Back Jump shot", 0.10),
    ),
    (("Jump Shot", 0.95), ("Step Back Jump shot", 0.05)),
    (("Jump Shot", 0.95), ("Step Back Jump shot", 0.05)),
    (("Jump Shot", 0.66), ("Pullup Jump shot", 0.17), ("Step Back Jump shot", 0.12), ("Running Jump Shot", 0.05)),
    (("Jump Shot", 1.0),),
)
"""By zone: kinds of shots and their shares."""

_RINGS = np.array(
    [
        (0.0, 3.9, 1.2, 0, 80),
        (4.2, 13.5, 1.6, 0, 34),
        (15.2, 22.0, 1.0, 0, 78),
        (0, 0, 1, 0, 0),
        (0, 0, 1, 0, 0),
        (23.9, 29.0, 1.6, 0, 66),
        (0, 0, 1, 0, 0),
    ]
)
"""By zone: shortest and longest distance, a power that draws shots towards the shortest, smallest and widest angle.
Corners and the backcourt are no rings."""

_SHORT_OF_MID_RANGE = 0.45
_SHORT = np.array((10.0, 15.9, 1.0, 55, 85))
"""The ring of the mid-range shots from beside the paint, and their share."""

_KIND_NAMES = [np.array([name for name, _ in kinds]) for kinds in _KINDS]
_KIND_SHARES = [np.cumsum([share for _, share in kinds]) for kinds in _KINDS]


@dataclass(frozen=True)
class ShotChart:
    """The shots of a game in the order of time: arrays with a place for each shot.

    `team` is 0 at home and 1 away, `player` the place in that side's players; distances are in feet.
    """

    team: npt.NDArray[np.int64]
    player: npt.NDArray[np.int64]
    made: npt.NDArray[np.bool_]
    value: npt.NDArray[np.int64]
    zone: npt.NDArray[np.int64]
    period: npt.NDArray[np.int64]
    seconds_left: npt.NDArray[np.int64]
    x: npt.NDArray[np.floating[Any]]
    y: npt.NDArray[np.floating[Any]]
    distance: npt.NDArray[np.int64]
    kind: npt.NDArray[np.str_]

    @property
    def zone_name(self) -> list[str]:
        """The zone in words."""
        return [ZONES[zone] for zone in self.zone]

    @property
    def side(self) -> list[str]:
        """Where on the court's width, by the angle at the basket, as the league names it."""
        angle = np.degrees(np.arctan2(self.x, self.y - BASKET_Y))
        pairs = zip(self.zone.tolist(), angle.tolist(), self.distance.tolist(), strict=True)
        return [_side(zone, angle, distance) for zone, angle, distance in pairs]

    @property
    def reach(self) -> list[str]:
        """The range of distances, as the league names it."""
        return [_reach(z, d) for z, d in zip(self.zone.tolist(), self.distance.tolist(), strict=True)]


def chart(rng: np.random.Generator, boxes: tuple[Box, Box]) -> ShotChart:
    """Every attempt of both box scores, each with a time in its stretch and a place in its zone."""
    parts = [
        _shots(team, number, stretch) for team, box in enumerate(boxes) for number, stretch in enumerate(box.stretches)
    ]
    team, stretch, player, zone, made = (np.concatenate(column) for column in zip(*parts, strict=True))
    period, seconds = _times(rng, stretch)
    order = np.lexsort((rng.random(len(team)), -seconds, period))
    team, player, zone, made = team[order], player[order], zone[order], made[order]
    x, y = _places(rng, zone)
    kind = rng.random(len(zone))
    return ShotChart(
        team=team,
        player=player,
        made=made,
        value=np.where(THREES[zone], 3, 2),
        zone=zone,
        period=period[order],
        seconds_left=seconds[order],
        x=x,
        y=y,
        distance=np.floor(np.hypot(x, y - BASKET_Y)).astype(np.int64),
        kind=_kinds(zone, kind),
    )


def _shots(team: int, number: int, stretch: Stretch) -> tuple[npt.NDArray[Any], ...]:
    """One team's shots in one stretch, one by one: team, number of the stretch, player, zone, made."""
    tries, goals = stretch.attempts.ravel(), stretch.makes.ravel()
    cell = np.repeat(np.arange(tries.size), tries)
    nth = np.arange(cell.size) - np.repeat(np.cumsum(tries) - tries, tries)
    player, zone = np.divmod(cell, len(ZONES))
    return np.full(cell.size, team), np.full(cell.size, number), player, zone, nth < goals[cell]


def _times(
    rng: np.random.Generator, stretch: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Period and seconds left in it: stretches 0 and 1 are the halves of two quarters, later ones overtimes."""
    half = stretch < HALVES
    period = np.where(half, 2 * stretch + rng.integers(1, 3, len(stretch)), stretch + 3)
    length = np.where(half, 60 * HALF // 2, 60 * OVERTIME)
    return period, np.floor(rng.random(len(stretch)) * length).astype(np.int64)


def _places(
    rng: np.random.Generator, zone: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.floating[Any]], npt.NDArray[np.floating[Any]]]:
    """Feet, to a tenth, within each shot's zone: x from the basket, positive to the left, y from the line.

    The zones' bounds are those of the shots of 2023-24.
    """
    u, v = rng.random(len(zone)), rng.random(len(zone))
    short = (zone == _MID) & (rng.random(len(zone)) < _SHORT_OF_MID_RANGE)
    near, far, power, narrow, wide = np.where(short, _SHORT[:, None], _RINGS[zone].T)
    radius = near + (far - near) * u**power
    angle = np.radians(narrow + (wide - narrow) * np.abs(2 * v - 1)) * np.sign(v - 0.5)
    x, y = radius * np.sin(angle), BASKET_Y + radius * np.cos(angle)
    corner = (zone == _LEFT_CORNER) | (zone == _RIGHT_CORNER)
    x = np.where(corner, np.where(zone == _LEFT_CORNER, 1, -1) * (22.1 + 1.9 * u), x)
    y = np.where(corner, 0.5 + 13.0 * v, y)
    long = zone == _BACKCOURT
    return np.round(np.where(long, 40 * v - 20, x), 1), np.round(np.where(long, 48 + 36 * u, y), 2)


def _kinds(zone: npt.NDArray[np.int64], draw: npt.NDArray[np.float64]) -> npt.NDArray[np.str_]:
    """The kind of each shot, by its zone's shares."""
    kinds = np.empty(len(zone), dtype="<U32")
    for place, (names, shares) in enumerate(zip(_KIND_NAMES, _KIND_SHARES, strict=True)):
        here = zone == place
        kinds[here] = names[np.minimum(np.searchsorted(shares, draw[here]), len(names) - 1)]
    return kinds


def _side(zone: int, angle: float, distance: int) -> str:
    """One of the league's names for parts of the court's width."""
    if zone == _BACKCOURT:
        return "Back Court"
    if zone == _RIM or (zone == _PAINT and distance < 8):
        return "Center"
    hand = "Left" if angle > 0 else "Right"
    if zone in (_LEFT_CORNER, _RIGHT_CORNER):
        return f"{hand} Side"
    if distance < 16:
        return f"{hand} Side" if abs(angle) > 30 else "Center"
    if abs(angle) <= 18:
        return "Center"
    return f"{hand} Side Center" if zone == _ABOVE or abs(angle) <= 54 else f"{hand} Side"


def _reach(zone: int, distance: int) -> str:
    """One of the league's names for ranges of distance."""
    if zone == _BACKCOURT:
        return "Back Court Shot"
    if THREES[zone]:
        return "24+ ft."
    return next(
        name for below, name in ((8, "Less Than 8 ft."), (16, "8-16 ft."), (99, "16-24 ft.")) if distance < below
    )
