"""A RayJob as backcourt uses it: made from the chart's template, and read back with its status.

The fields are KubeRay's (ray-operator/apis/ray/v1/rayjob_types.go, v1.7); what is not named here is carried along.
"""

import re
import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

MANAGER = "backcourt"
"""What `app.kubernetes.io/managed-by` says of RayJobs that the command made."""
EXIT_CODE = re.compile(r"failed with exit code (\d+)")
"""How Ray's job supervisor tells the entry point's exit code (dashboard/modules/job/job_supervisor.py)."""


class _Object(BaseModel):
    """Part of an object of Kubernetes: unknown fields are kept, names are camel case outside."""

    model_config = ConfigDict(frozen=True, extra="allow", alias_generator=to_camel, validate_by_name=True)


class Metadata(_Object):
    """Who an object is."""

    name: str
    namespace: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    creation_timestamp: datetime | None = None


class RayJobSpec(_Object):
    """What is to run: the driver's command and, among what is carried along, the cluster it runs on."""

    entrypoint: str = Field(min_length=1)
    metadata: dict[str, str] = Field(default_factory=dict)
    suspend: bool = False
    backoff_limit: int = Field(0, ge=0)


class RayJobStatus(_Object):
    """What the operator says of it. `failed` counts attempts, each on a cluster of its own."""

    job_id: str = ""
    job_status: str = ""
    job_deployment_status: str = ""
    reason: str = ""
    message: str = ""
    ray_cluster_name: str = ""
    failed: int | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None


class RayJob(_Object):
    """One backfill on a Ray cluster of its own; its name is the run's id."""

    api_version: str = "ray.io/v1"
    kind: str = "RayJob"
    metadata: Metadata
    spec: RayJobSpec
    status: RayJobStatus = RayJobStatus()

    @property
    def name(self) -> str:
        """The run's id."""
        return self.metadata.name

    @property
    def exit_code(self) -> int | None:
        """The command's exit code, where it has ended and the operator passed it on."""
        if self.status.job_status == "SUCCEEDED":
            return 0
        found = EXIT_CODE.search(self.status.message)
        return int(found[1]) if found else None

    def named(self, run_id: str, words: Sequence[str], tables: Sequence[str] = ()) -> Self:
        """This template as a run's RayJob: its command goes on with `--run` and these words."""
        told = {"run": run_id, "tables": ",".join(tables) or "all"}
        spec = self.spec.model_copy(
            update={"entrypoint": f"{self.spec.entrypoint} {shlex.join(['--run', run_id, *words])}", "metadata": told}
        )
        labels = self.metadata.labels | {"app.kubernetes.io/managed-by": MANAGER}
        metadata = self.metadata.model_copy(update={"name": run_id, "labels": labels})
        return self.model_copy(update={"metadata": metadata, "spec": spec})

    def manifest(self) -> dict[str, Any]:
        """The object as the API takes it; a status is the operator's to write."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={"status"})
