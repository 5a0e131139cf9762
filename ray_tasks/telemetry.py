"""Numbers for Ray's Prometheus endpoint: what workers move, how the run stands, what the permits do."""

from collections import Counter as Tally

from ray.util.metrics import Counter, Gauge, Histogram

from backcourt.errors import BackcourtError
from backcourt.pipeline.outcomes import Category, Outcome, PartitionOutcome
from ray_tasks.observing import Progress
from ray_tasks.steps import Step, StepResult

STEP_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of the step histogram's buckets, in seconds."""


class WorkerMetrics:
    """What one worker counts."""

    def __init__(self, worker: str) -> None:
        """Metrics carry the worker's name."""
        tags = ("step", "worker")
        self._worker = worker
        self._rows = Counter("backcourt_rows", "Rows read, computed or staged.", tags)
        self._bytes = Counter("backcourt_bytes", "Bytes read, computed or staged.", tags)
        self._retries = Counter("backcourt_retries", "Attempts that were repeated, by reason.", ("reason", "worker"))
        self._seconds = Histogram("backcourt_step_seconds", "Seconds of a step.", list(STEP_SECONDS), tags)

    def note(self, step: Step, result: StepResult | BackcourtError) -> None:
        """Count one step."""
        tags = {"step": type(step).__name__, "worker": self._worker}
        if isinstance(result, BackcourtError):
            self._retries.inc(1.0, {"reason": type(result).__name__, "worker": self._worker})
            return
        told = result.telemetry
        self._seconds.observe(told.seconds, tags)
        for counter, amount in ((self._rows, told.rows), (self._bytes, told.bytes)):
            if amount:
                counter.inc(float(amount), tags)
        for reason, amount in (("transient", told.retries), ("quota", told.refusals)):
            if amount:
                self._retries.inc(float(amount), {"reason": reason, "worker": self._worker})


class RunMetrics:
    """What the driver shows of the run; an Observer."""

    def __init__(self, run_id: str) -> None:
        """Metrics carry the run's id."""
        self._run = run_id
        self._dates = Gauge("backcourt_dates", "Partitions of the run by outcome.", ("run", "outcome"))
        self._open = Gauge("backcourt_dates_open", "Partitions of the run without an outcome.", ("run",))
        self._permits = Gauge("backcourt_permits", "Permits by kind and state.", ("run", "kind", "state"))
        self._parked = Gauge("backcourt_parked_seconds", "How long a kind of calls still rests.", ("run", "kind"))
        self._forced = Gauge("backcourt_dates_forced", "Partitions published below the threshold.", ("run",))
        self._forced_count = 0

    def opened(self, dashboard_url: str) -> None:
        """Nothing to count."""

    def progress(self, progress: Progress) -> None:
        """Publish the run's state."""
        counts: Tally[str] = Tally()
        for by_outcome in progress.counts.values():
            counts.update(by_outcome)
        for outcome in Outcome:
            self._dates.set(counts[outcome.value], {"run": self._run, "outcome": outcome.value})
        self._open.set(progress.open_count, {"run": self._run})
        for kind in progress.kinds:
            figures = {
                "setting": kind.setting,
                "limit": kind.limit,
                "share": kind.setting if kind.share is None else kind.share,
                "held": kind.held,
                "orphaned": kind.orphaned,
                "awaited": kind.waiting,
            }
            for state, figure in figures.items():
                self._permits.set(figure, {"run": self._run, "kind": kind.kind.value, "state": state})
            self._parked.set(kind.parked_seconds, {"run": self._run, "kind": kind.kind.value})

    def ended(self, outcome: PartitionOutcome) -> None:
        """Count what was forced; the rest is counted with the state as a whole."""
        if outcome.category is Category.FORCED and outcome.outcome is not Outcome.UNCHANGED:
            self._forced_count += 1
            self._forced.set(self._forced_count, {"run": self._run})


class StandingMetrics:
    """What was known before the run began: tables behind an open breaker, and old code; an Observer."""

    def __init__(self, run_id: str, breakers_open: int, old_code: bool) -> None:
        """Take what is known; it is published once the pool is up."""
        self._tags, self._open, self._old = {"run": run_id}, breakers_open, old_code
        self._breakers = Gauge("backcourt_breakers_open", "Tables that circuit breakers hold back.", ("run",))
        self._old_code = Gauge("backcourt_old_code", "1 where newer code wrote to the ledger.", ("run",))

    def opened(self, dashboard_url: str) -> None:  # noqa: ARG002 (the port)
        """Publish it."""
        self._breakers.set(self._open, self._tags)
        self._old_code.set(int(self._old), self._tags)

    def progress(self, progress: Progress) -> None:
        """Nothing changes."""

    def ended(self, outcome: PartitionOutcome) -> None:
        """Nothing changes."""
