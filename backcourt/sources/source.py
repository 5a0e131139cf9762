"""The port that every source of raw rows implements."""

from datetime import date
from typing import Protocol

import pyarrow as pa

from backcourt.pipeline.processor import Feed


class Source(Protocol):
    """Where raw rows come from: a folder of files, a web service, a simulator."""

    def read(self, feed: Feed, start: date, end: date) -> pa.Table:
        """The feed's rows from `start` to `end`, both included, with exactly the feed's columns and types.

        Args:
            feed: what is wanted.
            start: first date of `feed.partition_by`.
            end: last date of it.

        Raises:
            DataError: what the source holds does not fit the feed.
            UsageError: the source has nothing for a feed that is not optional.
        """
        ...
