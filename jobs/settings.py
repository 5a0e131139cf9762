"""Every setting, documented once: a `BACKCOURT_…` variable, a line of the YAML file, or a flag, by the same name."""

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource
from pydantic_settings.exceptions import SettingsError
from yaml import YAMLError, safe_load

from backcourt.errors import UsageError
from backcourt.pipeline.breaker import BreakerPolicy

LOCAL_PROJECT = "local"
"""The project of the BigQuery on this machine."""


class BudgetSettings(BaseModel):
    """How many calls of each kind may be in flight, over all workers, nodes and runs that share it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    read: int = Field(16, ge=1, le=1000, description="Storage reads in flight.")
    query: int = Field(16, ge=1, le=1000, description="Queries in flight.")
    load: int = Field(8, ge=1, le=1000, description="Load jobs in flight.")
    commit: int = Field(8, ge=1, le=100, description="Commits in flight; never more than one a table.")


class Settings(BaseSettings):
    """What a command works with. Flags win over variables, variables over the file, the file over these defaults."""

    model_config = SettingsConfigDict(
        env_prefix="BACKCOURT_", env_nested_delimiter="__", extra="forbid", frozen=True, validate_default=True
    )

    project: str = Field("", description="Google Cloud project; empty for the local BigQuery.")
    location: str | None = Field(None, description="Location of the datasets, where it is neither US nor EU.")
    datasets: dict[str, str] = Field(default_factory=dict, description="Real dataset of a logical one.")
    state_dataset: str = Field("", description="Dataset of ledger and history; <pipeline>_orchestration if empty.")
    endpoint: str = Field("", description="REST address of a local BigQuery that is running.")
    storage_endpoint: str = Field("", description="Its Storage address, host:port.")
    local_folder: Path = Field(Path(".backcourt/warehouse"), description="Folder of the local BigQuery.")
    run_folder: Path = Field(Path(".backcourt/runs"), description="Where a run that is alive shows its progress.")
    create_datasets: bool | None = Field(None, description="Create missing datasets; by default only locally.")
    pipeline: str = Field("nba", description="Name of the pipeline, an entry point of backcourt.pipelines.")
    workers: int | None = Field(None, ge=1, le=512, description="Worker processes; by default the cores.")
    pool: Literal["ray", "serial"] = Field("ray", description="ray, or serial: one worker in this process.")
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="Progress as text or as JSON lines; auto: JSON in a pod."
    )
    dashboard: bool | None = Field(
        None, description="Start Ray's dashboard with a local Ray; by default for every run but `daily`."
    )
    metrics_port: int | None = Field(
        None, ge=1024, le=65535, description="Port of a local Ray's Prometheus metrics; by default any free one."
    )
    ray_address: str = Field("", description="Address of a Ray cluster; empty for a local one.")
    chunk_days: int = Field(31, ge=1, le=366, description="Longest span of dates that one task computes, in days.")
    budget: BudgetSettings = Field(default_factory=BudgetSettings, description="Calls in flight, by kind.")
    shares: str = Field(
        "",
        description="Where runs share the budget: `none`, `file:PATH` or `configmap:NAMESPACE/NAME`; by default a file "
        "in the run folder, or beside a local BigQuery's data.",
    )
    budget_file: Path | None = Field(
        None, description="YAML file whose `budget` is read again every 15 s while a run is alive."
    )
    block_below: float = Field(0.90, ge=0, le=1, description="Coverage below which a partition is blocked.")
    warn_below: float = Field(0.95, ge=0, le=1, description="Coverage below which a partition is warned of.")
    implausible: Literal["warn", "block"] = Field(
        "warn", description="What the gate does when a column's mean is outside its plausible range."
    )
    stale_days: int = Field(
        7, ge=1, le=3660, description="Days after which `cleanup` takes rows of tables that are about what is to come."
    )
    backup_days: int = Field(14, ge=1, le=365, description="Days that a backup of `dedupe` or `cleanup` is kept.")
    history_days: int = Field(
        730,
        ge=90,
        le=3660,
        description="Days that runs, outcomes and operations are kept; `cleanup` deletes older ones.",
    )
    ledger_days: int = Field(
        400, ge=30, le=3660, description="Days that ledger rows are kept which later commits replaced; the newest stay."
    )
    staging_hours: float = Field(24, ge=2, le=168, description="Hours after which a staging table expires by itself.")
    orphan_hours: float = Field(
        6, ge=1, le=72, description="Hours without a sign of life after which `cleanup` takes a start for dead."
    )
    priority: Literal["INTERACTIVE", "BATCH"] = Field("INTERACTIVE", description="Priority of BigQuery jobs.")
    maximum_bytes_billed: int | None = Field(None, ge=1, description="Refuse queries that would bill more bytes.")
    stall_seconds: float = Field(900, gt=0, description="End a run that has made no progress for so long.")
    deadline_seconds: float | None = Field(None, gt=0, description="End a run after so long.")
    settled_seconds: float = Field(
        0,
        ge=0,
        le=86400,
        description="Seconds for which an end with 2, 3, 4 or 130 stands: the same wish again gets that code at once.",
    )
    refresh_days: int = Field(3, ge=0, le=366, description="Ingest reads the last days again: games become final.")
    source: str = Field("", description="Source that `daily` ingests from, as `--source` names it; empty for none.")
    heal_days: int = Field(14, ge=0, le=366, description="Days before today that `daily` heals.")
    breaker_failures: int = Field(
        3,
        ge=1,
        le=100,
        description="Failed runs in a row after which `daily` skips a table (its breaker opens).",
    )
    breaker_hours: float = Field(
        20, ge=0, le=8760, description="Hours until a table whose breaker is open is tried again with one date."
    )
    alert_webhook: SecretStr = Field(SecretStr(""), description="Slack-compatible webhook for alerts; a secret.")
    alert_webhook_file: Path | None = Field(None, description="File that holds the webhook's address instead.")
    models: str = Field("", description="Folder of models that `train` writes and predictions use; gs:// works.")
    timezone: str = Field("", description="Time zone of today's date; by default the pipeline's.")
    repository_version: str = Field(
        "", description="Code version that ought to run; `status` tells where another does."
    )
    as_of: date | None = Field(None, description="Today's date, to plan as on another day.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic names it)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (pydantic names it)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then variables, then the file."""
        file = YamlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, file

    @field_validator("project", "endpoint", "storage_endpoint", "state_dataset")
    @classmethod
    def _no_spaces(cls, value: str) -> str:
        if value != value.strip():
            raise ValueError("has spaces around it")
        return value

    @field_validator("shares")
    @classmethod
    def _is_a_place(cls, value: str) -> str:
        if value and not re.fullmatch(r"none|file:.+|configmap:[a-z0-9-]+/[a-z0-9.-]+", value):
            raise ValueError("is neither none nor file:PATH nor configmap:NAMESPACE/NAME")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.block_below > self.warn_below:
            raise ValueError("block_below is above warn_below")
        if bool(self.endpoint) != bool(self.storage_endpoint):
            raise ValueError("endpoint and storage_endpoint go together")
        return self

    @property
    def breaker_policy(self) -> BreakerPolicy:
        """When a table's breaker opens and for how long."""
        return BreakerPolicy(self.breaker_failures, timedelta(hours=self.breaker_hours))

    @property
    def is_embedded(self) -> bool:
        """Whether the command starts a BigQuery of its own."""
        return not self.project and not self.endpoint


def load_settings(flags: dict[str, Any], file: Path | None = None) -> Settings:
    """Settings from flags (None is not given), variables and a YAML file.

    Raises:
        UsageError: a value cannot be used; the message names the setting, the value and what would do.
    """
    if file is not None and not file.is_file():
        raise UsageError(f"There is no settings file {file}.", "Give an existing YAML file to --config.")
    given = {name: value for name, value in flags.items() if value is not None}

    class _FromFile(Settings):
        model_config = SettingsConfigDict(yaml_file=file)

    try:
        return _FromFile(**given)
    except ValidationError as error:
        raise UsageError(_sentence(error), "Correct it, in a flag, a BACKCOURT_ variable or the file.") from None
    except SettingsError as error:
        raise UsageError(f"A variable cannot be read: {error}.", "Write lists and mappings as JSON.") from None
    except (OSError, ValueError, TypeError, YAMLError) as error:
        why = " ".join(str(error).split())
        raise UsageError(f"{file} cannot be read: {why}.", "Write one `name: value` a line, in YAML.") from None


def run_settings(
    file: Path | None,
    workers: int | None = None,
    budget: list[str] | None = None,
    pool: str | None = None,
    chunk_days: int | None = None,
    as_of: str | None = None,
    models: str | None = None,
) -> Settings:
    """Settings of a command that plans or runs, with its flags on top.

    Raises:
        UsageError: a value cannot be used.
    """
    flags = {"workers": workers, "pool": pool, "chunk_days": chunk_days, "as_of": as_of, "models": models}
    return load_settings({**flags, "budget": parse_budget(budget or [])}, file)


def read_budget(file: Path) -> BudgetSettings:
    """The `budget` of a settings file as it is now; kinds that it does not name have their defaults.

    Raises:
        UsageError: there is none, or it cannot be used.
    """
    try:
        return BudgetSettings.model_validate(safe_load(file.read_text(encoding="utf-8"))["budget"])
    except ValidationError as error:
        raise UsageError(_sentence(error), f"Correct the budget in {file}.") from None
    except (OSError, ValueError, TypeError, KeyError, YAMLError) as error:
        why = " ".join(str(error).split())
        raise UsageError(
            f"{file} has no budget that can be read: {why}.", "Write `budget:` with a line a kind."
        ) from None


def parse_budget(texts: list[str]) -> dict[str, int] | None:
    """`--budget query=16 --budget read=4`, or None where not given.

    Raises:
        UsageError: not KIND=NUMBER.
    """
    budget = {}
    for text in texts:
        kind, _, number = text.partition("=")
        if not number.strip().isdecimal():
            raise UsageError(f"--budget {text} is not KIND=NUMBER.", "Write for example --budget query=16.")
        budget[kind.strip()] = int(number)
    return budget or None


def _sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    known = first["type"] in ("missing", "extra_forbidden") or not first["loc"]
    given = "" if known else f" {first['input']!r}"
    text = first["msg"].removeprefix("Value error, ")
    shown = name if name.isprintable() else repr(name)
    what = f"Setting {shown}{given}" if name else "These settings"
    return f"{what} cannot be used: {text[0].lower()}{text[1:]}."
