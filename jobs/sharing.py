"""Where the settings say that runs share their budget, and what `status` tells of it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backcourt.clock import Clock
from backcourt.pipeline.shares import Shares
from backcourt.sharing.local_file import LocalShares
from backcourt.sharing.store import SharesStore, SharesUnreachable, SharesUnusable
from jobs.settings import Settings


@dataclass(frozen=True)
class ShareStatus:
    """A run's share as `status` shows it."""

    run: str
    priority: str
    permits: dict[str, int]
    renewed_at: str
    left: bool


@contextmanager
def open_shares(settings: Settings, clock: Clock) -> Iterator[SharesStore | None]:
    """The store that the settings name; None where the run has its budget to itself.

    Raises:
        SharesUnusable: it is a ConfigMap, and no cluster is configured here.
    """
    place, _, where = settings.shares.partition(":")
    if place == "none":
        yield None
    elif place == "configmap":
        from backcourt.sharing.configmap import open_configmap

        namespace, _, name = where.partition("/")
        with open_configmap(namespace, name) as store:
            yield store
    else:
        yield LocalShares(Path(where) if where else default_file(settings), clock)


def default_file(settings: Settings) -> Path:
    """A file for each BigQuery project in the run folder; a local BigQuery has its own beside its data."""
    if settings.is_embedded:
        return settings.local_folder / "shares.json"
    name = settings.endpoint.partition("://")[2] or settings.project
    return settings.run_folder / "shares" / f"{re.sub(r'[^A-Za-z0-9-]+', '-', name)}.json"


def read_shares(settings: Settings, clock: Clock) -> tuple[tuple[ShareStatus, ...], str]:
    """The shares of all runs, and why they are not known, where they are not."""
    try:
        with open_shares(settings, clock) as store:
            return (_told(store.read().shares) if store else ()), ""
    except (SharesUnreachable, SharesUnusable) as error:
        return (), str(error)


def _told(shares: Shares) -> tuple[ShareStatus, ...]:
    return tuple(
        ShareStatus(s.run, s.wish.priority.value, dict(s.permits), f"{s.renewed_at:%Y-%m-%d %H:%M:%S}", s.left)
        for s in shares
    )
