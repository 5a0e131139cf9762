"""How a run's budget is told on a screen: until when a kind is parked, and how its limit went."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from backcourt.reporting.trend import sparkline


def parked_until(seconds: float, now: datetime) -> str:
    """Until when a kind of calls rests because a quota is used up, in UTC; "" where it does not.

    Args:
        seconds: how long it still rests.
        now: the instant at which that was so, UTC.
    """
    return f"parked until {now + timedelta(seconds=seconds):%H:%M:%S} UTC, a quota is used up" if seconds > 0 else ""


def limit_curve(samples: Iterable[Sequence[float]], setting: int) -> str:
    """How a limit went against its setting, in one line; "" where it was at its setting all the time.

    Args:
        samples: rows of seconds since the start, limit and more, as the run records them.
        setting: the budget's setting.
    """
    taken = list(samples)
    limits = [row[1] for row in taken]
    if not limits or min(limits) >= setting:
        return ""
    shares = [min(1.0, limit / setting) for limit in limits]
    return f"limit {sparkline(shares)} of {setting} over {taken[-1][0]:.0f} s, lowest {min(limits):.0f}"
