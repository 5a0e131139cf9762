"""What is made of history's rows."""

from datetime import UTC, datetime, timedelta

from backcourt.pipeline.outcomes import Outcome, Partition
from backcourt.pipeline.records import OutcomeRecord, coverage_by_day, mended_by
from tests.unit.pipeline.worlds import day

NIGHT = datetime(2026, 11, 1, 3, tzinfo=UTC)


def record(number: int, night: int, outcome: Outcome, present: int = 10, **more: object) -> OutcomeRecord:
    """What the run of a night made of one date; ten entities are expected."""
    return OutcomeRecord(
        Partition("d.t", day(number)), outcome, run_id=f"night-{night}", recorded_at=NIGHT + timedelta(days=night),
        expected_count=10, present_count=present, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def test_a_date_that_went_through_later_is_mended_and_one_that_broke_again_is_not() -> None:
    known = [
        record(0, 2, Outcome.COMMITTED),
        record(0, 1, Outcome.BLOCKED, 5),
        record(1, 1, Outcome.COMMITTED),
        record(1, 2, Outcome.FAILED),
        record(2, 1, Outcome.LEFT),
        record(2, 3, Outcome.CURRENT),
    ]
    assert mended_by(known) == {Partition("d.t", day(0)): "night-2", Partition("d.t", day(2)): "night-3"}


def test_coverage_is_that_of_the_last_run_that_measured_it() -> None:
    later = NIGHT + timedelta(days=3)
    unmeasured = OutcomeRecord(Partition("d.t", day(0)), Outcome.FAILED, run_id="night-3", recorded_at=later)
    known = [
        unmeasured,
        record(1, 1, Outcome.COMMITTED),
        record(0, 2, Outcome.COMMITTED, 9),
        record(0, 1, Outcome.BLOCKED, 5),
    ]
    assert coverage_by_day(known) == {"d.t": [(day(0), 0.9), (day(1), 1.0)]}
