"""What the reaper makes of a dead holder's job, and what a job id says of its kind."""

import pytest

from backcourt.warehouse.fake import Call, FakeWarehouse
from backcourt.warehouse.requests import JobPhase, JobState, Kind
from ray_tasks.attempts import MISSING_LOOKS
from ray_tasks.permit_book import Ask, Permit
from ray_tasks.reaper import Reaping
from ray_tasks.warden import kind_of


def orphan(kind: Kind, job_id: str = "j") -> Permit:
    return Permit(Ask("a", kind, "w", job_id), 1, "e", 0.0)


def warehouse(*phases: JobPhase) -> FakeWarehouse:
    left = list(phases)
    return FakeWarehouse(
        lambda call: JobState("j", left.pop(0)) if call.method == "job" and left else NotImplemented  # type: ignore[misc]
    )


def test_a_read_has_no_job_to_ask_for() -> None:
    fake = warehouse()
    assert Reaping(fake).has_ended(orphan(Kind.READ, ""))
    assert fake.calls == []


@pytest.mark.parametrize("kind", [Kind.QUERY, Kind.LOAD, Kind.COMMIT])
@pytest.mark.parametrize("end", [JobPhase.DONE, JobPhase.FAILED])
def test_a_job_is_awaited_and_a_commit_is_not_cancelled(kind: Kind, end: JobPhase) -> None:
    fake = warehouse(JobPhase.RUNNING, JobPhase.RUNNING, end)
    reaping = Reaping(fake)
    assert [reaping.has_ended(orphan(kind)) for _ in range(3)] == [False, False, True]
    assert fake.arguments("cancel") == ([] if kind is Kind.COMMIT else ["j"])


def test_a_job_counts_as_never_sent_only_after_several_looks_in_a_row() -> None:
    fake = warehouse(JobPhase.MISSING, JobPhase.RUNNING, *[JobPhase.MISSING] * MISSING_LOOKS)
    reaping = Reaping(fake)
    ended = [reaping.has_ended(orphan(Kind.LOAD)) for _ in range(2 + MISSING_LOOKS)]
    assert ended == [False] * (1 + MISSING_LOOKS) + [True]
    assert [c for c in fake.calls if c == Call("cancel", "j")] == [Call("cancel", "j")]


@pytest.mark.parametrize(
    ("job_id", "kind"),
    [
        ("run-1-player_game_summary-3-commit-1", Kind.COMMIT),
        ("run-1-player_game_summary-3-load-2", Kind.LOAD),
        ("run-1-event-commit_sent-abc-1", Kind.QUERY),
        ("run-1-claim", Kind.QUERY),
    ],
)
def test_a_job_id_tells_its_kind(job_id: str, kind: Kind) -> None:
    assert kind_of(job_id) is kind
