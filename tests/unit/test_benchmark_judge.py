"""The judge of the contenders in `benchmarks/` finds each fault, and backcourt's own pipeline for it passes."""

from datetime import date

import polars as pl

from backcourt.pipeline.processor import Chunk
from benchmarks.averages.pipeline import AVERAGES, PIPELINE, SCORES
from benchmarks.averages.work import Verdict, Work, judge, points

WORK = Work(dates=3, players=2)
DAYS = (date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 2))


def rows() -> list[tuple[date, int, float]]:
    """By hand: 31 days each."""
    months = {day: [date.fromordinal(day.toordinal() - back) for back in range(31)] for day in DAYS}
    return [(day, player, sum(points(d, player) for d in months[day]) / 31) for day in DAYS for player in (0, 1)]


def test_right_rows_have_no_fault() -> None:
    assert judge(WORK, rows()) == Verdict(missing=0, doubled=0, wrong=0)


def test_each_fault_is_counted_as_what_it_is() -> None:
    first, second, third, *rest = rows()
    other = (*third[:2], third[2] * 1.001)
    assert judge(WORK, [first, first, other, *rest]) == Verdict(missing=1, doubled=1, wrong=1)
    stranger = (second[0], 99, 1.0)
    assert judge(WORK, [*rows(), stranger]) == Verdict(missing=0, doubled=0, wrong=1)


def test_the_pipeline_computes_what_the_judge_wants() -> None:
    schema = {"day": pl.Date, "player": pl.Int64, "points": pl.Float64}
    scores = pl.DataFrame(list(WORK.scores()), schema=schema, orient="row")
    chunk = Chunk(AVERAGES.full_name, DAYS, date(2024, 3, 1))
    computed = PIPELINE.processor(AVERAGES.full_name).compute(chunk, {SCORES.full_name: scores})
    assert judge(WORK, computed.select("day", "player", "average").iter_rows()) == Verdict(0, 0, 0)
