"""JSON that the state tables hold as text, read back. What a foreign hand wrote there counts as not recorded."""

import json
from typing import Any


def object_in(text: str | None) -> dict[str, Any]:
    """The object that a text holds; empty where it holds none."""
    found = _parsed(text)
    return found if isinstance(found, dict) else {}


def texts_in(text: str | None) -> tuple[str, ...]:
    """The strings of the list that a text holds; empty where it holds anything else."""
    found = _parsed(text)
    return tuple(found) if isinstance(found, list) and all(isinstance(each, str) for each in found) else ()


def _parsed(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
