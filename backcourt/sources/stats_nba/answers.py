"""What the service has answered, in a folder: the resume point of an ingest.

One file an endpoint and date (or season), written whole or not at all. A `settled` answer cannot change any more and
is kept for good. Another one, of a date whose games are not all over, counts only in the run that asked for it.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """Rows by the service's column names; `asked_at` is the instant of the request, UTC."""

    rows: tuple[Row, ...]
    settled: bool
    asked_at: datetime


class Answers:
    """Reads and writes the folder's files. `since` is when the run began: unsettled answers before it do not count."""

    def __init__(self, folder: Path, since: datetime) -> None:
        self._folder, self._since = folder, since

    def find(self, name: str, columns: Sequence[str]) -> tuple[Row, ...] | None:
        """The rows kept under `<endpoint>/<date>`, or None if they must be asked for.

        A file that cannot be read, or that an older version wrote with other columns, is as good as none.
        """
        try:
            kept = json.loads(self._file(name).read_text(encoding="utf-8"))
            if kept["rows"] and kept["headers"] != list(columns):
                return None
            answer = Answer(
                tuple(dict(zip(kept["headers"], row, strict=True)) for row in kept["rows"]),
                bool(kept["settled"]),
                datetime.fromisoformat(kept["asked_at"]),
            )
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return answer.rows if answer.settled or answer.asked_at >= self._since else None

    def keep(self, name: str, answer: Answer) -> None:
        """Write the file under a name of its own, then rename it: a reader sees the old one or the new one."""
        headers = list(answer.rows[0]) if answer.rows else []
        text = json.dumps(
            {
                "asked_at": answer.asked_at.isoformat(),
                "settled": answer.settled,
                "headers": headers,
                "rows": [[row[name] for name in headers] for row in answer.rows],
            },
            separators=(",", ":"),
        )
        file = self._file(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        whole = file.with_name(f".{file.name}.{uuid4().hex}")
        try:
            whole.write_text(text, encoding="utf-8")
            os.replace(whole, file)  # noqa: PTH105 (Path.replace says less about what it overwrites)
        finally:
            whole.unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.json"
