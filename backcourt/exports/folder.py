"""Where exports are written: a folder of files, one a date, and an index of what is there.

A file with the same bytes is left alone, so that caches and copies stay valid. The index is made from the files
themselves and written last.
"""

import json
import re
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

from backcourt.exports.whole_files import WholeFiles

INDEX = "index.json"
_DATED = re.compile(r"(\d{4}-\d{2}-\d{2})\.json")


@dataclass(frozen=True)
class ExportedFile:
    """One file as the index lists it: `size` in bytes, `sha256` of its bytes in hex."""

    date: str
    file: str
    size: int
    sha256: str


class ExportFolder:
    """The files of one export, in a local folder or below anything that fsspec opens (`gs://bucket/folder`)."""

    def __init__(self, path: str) -> None:
        """Name the folder; it is made when the first file is written.

        Raises:
            UsageError: the path names a kind of storage that is not installed, or a file.
        """
        self.path = path
        self._kept = WholeFiles(path, "--to")

    def differs(self, day: date, content: bytes) -> bool:
        """Whether the date's file is missing or holds other bytes."""
        return self._kept.content(f"{day}.json") != content

    def write(self, day: date, content: bytes) -> None:
        """Write the date's file, whole or not at all."""
        self._kept.put(f"{day}.json", content)

    def write_index(self, export: str, schema_id: str) -> tuple[ExportedFile, ...]:
        """Rebuild the index from the files that are there; what it lists.

        Two exports into one folder at a time each write the index of what they see; the later one sees all files.
        """
        files = self.files()
        index = {"export": export, "schema": schema_id, "dates": [vars(file) for file in files]}
        content = json.dumps(index, indent=1).encode() + b"\n"
        if self._kept.content(INDEX) != content:
            self._kept.put(INDEX, content)
        return files

    def files(self) -> tuple[ExportedFile, ...]:
        """The dates' files that are there, by date."""
        return tuple(self._described(name) for name in self._kept.names() if _DATED.fullmatch(name))

    def _described(self, name: str) -> ExportedFile:
        content = self._kept.content(name) or b""
        return ExportedFile(name.removesuffix(".json"), name, len(content), sha256(content).hexdigest())
