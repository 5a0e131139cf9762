"""Declarations that contradict themselves are refused in a sentence; outcomes add up to an exit code."""

from collections.abc import Callable

import pytest

from backcourt.errors import UsageError
from backcourt.pipeline.outcomes import Category, Outcome, Partition, PartitionOutcome, exit_code
from backcourt.pipeline.processor import (
    EVERYTHING_BEFORE,
    SAME_DATE,
    SEASON,
    Feed,
    Input,
    Pipeline,
    Trained,
    Training,
    Window,
)
from backcourt.pipeline.table import Column, FieldType, Table
from tests.unit.pipeline.worlds import COLUMNS, day, processor, reads


def pipeline(*processors: object) -> Callable[[], Pipeline]:
    return lambda: Pipeline("p", tuple(processors))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (pipeline(processor("a"), processor("a")), "Pipeline p makes table a twice."),
        (pipeline(processor("b", [reads("a", SAME_DATE)])), "d.b reads d.a, which no processor of pipeline p makes."),
        (
            pipeline(processor("a"), processor("b", [reads("a", SAME_DATE), reads("a", SEASON)])),
            "d.b declares its input d.a twice.",
        ),
        (pipeline(processor("a", [reads("a", Window(days=1))])), "Tables of pipeline p read each other: d.a → d.a."),
        (
            pipeline(processor("a", [reads("b", SAME_DATE)]), processor("b", [reads("a", SAME_DATE)])),
            "Tables of pipeline p read each other: ",
        ),
    ],
)
def test_a_pipeline_that_could_not_run_is_refused(made: Callable[[], Pipeline], what: str) -> None:
    with pytest.raises(UsageError) as refused:
        made()
    assert refused.value.what.startswith(what)
    assert refused.value.do


def test_a_training_that_sees_its_own_date_is_refused() -> None:
    def train(*_: object) -> Trained:
        return Trained("m", {}, {}, {})

    earlier = Training("boosting", (reads("a", EVERYTHING_BEFORE),), train)
    assert Pipeline("p", (processor("a"),), trainings=(earlier,)).trainings == (earlier,)
    for training, what in (
        (Training("boosting", (reads("a", SAME_DATE),), train), "boosting reads d.a of the date that it trains for"),
        (Training("boosting", (reads("b", EVERYTHING_BEFORE),), train), "boosting reads d.b, which no processor"),
    ):
        with pytest.raises(UsageError, match=what):
            Pipeline("p", (processor("a"),), trainings=(training,))


def test_a_feed_needs_no_processor() -> None:
    feed = Feed("games", COLUMNS, "day")
    made = Pipeline("p", (processor("a", [Input(feed, ("day",), SAME_DATE)]), processor("b", [reads("a", SAME_DATE)])))
    assert [made.processor(name).is_raw for name in ("d.a", "d.b")] == [True, False]


@pytest.mark.parametrize(
    ("key", "partition_by", "columns"),
    [
        (("day", "nobody"), "day", COLUMNS),
        (("day", "points"), "day", COLUMNS),  # may be NULL
        (("day",), "day", (*COLUMNS, COLUMNS[2])),
        (("day",), "day", (*COLUMNS, Column("run_id", FieldType.STRING, "Taken by the commit."))),
        (("who",), "who", COLUMNS),  # no DATE
    ],
)
def test_a_table_that_contradicts_itself_is_refused(
    key: tuple[str, ...], partition_by: str, columns: tuple[Column, ...]
) -> None:
    with pytest.raises(UsageError):
        Table("d", "t", partition_by, key, columns, "A table.")


def outcomes(*ends: Outcome) -> list[PartitionOutcome]:
    return [PartitionOutcome(Partition("d.t", day(n)), end) for n, end in enumerate(ends)]


QUIET = (Outcome.COMMITTED, Outcome.RENEWED, Outcome.UNCHANGED, Outcome.CURRENT, Outcome.SUPERSEDED)


@pytest.mark.parametrize(
    ("ends", "limit_reached", "stopped", "code"),
    [
        ((), False, 0, 0),
        (QUIET, False, 0, 0),
        ((*QUIET, Outcome.BLOCKED), False, 0, 3),
        ((*QUIET, Outcome.FAILED), False, 0, 5),
        ((*QUIET, Outcome.LEFT), False, 0, 5),
        ((Outcome.BLOCKED, Outcome.FAILED), False, 0, 5),
        ((Outcome.BLOCKED, Outcome.FAILED, Outcome.LEFT), True, 0, 6),
        ((Outcome.BLOCKED, Outcome.FAILED, Outcome.LEFT), True, 130, 130),
        ((Outcome.LEFT,), False, 143, 143),
        (QUIET, False, 143, 143),
    ],
)
def test_the_first_of_several_causes_decides(
    ends: tuple[Outcome, ...], limit_reached: bool, stopped: int, code: int
) -> None:
    assert exit_code(outcomes(*ends), limit_reached=limit_reached, stopped=stopped) == code


def test_which_failures_a_retry_can_help() -> None:
    helped = {c for c in Category if PartitionOutcome(Partition("d.t", day(0)), Outcome.FAILED, c).retry_can_help}
    assert helped == {Category.QUOTA, Category.TIMEOUT, Category.WORKER, Category.INTERRUPTED, Category.HELD}
