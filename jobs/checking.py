"""Runs checks before anything else: side by side, each with a deadline, each with a verdict and a remedy.

A check runs in a thread of its own that nobody waits for longer than its deadline, so a service that takes the call and
never answers holds up nothing.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from backcourt.clock import Clock
from backcourt.errors import BackcourtError, PreflightError, UsageError

DEADLINE_SECONDS = 30.0
"""How long one check may take."""


class Verdict(StrEnum):
    """What a check says. WARN does not keep a run from starting."""

    OK = "ok"
    WARN = "warning"
    FAIL = "failed"
    NOT_APPLICABLE = "not applicable"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """A verdict, what was seen, and what to do where it is not well."""

    verdict: Verdict
    what: str
    do: str = ""


@dataclass(frozen=True)
class Check:
    """One question. A `cheap` one is asked before every run, the others by `backcourt preflight` alone."""

    name: str
    ask: Callable[[], Finding]
    cheap: bool = True


@dataclass(frozen=True)
class Checked:
    """A check's name and what it found."""

    name: str
    finding: Finding


def run_checks(
    checks: Sequence[Check], clock: Clock, skip: Iterable[str] = (), seconds: float = DEADLINE_SECONDS
) -> list[Checked]:
    """Ask all at once; all of them together have so many seconds.

    Raises:
        UsageError: a check to skip does not exist.
    """
    skipped = skipped_of(skip, checks)
    under_way = [(check, None if check.name in skipped else _Asking(check)) for check in checks]
    deadline = clock.monotonic() + seconds
    return [
        Checked(
            check.name,
            asking.answer(deadline - clock.monotonic(), seconds)
            if asking
            else Finding(Verdict.SKIPPED, "as asked for"),
        )
        for check, asking in under_way
    ]


def require(found: Sequence[Checked]) -> None:
    """Go on, unless a check failed.

    Raises:
        PreflightError: one did; every failure and its remedy is named.
    """
    failed = [each for each in found if each.finding.verdict is Verdict.FAIL]
    if failed:
        what = "; ".join(f"{each.name}: {each.finding.what.rstrip('.')}" for each in failed)
        do = " ".join(dict.fromkeys(each.finding.do for each in failed if each.finding.do))
        raise PreflightError(
            f"Preflight failed. {what}.", f"{do} To go on all the same: --skip-preflight NAME.".strip()
        )


def skipped_of(skip: Iterable[str], checks: Sequence[Check]) -> frozenset[str]:
    """The names of checks to skip.

    Raises:
        UsageError: a name that no check has; the nearest is offered.
    """
    wanted, names = frozenset(skip), [c.name for c in checks]
    for name in sorted(wanted.difference(names)):
        near = get_close_matches(name, names, n=1, cutoff=0.0)[0]
        raise UsageError(f"There is no check {name}.", f"Did you mean {near}? There are {', '.join(names)}.")
    return wanted


class _Asking:
    """A check that is being asked."""

    def __init__(self, check: Check) -> None:
        self._check, self._found = check, Finding(Verdict.FAIL, "")
        self._thread = threading.Thread(target=self._ask, name=f"preflight-{check.name}", daemon=True)
        self._thread.start()

    def answer(self, left: float, seconds: float) -> Finding:
        self._thread.join(max(0.0, left))
        if self._thread.is_alive():
            what = f"no answer within {seconds:g} s"
            return Finding(Verdict.FAIL, what, "Look whether the network lets this machine reach the service.")
        return self._found

    def _ask(self) -> None:
        try:
            self._found = self._check.ask()
        except BackcourtError as error:
            self._found = Finding(Verdict.FAIL, error.what, error.do)
        except Exception as error:  # noqa: BLE001 (one check that breaks must not hide what the others found)
            self._found = Finding(
                Verdict.FAIL, f"the check itself broke: {type(error).__name__}: {error}", "Report it."
            )
