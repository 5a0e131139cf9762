"""Which calls go wrong: by a plan that counts down, then by chance with a seed."""

from dataclasses import dataclass
from random import Random

from backcourt.warehouse.proxy.settings import FaultRule, Method, Mode, Settings
from backcourt.warehouse.proxy.statements import JobKind


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one call."""

    mode: Mode
    reason: str = "backendError"
    seconds: float = 0.0


class Faults:
    """Decides for each call, once; built anew when the settings change."""

    def __init__(self, settings: Settings) -> None:
        self._left = {rule: rule.times for rule in settings.faults}
        self._rate = settings.fault_rate
        self._modes = settings.fault_modes
        self._dice = Random(settings.seed)  # noqa: S311 - a draw that can be repeated, not a secret

    def draw(self, method: Method, kind: JobKind | None = None, job_id: str = "") -> Fault | None:
        """The fault of this call, if any; the first rule that matches counts."""
        for rule, left in self._left.items():
            if left != 0 and _matches(rule, method, kind, job_id):
                self._left[rule] = None if left is None else left - 1
                return Fault(rule.mode, rule.reason, rule.seconds)
        if self._rate and self._dice.random() < self._rate:
            return Fault(self._dice.choice(self._modes) if method != "read" else "before")
        return None


def _matches(rule: FaultRule, method: Method, kind: JobKind | None, job_id: str) -> bool:
    if rule.mode == "job_error" and method not in ("insert", "upload"):
        return False
    return rule.method in (None, method) and rule.kind in (None, kind) and rule.job_id_contains in job_id
