"""Where exports are written: a folder of files, one a date, and an index of what is there.

A reader never sees half a file: on this machine a file is written under another name and renamed; elsewhere it is put
as one object, which appears as a whole (Cloud Storage, consistency, read 2026-11). A file with the same bytes is left
alone, so that caches and copies stay valid. The index is made from the files themselves and written last.
"""

import json
import os
import re
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import uuid4

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs

from backcourt.errors import UsageError

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
        try:
            self._fs, self._root = url_to_fs(path)
        except (ImportError, ValueError) as error:
            raise UsageError(
                f"--to {path} cannot be opened: {error}.", "Give a folder, or gs://BUCKET/FOLDER."
            ) from None
        if self._is_local and Path(self._root).is_file():
            raise UsageError(f"--to {path} is a file.", "Give a folder.")

    def differs(self, day: date, content: bytes) -> bool:
        """Whether the date's file is missing or holds other bytes."""
        return self._content(f"{day}.json") != content

    def write(self, day: date, content: bytes) -> None:
        """Write the date's file, whole or not at all."""
        self._put(f"{day}.json", content)

    def write_index(self, export: str, schema_id: str) -> tuple[ExportedFile, ...]:
        """Rebuild the index from the files that are there; what it lists.

        Two exports into one folder at a time each write the index of what they see; the later one sees all files.
        """
        files = self.files()
        index = {"export": export, "schema": schema_id, "dates": [vars(file) for file in files]}
        content = json.dumps(index, indent=1).encode() + b"\n"
        if self._content(INDEX) != content:
            self._put(INDEX, content)
        return files

    def files(self) -> tuple[ExportedFile, ...]:
        """The dates' files that are there, by date."""
        return tuple(self._described(name) for name in sorted(self._names()) if _DATED.fullmatch(name))

    @property
    def _is_local(self) -> bool:
        return "file" in _protocols(self._fs)

    def _described(self, name: str) -> ExportedFile:
        content = self._content(name) or b""
        return ExportedFile(name.removesuffix(".json"), name, len(content), sha256(content).hexdigest())

    def _names(self) -> list[str]:
        self._fs.invalidate_cache()
        if not self._fs.exists(self._root):
            return []
        return [path.rpartition("/")[2] for path in self._fs.ls(self._root, detail=False)]

    def _content(self, name: str) -> bytes | None:
        try:
            return bytes(self._fs.cat_file(self._at(name)))
        except FileNotFoundError:
            return None

    def _put(self, name: str, content: bytes) -> None:
        if not self._is_local:
            self._fs.pipe_file(self._at(name), content)
            return
        folder = Path(self._root)
        folder.mkdir(parents=True, exist_ok=True)
        whole = folder / f".{name}.{uuid4().hex}"
        try:
            with whole.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            whole.replace(folder / name)
        finally:
            whole.unlink(missing_ok=True)

    def _at(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


def _protocols(fs: AbstractFileSystem) -> tuple[Any, ...]:
    """The names that a file system goes by."""
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)
