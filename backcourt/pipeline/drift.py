"""Whether the code that runs here is older than the code that wrote last, or than the one that ought to run.

A code version is the package's release and, behind a plus, the commit that the image was built from. Releases can be
compared; commits cannot, but the ledger knows which wrote first.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

_RELEASE = re.compile(r"v?(\d+(?:\.\d+)*)")


@dataclass(frozen=True)
class VersionUse:
    """A code version that wrote to the ledger, and when it did so first and last (UTC)."""

    version: str
    first: datetime
    last: datetime


def release(version: str) -> tuple[int, ...]:
    """The release's numbers without trailing zeros, to compare with: (1, 2) of `1.2.0+abc`; () without any."""
    found = _RELEASE.match(version)
    numbers = [int(n) for n in found[1].split(".")] if found else []
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def newer_writer(running: str, uses: Sequence[VersionUse]) -> VersionUse | None:
    """The newest version in the ledger, where it is newer than the one that runs here.

    A higher release is newer. Of the same release, that one is newer which first wrote later; a version that has not
    written yet may be the newest of all.
    """
    own = next((u for u in uses if u.version == running), None)
    newest = max(uses, key=lambda u: (release(u.version), u.first), default=None)
    if newest is None or newest.version == running:
        return None
    if release(newest.version) != release(running):
        return newest if release(newest.version) > release(running) else None
    return newest if own and own.first < newest.first else None


def differs_from(running: str, wanted: str) -> bool:
    """Whether the running version is another than the one given: a release, a commit or both, as `1.2.0+abc`."""
    release_wanted, _, commit_wanted = wanted.rpartition("+")
    if not release_wanted and "." in wanted:
        release_wanted, commit_wanted = wanted, ""
    own_release, _, own_commit = running.partition("+")
    if release_wanted and release(release_wanted) != release(own_release):
        return True
    if not commit_wanted:
        return False
    shorter = min(len(commit_wanted), len(own_commit))
    return not shorter or commit_wanted[:shorter] != own_commit[:shorter]


def drift_sentences(running: str, uses: Sequence[VersionUse], wanted: str = "") -> tuple[str, ...]:
    """What is to be said of the running version, with what to do; nothing where all is well.

    Args:
        running: the version of the code that runs here.
        uses: the versions in the ledger.
        wanted: the repository's version, "" where nobody gave one.
    """
    said = []
    newer = newer_writer(running, uses)
    if newer:
        said.append(
            f"The code that runs here, {running}, is older than {newer.version}, which wrote last at "
            f"{newer.last:%Y-%m-%d %H:%M} UTC. Update this image before it writes again."
        )
    if wanted and differs_from(running, wanted):
        relation = "is older than" if release(running) < release(wanted) and "." in wanted else "is not"
        said.append(
            f"The code that runs here, {running}, {relation} the repository's {wanted}. Build and deploy that version."
        )
    return tuple(said)
