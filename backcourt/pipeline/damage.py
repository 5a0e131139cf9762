"""Partitions whose rows are no longer those that were committed: somebody deleted, doubled or half-wrote them.

The ledger says how many rows a commit published. Where the warehouse counts another number, a foreign hand was there;
what it left is not trusted, whatever it holds, and the partition is published anew.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date

from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.plan import Ledger

RowCounts = Mapping[tuple[str, date], int]
"""Rows that the warehouse has now, by table and date; a partition without rows is absent."""


def damaged(ledger: Ledger, counts: RowCounts, tables: Iterable[str], days: Collection[date]) -> tuple[Partition, ...]:
    """The committed partitions of these tables and dates that hold another number of rows than was committed."""
    wanted = frozenset(tables)
    return tuple(
        sorted(
            Partition(table, day)
            for (table, day), entry in ledger.items()
            if table in wanted and day in days and entry.row_count != counts.get((table, day), 0)
        )
    )


def distrusted(ledger: Ledger, partitions: Iterable[Partition]) -> Ledger:
    """The ledger without the content hashes of these partitions, so that equal rows are published again.

    Their commit ids stay: a commit still compares with what the plan saw.
    """
    changed = dict(ledger)
    for each in partitions:
        changed[each.table, each.day] = replace(changed[each.table, each.day], content_hash="")
    return changed
