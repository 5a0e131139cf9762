"""What `status` tells of the last run that has ended: how, and what BigQuery billed for it."""

from datetime import UTC, datetime, timedelta

from backcourt.pipeline.records import RunRecord
from jobs.status import LastRun

NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


def run(name: str, hours: float | None, **more: int) -> RunRecord:
    ended = NOON + timedelta(hours=hours) if hours is not None else None
    return RunRecord(name, 1, NOON, ended_at=ended, exit_code=0, **more)  # type: ignore[arg-type]


def test_it_is_the_one_that_ended_last_whichever_began_last() -> None:
    found = LastRun.of([run("alive", None), run("quick", 1), run("long", 3, billed_bytes=2**20, planned_bytes=2**21)])
    assert found == LastRun("long", "2024-03-01 15:00", 0, 2**21, 2**20)
    assert str(found) == (
        "Last run: long ended at 2024-03-01 15:00 with 0; it billed 1.0 MiB, its plan said at most 2.0 MiB."
    )


def test_no_run_has_ended() -> None:
    assert LastRun.of([]) is None
    assert LastRun.of([run("alive", None)]) is None


def test_a_run_that_was_billed_nothing_says_nothing_of_bytes() -> None:
    assert str(LastRun.of([run("local", 1, billed_bytes=0)])) == "Last run: local ended at 2024-03-01 13:00 with 0."
