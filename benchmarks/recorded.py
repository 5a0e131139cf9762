"""Figures of runs kept as JSON beside the benchmarks, so that tables and plots can be drawn from them again."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def recorded(file: Path) -> dict[str, Any]:
    """What the file holds; nothing where there is none."""
    return dict(json.loads(file.read_text())) if file.exists() else {}


def record(file: Path, name: str, figures: dict[str, Any]) -> None:
    """Keep figures under a name, in place of earlier ones of that name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    found = recorded(file) | {name: figures}
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in found.items())
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n")
