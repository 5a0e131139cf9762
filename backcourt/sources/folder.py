"""A source that is a folder of CSV and Parquet files, local or on gs://.

Files are found by the feed's patterns, anywhere below the folder; foreign column names are renamed by the feed's
aliases and every column is converted to the feed's type. Nothing is derived, and nothing is dropped silently: what
does not fit is a DataError that names the file, the column and a value.
"""

from collections.abc import Callable
from datetime import date
from fnmatch import fnmatch
from io import BytesIO
from pathlib import PurePosixPath
from threading import Lock

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.core import url_to_fs

from backcourt.errors import DataError, UsageError
from backcourt.pipeline.processor import Feed
from backcourt.sources.conversion import converted


def _read_csv(content: BytesIO) -> pl.DataFrame:
    """Every column as text: types are the feed's matter, and ids keep their leading zeros."""
    return pl.read_csv(content, infer_schema=False)


def _read_parquet(content: BytesIO) -> pl.DataFrame:
    """By Arrow's reader: on some damaged files that of polars panics, past any handler and with a trace of its own.

    For the same reason Arrow looks through what it read: it takes text that is no UTF-8, and polars panics on it, be
    it in a row or in the file's notes about itself, which nobody needs.
    """
    table = pq.read_table(content).replace_schema_metadata()
    table.validate(full=True)
    return pl.DataFrame(table)


READERS: dict[str, Callable[[BytesIO], pl.DataFrame]] = {".csv": _read_csv, ".parquet": _read_parquet}
"""Ending of a file to what reads it."""


KEPT_BYTES = 256 * 2**20
"""Rows that a source keeps in memory, so that months of a season do not each read the season's file."""
FileOfFeed = tuple[str, str]
"""A feed, and the path of a file that belongs to it."""


class FolderSource:
    """Reads feeds from a folder, each file once to learn its dates and then as long as they are asked for.

    What it keeps of files is bounded, however many there are: a worker reads from a source for as long as a run lasts,
    and several threads of it at once.
    """

    def __init__(self, path: str, kept_bytes: int = KEPT_BYTES) -> None:
        """Take a local folder, or anything that fsspec opens (`gs://bucket/folder`), and how much to keep in memory."""
        self.path, self._kept_bytes = path, kept_bytes
        self._kept: dict[FileOfFeed, pl.DataFrame] = {}
        self._dates: dict[FileOfFeed, tuple[date, date] | None] = {}
        self._found: tuple[str, ...] | None = None
        self._one_at_a_time = Lock()

    def __reduce__(self) -> tuple[type["FolderSource"], tuple[str, int]]:
        """Travels to a worker without what it has read."""
        return (FolderSource, (self.path, self._kept_bytes))

    def read(self, feed: Feed, start: date, end: date) -> pa.Table:
        """The feed's rows of all its files from `start` to `end`, both included.

        Raises:
            DataError: a file cannot be read, or its columns or values do not fit the feed.
            UsageError: the folder, or every file of a feed that is not optional, is missing.
        """
        schema = pa.schema([column.arrow for column in feed.columns])
        frames = [rows for file in self._files(feed) if (rows := self._rows(feed, file, start, end)) is not None]
        return pl.concat(frames).to_arrow().cast(schema) if frames else schema.empty_table()

    def _files(self, feed: Feed) -> list[str]:
        """Paths of the feed's files, sorted.

        Raises:
            UsageError: the folder or the files are missing.
        """
        found = [file for file in self._listing() if self._belongs(file, feed)]
        if not found and not feed.optional:
            patterns = " or ".join(f"{pattern}{ending}" for pattern in feed.files for ending in READERS)
            raise UsageError(
                f"Folder {self.path} has no file for {feed.name}.",
                f"Put files there that are called {patterns}, in sub-folders if you like.",
            )
        return found

    def _listing(self) -> tuple[str, ...]:
        """Every file below the folder, sorted by path; listed once.

        Raises:
            UsageError: there is no such folder.
        """
        if self._found is None:
            fs, root = url_to_fs(self.path)
            if not fs.isdir(root):
                raise UsageError(f"There is no folder {self.path}.", "Give the folder that holds the source's files.")
            self._found = tuple(sorted(fs.find(root)))
        return self._found

    def _belongs(self, file: str, feed: Feed) -> bool:
        """Whether the file's name, or its path below the folder, matches a pattern of the feed."""
        path = PurePosixPath(file)
        if path.suffix not in READERS:
            return False
        below = PurePosixPath(file.removeprefix(url_to_fs(self.path)[1]).lstrip("/")).with_suffix("")
        return any(fnmatch(path.stem, pattern) or fnmatch(str(below), pattern) for pattern in feed.files)

    def _rows(self, feed: Feed, file: str, start: date, end: date) -> pl.DataFrame | None:
        """One file's rows in the range, in the feed's columns and types; None where it has no such date."""
        key = (feed.name, file)
        with self._one_at_a_time:  # else each thread would read the same files
            if key in self._dates and not _meet(self._dates[key], start, end):
                return None
            rows = self._kept.get(key)
            if rows is None:
                rows = fitted(_content(self.path, file), feed, file)
                self._dates[key] = _span(rows[feed.partition_by])
            if not _meet(self._dates[key], start, end):
                return None
            self._keep(key, rows)
        return rows.filter(pl.col(feed.partition_by).is_between(start, end))

    def _keep(self, key: FileOfFeed, rows: pl.DataFrame) -> None:
        """Keep a file that was just asked for, and let those go that were not for longest."""
        self._kept.pop(key, None)
        self._kept[key] = rows
        while len(self._kept) > 1 and sum(kept.estimated_size() for kept in self._kept.values()) > self._kept_bytes:
            del self._kept[next(iter(self._kept))]


def _span(dates: pl.Series) -> tuple[date, date] | None:
    """First and last of a file's dates; None where it has none."""
    first, last = dates.min(), dates.max()
    return (first, last) if isinstance(first, date) and isinstance(last, date) else None


def _meet(span: tuple[date, date] | None, start: date, end: date) -> bool:
    return span is not None and span[0] <= end and start <= span[1]


def _content(folder: str, file: str) -> pl.DataFrame:
    """What the file holds, as it is.

    Raises:
        DataError: the file cannot be read as what its ending says.
    """
    with url_to_fs(folder)[0].open(file, "rb") as handle:
        content = BytesIO(handle.read())
    try:
        return READERS[PurePosixPath(file).suffix](content)
    except (pl.exceptions.PolarsError, pa.ArrowException, OSError, ValueError, MemoryError) as error:
        text = "".join(c if c.isprintable() else " " for c in str(error))
        why = " ".join(text.split())[:200].rstrip(".") or type(error).__name__
        raise DataError(f"File {file} cannot be read: {why}.", "Fetch it again or remove it.") from error


def fitted(rows: pl.DataFrame, feed: Feed, file: str) -> pl.DataFrame:
    """The file's rows in exactly the feed's columns and types; a column that may be NULL may be absent.

    Raises:
        DataError: a column is unknown, missing, there twice, or holds what its type does not.
    """
    names = [feed.aliases.get(name, name) for name in rows.columns]
    known = {column.name for column in feed.columns} | set(feed.ignored)
    unknown = [_shown(name) for name in rows.columns if feed.aliases.get(name, name) not in known]
    missing = [column.name for column in feed.columns if column.required and column.name not in names]
    twice = sorted({name for name in names if names.count(name) > 1})
    problems = [
        f"{label} {', '.join(found)}"
        for label, found in (("unknown columns", unknown), ("no column", missing), ("two columns for", twice))
        if found
    ]
    if problems:
        raise DataError(
            f"File {file} does not fit {feed.name}: {'; '.join(problems)}.",
            f"Rename its columns to {', '.join(c.name for c in feed.columns)}, and remove those that are not wanted.",
        )
    renamed = dict(zip(names, rows.get_columns(), strict=True))
    return pl.DataFrame([converted(renamed.get(c.name), c, len(rows), file) for c in feed.columns])


def _shown(name: str) -> str:
    """A foreign column's name as a terminal may show it."""
    return (name if name.isprintable() else repr(name))[:80]
