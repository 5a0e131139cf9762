"""The simulated league as a source: its files are made when they are first read, then read as any folder's are."""

import os
import shutil
from datetime import date
from pathlib import Path
from uuid import uuid4

import pyarrow as pa

from backcourt.pipeline.processor import Feed
from backcourt.sources.folder import FolderSource
from backcourt.sources.simulator.folder import write_league


class SimulatorSource:
    """The league of `seed` from `start` to `end`, kept below `folder`.

    The same seed and dates give the same rows, so every node of a cluster may make them for itself. Begin with a
    season's first date: a schedule that begins later lets the season begin later.
    """

    def __init__(self, folder: Path, seed: int, start: date, end: date) -> None:
        self._seed, self._start, self._end = seed, start, end
        self._folder = folder / f"{seed}_{start}_{end}"
        self._source = FolderSource(str(self._folder))

    def read(self, feed: Feed, start: date, end: date) -> pa.Table:
        """The feed's rows from `start` to `end`; see `Source.read`.

        Raises:
            UsageError: the dates hold no game, or belong to a season that the simulator does not know.
        """
        if not self._folder.is_dir():
            self._make()
        return self._source.read(feed, start, end)

    def _make(self) -> None:
        """Write the league beside its place and move it there whole; whoever comes second drops his own copy."""
        whole = self._folder.with_name(f".{self._folder.name}.{uuid4().hex}")
        try:
            write_league(whole, self._seed, self._start, self._end)
            try:
                os.rename(whole, self._folder)  # noqa: PTH104 (a folder that is there already must be an error)
            except OSError:
                if not self._folder.is_dir():
                    raise
        finally:
            shutil.rmtree(whole, ignore_errors=True)
