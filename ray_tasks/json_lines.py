"""One line of JSON for each event, for log collectors: what happened, its level, the time (UTC), and fields."""

from typing import Any

import structlog


def json_lines(**fields: str) -> Any:
    """A log on standard output; `fields` are on each of its lines."""
    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(),
    ]
    return structlog.wrap_logger(structlog.PrintLogger(), processors).bind(**fields)
