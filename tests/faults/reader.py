"""A reader that looks at the warehouse all the time: a partition is there whole with its ledger row, or not at all."""

import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

from backcourt.errors import BackcourtError
from tests.integration import shop
from tests.integration.shop_runs import Shop

PAUSE = 0.05
"""Seconds between two looks."""


class Reader:
    """Reads in a thread for the length of a `with` block; `wrong` is what no reader may ever see."""

    def __init__(self, store: Shop, pause: float = PAUSE) -> None:
        self._pause = pause
        self._store = Shop(store.server, store.folder, store.installed, stock=store.stock, number=store.number)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self.looks = 0
        self.wrong: list[dict[str, Any]] = []

    def __enter__(self) -> "Reader":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(60)
        if kind is None:
            assert self.looks > 0
            assert self.wrong == []

    def _read(self) -> None:
        while not self._stop.is_set():
            with suppress(BackcourtError):  # a server that is being restarted
                self.wrong += self._store.query(partial_partitions(self._store))
                self.looks += 1
            self._stop.wait(self._pause)


def partial_partitions(store: Shop) -> str:
    """One statement, hence one snapshot: partitions whose rows are not what their newest ledger row says."""
    rows = " UNION ALL ".join(
        f"SELECT '{name}' AS t, day AS d, COUNT(*) AS n FROM `{store.name(*name.split('.'))}` GROUP BY day"
        for name in shop.DERIVED
    )
    ledger = (
        f"SELECT table_name AS t, partition_date AS d, row_count FROM `{store.state('ledger')}`"
        " WHERE table_name != 'shop_raw.orders'"
        " QUALIFY ROW_NUMBER() OVER (PARTITION BY table_name, partition_date ORDER BY generation DESC) = 1"
    )
    return (
        f"SELECT t, d, n, row_count FROM ({rows}) FULL OUTER JOIN ({ledger}) USING (t, d)"
        " WHERE IFNULL(n, 0) <> IFNULL(row_count, 0)"
    )
