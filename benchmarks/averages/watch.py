"""What the service and a reader of the target see while somebody works, sample by sample."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud import bigquery

from backcourt.clock import SystemClock
from backcourt.warehouse.emulator import LocalBigQuery
from benchmarks.averages.work import TARGET

SECONDS_BETWEEN = 0.5
PAGE = 1_000_000
"""Rows of a page: a look must not be torn."""
KEYS = (bigquery.SchemaField("day", "DATE"), bigquery.SchemaField("player", "INT64"))


@dataclass(frozen=True)
class Sample:
    """The service after so many seconds: requests, refusals and jobs so far, jobs in flight now."""

    seconds: float
    requests: int
    refused: int
    jobs: int
    in_flight: int


@dataclass
class Watch:
    """Samples a server's counts, from zero, for the length of a `with` block; with a reader, the target's rows too.

    `partial_dates` is the most dates that a reader saw at once with some but not all of their rows, `doubled` the most
    rows too many. The reader lists rows, which is no job; its own requests are not counted.
    """

    server: LocalBigQuery
    reader: bigquery.Client | None = None
    rows_a_date: int = 0
    samples: list[Sample] = field(default_factory=list)
    partial_dates: int = 0
    doubled: int = 0
    looks: int = 0

    def __enter__(self) -> "Watch":
        """Set the counts to zero and begin."""
        self._asked = 0
        self.server.control.reset()
        self._clock, self._ended = SystemClock(), threading.Event()
        self._began = self._clock.monotonic()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop after a last sample."""
        self._ended.set()
        self._thread.join()
        self._sample()

    def counters(self) -> dict[str, Any]:
        """The service's counts now, without the reader's requests."""
        told = self.server.control.counters()
        return told | {"requests": told["requests"] - self._asked}

    def _watch(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN):
            self._sample()
            if self.reader:
                self._look(self.reader)

    def _sample(self) -> None:
        told = self.counters()
        seconds = self._clock.monotonic() - self._began
        refused, jobs = sum(told["rejections"].values()), sum(told["jobs"].values())
        in_flight = sum(told["in_flight"].values())
        self.samples.append(Sample(round(seconds, 2), told["requests"], refused, jobs, in_flight))

    def _look(self, reader: bigquery.Client) -> None:
        try:
            self._asked += 1
            target = bigquery.TableReference.from_string(f"{reader.project}.{TARGET}")
            listed = reader.list_rows(target, KEYS, page_size=PAGE, retry=None)  # type: ignore[arg-type]
            rows = list(listed)
        except NotFound:
            return
        except (GoogleAPICallError, OSError):  # the service refuses readers as well, or is being restarted
            return
        keys = Counter((row["day"], row["player"]) for row in rows)
        held = Counter(day for day, _ in keys)
        self.looks += 1
        self.partial_dates = max(self.partial_dates, sum(count < self.rows_a_date for count in held.values()))
        self.doubled = max(self.doubled, sum(keys.values()) - len(keys))
