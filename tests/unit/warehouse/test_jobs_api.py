"""A job is done at most once, whatever answers are lost: the protocol alone, against a scripted service."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
import requests
from google.api_core import exceptions as google

from backcourt.pipeline.table import Column, FieldType
from backcourt.warehouse import errors
from backcourt.warehouse.jobs_api import SENDS, Jobs, JobSettings
from backcourt.warehouse.names import Names
from backcourt.warehouse.requests import JobPhase, JobRequest, Kind, TableRef

RESET = requests.exceptions.ConnectionError("reset by peer")
REQUEST = JobRequest("j-1", Kind.COMMIT, "r1", "d.t", sql="SELECT 1", timeout=100)
COLUMNS = (Column("n", FieldType.INT64, "", required=True), Column("xs", FieldType.FLOAT64, "", repeated=True))


@dataclass
class FakeClock:
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=sum(self.slept))

    def monotonic(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@dataclass
class FakeJob:
    job_id: str = "j-1"
    state: str = "DONE"
    error_result: dict[str, str] | None = None
    location: str = "EU"
    output_rows: int | None = None
    num_dml_affected_rows: int | None = None
    statement_type: str = "SCRIPT"
    total_bytes_processed: int = 10
    total_bytes_billed: int = 20
    created: datetime | None = None
    ended: datetime | None = None


@dataclass
class FakeGoogle:
    """Answers by script, one after the other, the last for ever; remembers what it was asked."""

    sends: list[Any] = field(default_factory=list)
    gets: list[Any] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def query(self, sql: str, **options: Any) -> Any:
        return self._answer("send", self.sends, {"sql": sql, **options})

    def load_table_from_file(self, buffer: Any, table: str, **options: Any) -> Any:
        return self._answer("send", self.sends, {"table": table, "bytes": buffer.getvalue(), **options})

    def get_job(self, job_id: str, **options: Any) -> Any:
        return self._answer("get", self.gets, {"job_id": job_id, **options})

    def count(self, what: str) -> int:
        return sum(name == what for name, _ in self.asked)

    def _answer(self, what: str, script: list[Any], options: dict[str, Any]) -> Any:
        self.asked.append((what, options))
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def service() -> FakeGoogle:
    return FakeGoogle(sends=[FakeJob()], gets=[google.NotFound("no job")])


@pytest.fixture
def jobs(service: FakeGoogle, clock: FakeClock) -> Jobs:
    return Jobs(service, Names("p"), clock, JobSettings(location="EU", maximum_bytes_billed=7))  # type: ignore[arg-type]


def test_every_call_names_its_job_and_has_a_timeout_and_no_retries(jobs: Jobs, service: FakeGoogle) -> None:
    service.sends, service.gets = [RESET], [FakeJob()]
    jobs.run(REQUEST)
    (_, sent), (_, got) = service.asked
    assert (sent["job_id"], sent["retry"], sent["job_retry"], sent["location"]) == ("j-1", None, None, "EU")
    assert (got["job_id"], got["retry"], got["location"]) == ("j-1", None, "EU")
    assert 0 < sent["timeout"] <= 60
    assert 0 < got["timeout"] <= 60
    assert sent["job_config"].labels == {"app": "backcourt", "run": "r1", "table": "d-t"}
    assert sent["job_config"].maximum_bytes_billed is None, "a script is not bound: half of it would be billed anyway"


def test_a_query_is_bound_in_bytes(jobs: Jobs, service: FakeGoogle) -> None:
    service.sends = [FakeJob(statement_type="INSERT", num_dml_affected_rows=3)]
    result = jobs.run(JobRequest("j-1", Kind.QUERY, "r1", "d.t", sql="INSERT …"))
    assert service.asked[0][1]["job_config"].maximum_bytes_billed == 7
    assert (result.output_rows, result.bytes_processed, result.bytes_billed) == (3, 10, 20)


def load_of_two_rows() -> JobRequest:
    schema = pa.schema([c.arrow for c in COLUMNS])
    rows = pa.table({"n": [1, 2], "xs": [[0.5], []]}, schema=schema)
    return JobRequest("j-1", Kind.LOAD, "r1", "d.t", destination=TableRef("d", "t"), rows=rows, columns=COLUMNS)


def test_a_load_appends_parquet_with_the_whole_schema(jobs: Jobs, service: FakeGoogle) -> None:
    load = load_of_two_rows()
    service.sends = [FakeJob(output_rows=2)]
    assert jobs.run(load).output_rows == 2
    (_, sent) = service.asked[0]
    config = sent["job_config"]
    assert (sent["table"], sent["num_retries"], sent["size"]) == ("p.d.t", 0, len(sent["bytes"]))
    assert (config.write_disposition, config.create_disposition, config.source_format) == (
        "WRITE_APPEND",
        "CREATE_NEVER",
        "PARQUET",
    )
    assert [(f.name, f.field_type, f.mode) for f in config.schema] == [
        ("n", "INT64", "REQUIRED"),
        ("xs", "FLOAT64", "REPEATED"),
    ]
    assert config.parquet_options.enable_list_inference is True
    service.sends = [FakeJob(output_rows=1)]
    with pytest.raises(errors.StagingMismatch, match="wrote 1 of 2 rows"):
        jobs.run(load)


def test_a_taken_id_is_adopted_though_the_service_denies_it_for_a_moment(
    jobs: Jobs, service: FakeGoogle, clock: FakeClock
) -> None:
    missing = google.NotFound("not yet")
    service.sends, service.gets = [google.Conflict("duplicate")], [missing, missing, missing, FakeJob()]
    assert jobs.run(REQUEST).adopted
    assert service.count("send") == 1
    assert sum(clock.slept) < 2.5


def test_a_taken_id_without_a_job_is_unresolved(jobs: Jobs, service: FakeGoogle) -> None:
    service.sends = [google.Conflict("duplicate")]
    with pytest.raises(errors.JobUnresolved) as caught:
        jobs.run(REQUEST)
    assert caught.value.job_id == "j-1"
    assert service.count("send") == 1


def test_a_lost_request_is_sent_again_only_after_the_service_denied_the_job(
    jobs: Jobs, service: FakeGoogle, clock: FakeClock
) -> None:
    service.sends = [RESET, FakeJob()]
    assert not jobs.run(REQUEST).adopted
    assert [name for name, _ in service.asked] == ["send", *["get"] * 6, "send"]
    assert sum(clock.slept) == pytest.approx(2.1)
    assert {options["job_id"] for _, options in service.asked} == {"j-1"}


def test_a_late_first_insert_beats_the_second(jobs: Jobs, service: FakeGoogle) -> None:
    service.sends = [RESET, google.Conflict("duplicate")]
    service.gets = [*[google.NotFound("no")] * 6, FakeJob()]
    assert jobs.run(REQUEST).adopted


def test_a_request_that_never_arrives_is_given_up(jobs: Jobs, service: FakeGoogle) -> None:
    service.sends = [google.ServiceUnavailable("down")]
    with pytest.raises(errors.TransientError):
        jobs.run(REQUEST)
    assert service.count("send") == SENDS


def test_a_lost_answer_that_cannot_be_looked_up_is_unresolved(
    jobs: Jobs, service: FakeGoogle, clock: FakeClock
) -> None:
    service.sends, service.gets = [RESET], [RESET]
    with pytest.raises(errors.JobUnresolved):
        jobs.run(REQUEST)
    assert service.count("send") == 1, "sending again could do the work twice"
    assert 100 <= clock.monotonic() < 105


def test_a_refusal_is_raised_at_once(jobs: Jobs, service: FakeGoogle, clock: FakeClock) -> None:
    service.sends = [google.Forbidden("slow down", errors=[{"reason": "rateLimitExceeded"}])]
    with pytest.raises(errors.RateLimited):
        jobs.run(REQUEST)
    assert (service.count("send"), service.count("get"), clock.slept) == (1, 0, [])


def test_polling_is_quick_first_and_calm_later(jobs: Jobs, service: FakeGoogle, clock: FakeClock) -> None:
    running = FakeJob(state="RUNNING")
    service.sends, service.gets = [running], [*[running] * 120, FakeJob()]
    jobs.run(REQUEST)
    assert clock.slept[0] < 0.05
    assert clock.slept == sorted(clock.slept)
    assert max(clock.slept) == 1


def test_a_load_is_looked_at_when_the_one_before_took_so_long(
    jobs: Jobs, service: FakeGoogle, clock: FakeClock
) -> None:
    """By the service's own times: this process saw the first one end after more than three seconds."""
    created = datetime(2024, 1, 1, tzinfo=UTC)
    done = FakeJob(output_rows=2, created=created, ended=created + timedelta(seconds=2.5))
    service.sends, service.gets = [FakeJob(state="RUNNING")], [*[FakeJob(state="RUNNING")] * 50, done]
    jobs.run(load_of_two_rows())
    assert sum(clock.slept) > 3
    clock.slept.clear()
    service.gets = [done]
    jobs.run(load_of_two_rows())
    assert clock.slept == [2.5]


def test_weather_while_polling_passes(jobs: Jobs, service: FakeGoogle) -> None:
    limited = google.Forbidden("slow", errors=[{"reason": "rateLimitExceeded"}])
    weather: list[Any] = [RESET, google.ServiceUnavailable("down"), limited]
    service.sends, service.gets = [FakeJob(state="RUNNING")], [*weather, FakeJob()]
    assert jobs.run(REQUEST).job_id == "j-1"


@pytest.mark.parametrize(
    "gets",
    [
        lambda: [FakeJob(state="RUNNING")],
        lambda: [google.NotFound("forgotten")],
        lambda: [google.Forbidden("no longer", errors=[{"reason": "accessDenied"}])],
    ],
)
def test_a_job_that_is_not_seen_to_end_is_unresolved(
    jobs: Jobs, service: FakeGoogle, clock: FakeClock, gets: Callable[[], list[Any]]
) -> None:
    service.sends, service.gets = [FakeJob(state="RUNNING")], gets()
    with pytest.raises(errors.JobUnresolved):
        jobs.run(REQUEST)
    assert clock.monotonic() < 105


def test_a_job_that_ended_badly_is_raised_whether_found_or_created(jobs: Jobs, service: FakeGoogle) -> None:
    failed = FakeJob(error_result={"reason": "stopped", "message": "cancelled"})
    service.sends = [failed]
    with pytest.raises(errors.Stopped):
        jobs.run(REQUEST)
    service.sends, service.gets = [RESET], [failed]
    with pytest.raises(errors.Stopped):
        jobs.run(REQUEST)


@pytest.mark.parametrize(
    ("answer", "phase"),
    [
        (google.NotFound("no"), JobPhase.MISSING),
        (FakeJob(state="PENDING"), JobPhase.RUNNING),
        (FakeJob(state="RUNNING"), JobPhase.RUNNING),
        (FakeJob(), JobPhase.DONE),
        (FakeJob(error_result={"reason": "invalidQuery", "message": "bad"}), JobPhase.FAILED),
    ],
)
def test_where_a_job_stands(jobs: Jobs, service: FakeGoogle, answer: Any, phase: JobPhase) -> None:
    service.gets = [answer]
    state = jobs.state("j-1")
    assert (state.job_id, state.phase) == ("j-1", phase)
    assert isinstance(state.error, errors.InvalidQuery) is (phase is JobPhase.FAILED)


def test_a_look_up_that_fails_is_no_answer(jobs: Jobs, service: FakeGoogle) -> None:
    service.gets = [RESET]
    with pytest.raises(errors.TransientError):
        jobs.state("j-1")
