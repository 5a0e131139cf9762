"""What the proxy shall do besides passing on: limits, latency, stub, faults, race. Checked here, at the edge."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveInt

from backcourt.warehouse.proxy.statements import JobKind

Method = Literal["insert", "upload", "get", "results", "cancel", "list", "create", "drop", "read"]
Lost = Literal["before", "after", "reset_before", "reset_after"]
Mode = Literal["before", "after", "reset_before", "reset_after", "delay", "error", "job_error"]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Closed):
    """BigQuery's limits (bq:quotas, read 2026-11); `slots` stands for the project's dynamic concurrency.

    Requests are counted per second and method, `jobs.get` has a higher limit. DML figures are per table and hold for
    UPDATE, DELETE and MERGE outside of transactions.
    """

    slots: PositiveInt = 100
    queued_jobs: PositiveInt = 1000
    dml_running: PositiveInt = 2
    dml_queued: PositiveInt = 20
    requests_per_second: PositiveInt = 100
    gets_per_second: PositiveInt = 1000
    concurrent_requests: PositiveInt = 300


class FaultRule(_Closed):
    """Which calls go wrong, how, and how often (`times` None: always). Empty conditions match every call.

    `before` and `after` answer 503 before or after the work was done; `reset_…` close the connection instead; `delay`
    waits `seconds`, then works; `error` answers `reason` and does nothing; `job_error` lets an inserted job end with
    `reason`, its work not done. A `read` (Storage API) knows `before`, `delay` and `error`. `create` and `drop` are of
    tables; `job_id_contains` then means the table's id.
    """

    mode: Mode
    method: Method | None = None
    kind: JobKind | None = None
    job_id_contains: str = ""
    reason: str = "backendError"
    seconds: NonNegativeFloat = 0.0
    times: PositiveInt | None = 1


class Settings(_Closed):
    """The proxy's behaviour; every part is off by default.

    `latency` is seconds by kind of job. `race` is how many seconds a commit waits for a rival. `fault_rate` is the
    share of calls that go wrong in a way drawn from `fault_modes` with `seed`.
    """

    limits: Limits | None = None
    latency: dict[JobKind, NonNegativeFloat] = Field(default_factory=dict)
    stub: bool = False
    race: NonNegativeFloat | None = None
    faults: tuple[FaultRule, ...] = ()
    fault_rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    fault_modes: Annotated[tuple[Lost, ...], Field(min_length=1)] = ("before", "after", "reset_before", "reset_after")
    seed: int = 0


class ServerOptions(_Closed):
    """All that the server process is told when it starts. Port 0 means any free one; `linger` is in seconds.

    Without `time_travel` no table's past is kept: a copy at each load and each statement outside of scripts.

    `listen` is the address that both interfaces listen on. There is no password: off loopback, whoever reaches the
    port can read and write.
    """

    folder: Path
    project: str
    in_memory: bool = False
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    storage_port: Annotated[int, Field(ge=0, le=65535)] = 0
    listen: Literal["127.0.0.1", "0.0.0.0"] = "127.0.0.1"  # noqa: S104 (only who asks for it)
    linger: NonNegativeFloat = 3.0
    time_travel: bool = True
    settings: Settings = Settings()
