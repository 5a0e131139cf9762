"""Which partitions are verified, and what is told of them: published rows, ledger and recomputed rows compared."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast

import polars as pl
import pytest

from backcourt.pipeline.calendar import Calendar
from backcourt.pipeline.content_hash import content_hashes
from backcourt.pipeline.ledger import WITHDRAWN, LedgerEntry
from backcourt.pipeline.outcomes import Partition
from backcourt.pipeline.processor import SAME_DATE, Chunk, Feed, Input, Inputs, Pipeline, Processor, SpotCheck
from backcourt.pipeline.versions import TableVersions
from jobs import spot_checking, verifying
from jobs.spot_checking import Mismatch, spot_check
from jobs.verifying import Verifier
from ray_tasks.prepare import Ground
from tests.unit.engine.fake_clock import FakeClock
from tests.unit.pipeline.worlds import COLUMNS, day, expect_x, one_row_a_date, processor, reads, table

FEED = Input(Feed("f", COLUMNS, "day"), ("day",), SAME_DATE)
DAYS = tuple(day(n) for n in range(4))
CALENDAR = Calendar(DAYS)


def twice(chunk: Chunk, inputs: Inputs) -> pl.DataFrame:
    """The points of a, doubled; day 2 cannot be computed."""
    if day(2) in chunk.dates:
        raise ArithmeticError("the till is broken")
    return inputs["d.a"].with_columns(pl.col("points") * 2)


A = Processor(table("a"), "1", (FEED,), expect_x, one_row_a_date)
B = replace(processor("b", [reads("a", SAME_DATE)]), compute=twice)
PIPELINE = Pipeline("p", (A, B))


def rows(points: int) -> pl.DataFrame:
    schema = {"day": pl.Date, "who": pl.String, "points": pl.Int64}
    return pl.DataFrame([(each, "x", points) for each in DAYS], schema=schema, orient="row")


@dataclass
class Published:
    """What the tables hold, read as `rows_of` reads it."""

    frames: dict[str, pl.DataFrame]

    def __call__(self, _: Any, calendar: Calendar, ledger: Any, each: Input, days: Sequence[date]) -> pl.DataFrame:
        wanted = [d for of in days for d in each.window.dates(of, calendar) if (each.name, d) in ledger]
        return self.frames[each.name].filter(pl.col("day").is_in(wanted)).select(each.columns)


def ledger() -> dict[tuple[str, date], LedgerEntry]:
    """All is committed: 5 points in a, so 10 in b."""
    versions = TableVersions(CALENDAR, lambda _: True, dict.fromkeys(DAYS, "c-1"))
    found: dict[tuple[str, date], LedgerEntry] = {}
    for each, points in ((A, 5), (B, 10)):
        hashes = content_hashes(each.table, rows(points), DAYS)
        for d in DAYS:
            inputs = {"d.a": versions.window(d, d)} if each is B else {}
            found[each.name, d] = LedgerEntry(
                each.name, d, 1, "c-1", "c-1", row_count=1, processor_version="1", content_hash=hashes[d], inputs=inputs
            )
    return found


def verifier(monkeypatch: pytest.MonkeyPatch, a: pl.DataFrame, b: pl.DataFrame, known: Any = None) -> Verifier:
    published = Published({"d.a": a, "d.b": b})
    monkeypatch.setattr(verifying, "rows_of", published)
    monkeypatch.setattr(spot_checking, "rows_of", published)
    return Verifier(ground(PIPELINE), CALENDAR, known or ledger(), day(9), FakeClock())


def ground(pipeline: Pipeline) -> Ground:
    return Ground(pipeline, cast(Any, None), cast(Any, None), FakeClock(), "o", "r", "n")


def test_only_what_ought_to_come_out_the_same_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    known = ledger()
    found = verifier(monkeypatch, rows(5), rows(10), known)
    whole = found.choose(("d.a", "d.b"), 99, seed=1)
    assert whole == tuple(Partition("d.b", d) for d in DAYS)
    assert found.choose(("d.a",), 99, seed=1) == ()
    assert found.choose(("d.b",), 2, seed=5) == found.choose(("d.b",), 2, seed=5)
    assert len({found.choose(("d.b",), 2, seed=n) for n in range(20)}) > 1

    known["d.b", day(0)] = replace(known["d.b", day(0)], processor_version="0")
    known["d.a", day(1)] = replace(known["d.a", day(1)], rows_commit="newer")
    known["d.a", day(3)] = replace(known["d.a", day(3)], content_hash=WITHDRAWN)
    changed = verifier(monkeypatch, rows(5), rows(10), known)
    assert changed.choose(("d.b",), 99, seed=1) == (Partition("d.b", day(2)),)


def test_same_changed_differs_and_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    at_one = pl.col("day") == day(1)
    b = rows(10).with_columns(pl.when(at_one).then(11).otherwise("points").cast(pl.Int64).alias("points"))
    found = verifier(monkeypatch, rows(5), b)
    outcomes = [found.verify(Partition("d.b", d)) for d in DAYS]
    assert [each.outcome for each in outcomes] == ["same", "changed", "failed", "same"]
    ((cell,),) = [each.cells for each in outcomes if each.outcome == "changed"]
    assert (cell.key, cell.column, cell.published, cell.recomputed) == (f"{day(1)}/x", "points", "11", "10")
    assert outcomes[2].reason == "ArithmeticError: the till is broken"

    other = verifier(monkeypatch, rows(6), rows(10)).verify(Partition("d.b", day(0)))
    assert (other.outcome, [c.recomputed for c in other.cells]) == ("differs", ["12"])


def test_a_spot_check_tells_the_figure_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def second(some: Sequence[Any], inputs: Any) -> list[dict[str, Any]]:
        points = {row["day"]: row["points"] for row in inputs["d.a"]}
        return [{"points": 2 * points[row["day"]]} for row in some]

    check = SpotCheck("doubled", B.table, ("points",), (reads("a", SAME_DATE),), second)
    at_one = pl.col("day") == day(1)
    b = rows(10).with_columns(pl.when(at_one).then(11).otherwise("points").cast(pl.Int64).alias("points"))
    known = verifier(monkeypatch, rows(5), b).ledger
    found = spot_check(ground(PIPELINE), CALENDAR, known, check, sample=9, seed=0)
    assert (found.rows, found.figures, found.dates) == (4, 4, DAYS)
    assert found.mismatches == (Mismatch("doubled", "d.b", day(1), f"{day(1)}/x", "points", 11, 10),)

    gone = {**known, ("d.a", day(1)): replace(known["d.a", day(1)], content_hash=WITHDRAWN)}
    assert spot_check(ground(PIPELINE), CALENDAR, gone, check, sample=9, seed=0).mismatches == ()
