"""A folder of files that are written whole or not at all, on this machine or below anything that fsspec opens.

A reader never sees half a file: on this machine a file is written under another name and renamed; elsewhere it is put
as one object, which appears as a whole (Cloud Storage, consistency, read 2026-11).
"""

import os
from pathlib import Path
from typing import Any
from uuid import uuid4

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs

from backcourt.errors import UsageError


class WholeFiles:
    """The files of a folder (`gs://bucket/folder` works); it is made when the first file is written."""

    def __init__(self, path: str, flag: str) -> None:
        """Name the folder, and the flag that named it, for messages.

        Raises:
            UsageError: the path names a kind of storage that is not installed, or a file.
        """
        try:
            self._fs, self._root = url_to_fs(path)
        except (ImportError, ValueError) as error:
            raise UsageError(
                f"{flag} {path} cannot be opened: {error}.", "Give a folder, or gs://BUCKET/FOLDER."
            ) from None
        if self._is_local and Path(self._root).is_file():
            raise UsageError(f"{flag} {path} is a file.", "Give a folder.")

    @property
    def exist(self) -> bool:
        """Whether there is such a folder."""
        return bool(self._fs.isdir(self._root))

    def names(self) -> list[str]:
        """The names of what is there, sorted; none where there is no folder."""
        self._fs.invalidate_cache()
        if not self._fs.exists(self._root):
            return []
        return sorted(path.rpartition("/")[2] for path in self._fs.ls(self._root, detail=False))

    def content(self, name: str) -> bytes | None:
        """A file's bytes; None if there is no such file."""
        try:
            return bytes(self._fs.cat_file(self._at(name)))
        except FileNotFoundError:
            return None

    def put(self, name: str, content: bytes) -> None:
        """Write a file, in the place of one of that name."""
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

    @property
    def _is_local(self) -> bool:
        return "file" in _protocols(self._fs)

    def _at(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"


def _protocols(fs: AbstractFileSystem) -> tuple[Any, ...]:
    """The names that a file system goes by."""
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)
