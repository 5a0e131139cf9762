"""Partitions that hold other rows than were committed."""

from datetime import date

from backcourt.pipeline.damage import damaged, distrusted
from backcourt.pipeline.ledger import LedgerEntry
from backcourt.pipeline.outcomes import Partition

DAYS = tuple(date(2024, 2, n) for n in range(1, 6))
LEDGER = {("d.t", day): LedgerEntry("d.t", day, 1, "c", row_count=10, content_hash="h") for day in DAYS}


def test_deleted_doubled_and_half_written_partitions_are_damaged() -> None:
    counts = {("d.t", DAYS[0]): 10, ("d.t", DAYS[1]): 20, ("d.t", DAYS[2]): 9, ("d.u", DAYS[3]): 10}
    found = damaged(LEDGER, counts, ["d.t", "d.u"], DAYS)
    assert found == tuple(Partition("d.t", day) for day in DAYS[1:])
    assert damaged(LEDGER, counts, ["d.t"], DAYS[:2]) == (Partition("d.t", DAYS[1]),)
    assert damaged(LEDGER, counts, ["d.u"], DAYS) == ()


def test_a_partition_committed_without_rows_is_whole_without_rows() -> None:
    assert damaged({("d.t", DAYS[0]): LedgerEntry("d.t", DAYS[0], row_count=0)}, {}, ["d.t"], DAYS) == ()


def test_distrust_forgets_the_rows_and_keeps_the_commit_that_a_commit_compares_with() -> None:
    found = distrusted(LEDGER, [Partition("d.t", DAYS[2])])
    assert [found["d.t", day].content_hash for day in DAYS] == ["h", "h", "", "h", "h"]
    assert {entry.commit_id for entry in found.values()} == {"c"}
