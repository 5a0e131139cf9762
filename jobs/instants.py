"""Instants as an operator writes them: a time in UTC or with its offset, or a span from now such as `4h`."""

import re
from datetime import UTC, datetime, timedelta

from backcourt.errors import UsageError

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def parse_instant(text: str, where: str, now: datetime, *, ahead: bool) -> datetime:
    """An instant, in UTC.

    Args:
        text: `2026-11-21T03:30`, `2026-11-21 03:30+01:00`, or a span in minutes, hours or days such as `30m`, `4h`.
        where: the flag, for the error's text.
        now: the present instant.
        ahead: whether it must lie ahead, and spans count forwards; else neither.

    Raises:
        UsageError: it is none, or lies on the wrong side of now.
    """
    found = _span(text.strip(), now, ahead=ahead) or _instant(text.strip())
    if found is None:
        raise UsageError(f"{where} {text!r} is no time.", "Write 2026-11-21T03:30 (UTC), or a span such as 30m or 4h.")
    if (found > now) != ahead:
        raise UsageError(
            f"{where} {text} is {'over already' if ahead else 'still to come'}.",
            f"It is {now:%Y-%m-%d %H:%M} UTC now.",
        )
    return found


def _span(text: str, now: datetime, *, ahead: bool) -> datetime | None:
    match = re.fullmatch(r"(\d{1,4})([mhd])", text)
    if not match:
        return None
    span = timedelta(**{UNITS[match[2]]: int(match[1])})
    return now + span if ahead else now - span


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
