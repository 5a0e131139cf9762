"""What a command prepares with: a run id, and calls that run one after the other under permits of their own."""

import re
import uuid
from random import Random

from backcourt.errors import UsageError
from backcourt.warehouse.requests import Kind
from jobs.session import Session
from ray_tasks.attempts import Attempts, Patience
from ray_tasks.permits import LocalPermits
from ray_tasks.prepare import Ground

A_FEW_TRIES = Patience(tries=4)
"""How often a command's own calls are tried."""


def new_run_id(session: Session, kind: str) -> str:
    """An id that sorts by time and starts with a letter, as Kubernetes wants names to."""
    return f"{kind}-{session.clock.now():%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:4]}"


def checked_run_id(run_id: str | None) -> str | None:
    """A run id from the user, which becomes part of job ids, labels and Kubernetes names.

    Raises:
        UsageError: it does not fit there.
    """
    if run_id is not None and not re.fullmatch(r"[a-z][a-z0-9-]{0,46}", run_id):
        raise UsageError(
            f"--run {run_id!r} is no run id.",
            "Use up to 47 lower-case letters, digits and hyphens, a letter first.",
        )
    return run_id


def ground_of(session: Session, run_id: str, patience: Patience = A_FEW_TRIES) -> Ground:
    """What preparing needs; its few calls run one after the other, under permits of their own."""
    permits = LocalPermits(dict.fromkeys(Kind, 1), session.clock)
    attempts = Attempts(session.warehouse, permits, session.clock, Random(run_id), patience)  # noqa: S311
    return Ground(
        session.pipeline,
        session.warehouse,
        attempts,
        session.clock,
        session.state_dataset,
        run_id,
        uuid.uuid4().hex[:8],
    )
