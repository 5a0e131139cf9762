"""A series of shares as a sparkline and an arrow, so that a line of text shows where it is going."""

from collections.abc import Sequence
from itertools import pairwise

BARS = "▁▂▃▄▅▆▇█"
SPARK_LENGTH = 16
"""Signs of a sparkline at most; a longer series is cut into as many stretches."""
STEADY = 0.005
"""Change of a share, half a point, below which a series counts as steady."""


def stretches(values: Sequence[float], most: int = SPARK_LENGTH) -> list[float]:
    """The series in at most so many stretches of nearly equal length: the lowest value of each, so no dip is lost."""
    count = min(most, len(values))
    edges = [len(values) * at // count for at in range(count + 1)] if count else []
    return [min(values[a:b]) for a, b in pairwise(edges)]


def sparkline(values: Sequence[float]) -> str:
    """One sign a stretch, from the lowest value to 1: a series that is always whole is a row of full bars."""
    shown = stretches(values)
    low = min(shown, default=1.0)
    span = 1.0 - low
    return "".join(BARS[-1] if span <= 0 else BARS[round((v - low) / span * (len(BARS) - 1))] for v in shown)


def arrow(values: Sequence[float]) -> str:
    """`↑`, `↓` or `→`: the mean of the last third against the mean of what was before it; "" below three values."""
    if len(values) < 3:
        return ""
    cut = len(values) - len(values) // 3
    change = _mean(values[cut:]) - _mean(values[:cut])
    if abs(change) < STEADY:
        return "→"
    return "↑" if change > 0 else "↓"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
