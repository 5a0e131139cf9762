"""Shares of the runs of one machine: a file under a lock.

A swap compares and replaces the file under flock(2); readers need no lock, since the file is replaced as a whole. Each
run also holds a lock of its own for as long as its process lives, which the kernel lets go of however the process dies:
so others need not wait for a lease to know that it is gone.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from backcourt.clock import Clock
from backcourt.pipeline.shares import Shares
from backcourt.sharing.store import Seen, SharesUnreachable, SharesUnusable, shares_in, text_of

LOCK_SECONDS = 5.0
"""How long a swap waits for the file's lock, which others hold for well under a millisecond."""
BETWEEN_TRIES = 0.02


class LocalShares:
    """The store in a file; its version is its text. Meant for a local disk, not for a network's."""

    pace = 0.25

    def __init__(self, file: Path, clock: Clock) -> None:
        """Use this file; it and its folder are made when they are needed."""
        self._file, self._clock = file, clock

    def read(self) -> Seen:
        """See SharesStore."""
        text = self._text()
        return Seen(shares_in(text, str(self._file)), text)

    def compare_and_swap(self, seen: Seen, shares: Shares) -> bool:
        """See SharesStore."""
        with _told(self._file):
            draft = self._draft(text_of(shares))
            try:
                with self._locked():
                    if self._text() != seen.version:
                        return False
                    draft.replace(self._file)
            finally:
                draft.unlink(missing_ok=True)
            self._clear_up({share.run for share in shares})
        return True

    @contextmanager
    def present(self, run: str) -> Iterator[None]:
        """See SharesStore."""
        with _told(self._file):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            sign = self._sign(run).open("a")
        with sign:
            if not _try_lock(sign):
                raise SharesUnusable(f"Run {run} is alive in another process.", "Take another --run, or await its end.")
            try:
                yield
            finally:
                self._sign(run).unlink(missing_ok=True)

    def has_died(self, run: str) -> bool:
        """See SharesStore. A run without a sign of life may be on its way, or somewhere else."""
        try:
            with self._sign(run).open() as sign:
                return _try_lock(sign)
        except OSError:
            return False

    def _sign(self, run: str) -> Path:
        return self._file.with_name(f"{self._file.stem}.{run}.alive")

    def _text(self) -> str:
        try:
            return self._file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""
        except (OSError, ValueError) as error:
            raise SharesUnusable(f"{self._file} cannot be read: {error}.", "Name another file in `shares`.") from None

    def _draft(self, text: str) -> Path:
        """The new text in a file of its own, written before the lock is taken."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=self._file.parent, prefix=f"{self._file.stem}.", suffix=".draft", delete=False
        ) as draft:
            draft.write(text)
            draft.flush()
            os.fsync(draft.fileno())
        return Path(draft.name)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._file.with_suffix(".lock").open("a") as lock:
            deadline = self._clock.monotonic() + LOCK_SECONDS
            while not _try_lock(lock):
                if self._clock.monotonic() >= deadline:
                    raise SharesUnreachable(
                        f"Another process has held the lock of {self._file} for {LOCK_SECONDS:.0f} s.",
                        "Continue or end the run that is stopped.",
                    )
                self._clock.sleep(BETWEEN_TRIES)
            yield

    def _clear_up(self, runs: set[str]) -> None:
        """Remove the signs of dead processes whose runs have no row any more."""
        prefix = f"{self._file.stem}."
        for sign in self._file.parent.glob(f"{prefix}*.alive"):
            run = sign.name.removeprefix(prefix).removesuffix(".alive")
            if run not in runs and self.has_died(run):
                sign.unlink(missing_ok=True)


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """Errors of the file system as sentences."""
    try:
        yield
    except OSError as error:
        raise SharesUnusable(
            f"The shares in {file} cannot be changed: {error.strerror or error}.", "Name another file in `shares`."
        ) from None
