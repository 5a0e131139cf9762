"""Runs that share a budget, in simulated time: they start, work, stall, are killed, end, and come back.

The real keeper and the real permit book run against a store in memory and a BigQuery that is a set of jobs. Wherever a
keeper touches the store or its book, the world may go on: other runs look, swap, grant and die, and minutes pass.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from backcourt.pipeline.shares import Priority, Shares
from backcourt.sharing.store import Seen, SharesUnreachable
from backcourt.warehouse.requests import Kind
from ray_tasks.allowance import Capped
from ray_tasks.permit_book import Ask, Permit, PermitBook
from ray_tasks.permits import new_book
from ray_tasks.share_keeper import ShareKeeper

KINDS = (Kind.QUERY, Kind.LOAD)
LONGEST_JOB = 120.0
"""Seconds of the longest job: twice as long as a silent run is left alone."""


@dataclass
class World:
    """The one true time, the jobs at BigQuery, and the shares. With `changing` the operators change the budget."""

    random: Random
    budget: dict[Kind, int]
    changing: bool = False
    troubles: bool = True
    now: float = 0.0
    jobs: dict[str, tuple["Run", Kind, float]] = field(default_factory=dict)
    shares: Shares = ()
    version: int = 0
    runs: list["Run"] = field(default_factory=list)
    names: Iterator[int] = field(default_factory=count)
    depth: int = 0
    most_seen: dict[Kind, int] = field(default_factory=dict)

    # --- what happens -----------------------------------------------------------------------------------------

    def something(self) -> None:
        """One random event."""
        run = self.random.choice(self.runs) if self.runs else None
        kind = self.random.random()
        if run is None or (kind < 0.08 and len(self.runs) < 5):
            self.arrive(self.random.choice((Priority.DAILY, Priority.BACKFILL, Priority.BACKFILL)))
        elif kind < 0.45:
            run.look()
        elif kind < 0.75:
            run.work()
        elif kind < 0.78 and self.changing:
            self.change_budget()
        elif kind < 0.80:
            run.restart_authority()
        elif kind < 0.93:
            self.wait(self.random.choice((0.3, 1.0, 3.0, 8.0)))
        elif kind < 0.96:
            run.stalled_until = self.now + self.random.choice((10.0, 30.0, 100.0, 200.0))
        elif kind < 0.98:
            self.runs.remove(run)  # kill -9: its jobs go on
            run.is_killed = True
        elif not run.looking:
            self.runs.remove(run)
            run.keeper.stop(run)

    def meanwhile(self) -> None:
        """Between two steps of a run anything may happen to the others, for a moment or for minutes."""
        if not self.troubles or self.depth >= 2 or self.random.random() < 0.6:
            return
        self.depth += 1
        for _ in range(self.random.randint(1, 4)):
            self.something()
        if self.random.random() < 0.1:
            self.wait(self.random.choice((15.0, 40.0, 90.0)))
        self.depth -= 1

    def arrive(self, priority: Priority) -> "Run":
        run = Run(self, f"{priority}-{next(self.names)}-1", priority)
        self.runs.append(run)
        return run

    def change_budget(self) -> None:
        """Some runs hear of the new budget now, the others later, with the next one or when all is settled."""
        self.budget = {kind: self.random.randint(1, 12) for kind in KINDS}
        for run in self.runs:
            if self.random.random() < 0.7:
                run.hear_of_budget()

    def wait(self, seconds: float) -> None:
        """Time passes; jobs end, and whoever is awake gives their permits back."""
        self.now += seconds
        for job, (run, _, ends) in list(self.jobs.items()):
            if ends <= self.now:
                del self.jobs[job]
                run.done.append(job)
        for run in self.runs:
            run.give_back()

    # --- what is true -----------------------------------------------------------------------------------------

    def in_flight(self, kind: Kind) -> int:
        return sum(k is kind for _, k, _ in self.jobs.values())

    def allowed(self, kind: Kind) -> int:
        """The budget that holds: the largest that any run was set to which is there, or may still be there.

        After it was lowered there may be more in flight, but no more than before.
        """
        budgets = [run.budget for run in self.runs] + [share.wish.budget for share in self.shares]
        most: int = max((budget[kind] for budget in budgets), default=0)
        return max(most, self.shared_out(kind)) if self.changing else most

    def shared_out(self, kind: Kind) -> int:
        return sum(share.permits.get(kind, 0) for share in self.shares)

    def has_row(self, priority: Priority, besides: "Run") -> bool:
        return any(s.wish.priority is priority and s.run != besides.name for s in self.shares)

    def unfinished(self, prefix: str) -> tuple[str, ...]:
        if self.troubles and self.random.random() < 0.1:
            raise SharesUnreachable("BigQuery does not answer.")
        return tuple(job for job in self.jobs if job.startswith(prefix))


class Run:
    """One run: its book, its keeper, and what both see of the world: the store, the limits, a clock of its own."""

    pace = 1.0

    def __init__(self, world: World, name: str, priority: Priority) -> None:
        self.world, self.name, self.priority = world, name, priority
        self._skew = world.random.uniform(0, 1e6)
        self.budget = world.budget
        self.book: PermitBook = new_book(world.budget, "e", sharing=True)
        self.keeper = ShareKeeper(
            self, name, priority, world.budget, {}, world.unfinished, self, None  # store and clock are this object
        )  # fmt: skip
        self.is_killed = False
        self.stalled_until, self.looking, self.first_look, self.alone = 0.0, False, True, True
        self.done: list[str] = []
        self.told: tuple[Permit, ...] = ()
        self.granted, self.waiting = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0)
        self._jobs = count()

    @property
    def is_awake(self) -> bool:
        return self.world.now >= self.stalled_until

    def look(self) -> None:
        """One round of the keeper, unless one is under way; a stalled run does nothing."""
        if self.looking or not self.is_awake:
            return
        self.looking = True
        self.alone = not self.world.has_row(Priority.DAILY, self)
        try:
            self.keeper.look(self)
        except SharesUnreachable:
            return
        finally:
            self.looking = False
        if self.keeper.mine and self.first_look:
            self.first_look = False
            if self.priority is Priority.DAILY and self.alone and not self.world.changing:
                for kind, number in self.world.budget.items():
                    assert number < 2 or self.keeper.mine.permits[kind] >= 1, (
                        f"{self.name} has no {kind} permit at once"
                    )

    def restart_authority(self) -> None:
        """Its book is lost; until the holders have told, it does not know what is in flight."""
        if self.is_awake and not self.book.recovering:
            self.told = tuple(self.book.held.values())
            self.book = new_book(self.budget, f"life {next(self._jobs)}", recovering=True, sharing=True)
            self.waiting = dict.fromkeys(KINDS, 0)

    def hear_of_budget(self) -> None:
        self.budget = self.world.budget
        self.book.set_limits(self.budget)
        self.keeper.set_budget(self.budget)

    def work(self) -> None:
        """Ask for more than there can be, and start a job for every permit that is granted."""
        if not self.is_awake or self not in self.world.runs:
            return
        if self.book.recovering:
            self.book.readmit(self.told, self.monotonic())
            self.book.resume()
        for kind in KINDS:
            for _ in range(3 - self.waiting[kind]):
                job = f"{self.name}-{next(self._jobs)}"
                self.book.ask(Ask(job, kind, "worker", job), self.monotonic())
            self.waiting[kind] = 3
        for permit in self.book.grant(self.monotonic()):
            kind = permit.ask.kind
            length = self.world.random.choice((0.5, 2.0, 5.0, 20.0, LONGEST_JOB))
            self.world.jobs[permit.id] = (self, kind, self.world.now + length)
            self.granted[kind] += 1
            self.waiting[kind] -= 1
            total = self.world.in_flight(kind)
            assert total <= self.world.allowed(kind), f"{total} {kind} jobs are in flight"
            self.world.most_seen[kind] = max(total, self.world.most_seen.get(kind, 0))

    def give_back(self) -> None:
        if self.is_awake:
            for job in self.done:
                self.book.release(job)
            self.done.clear()

    def _meanwhile(self) -> None:
        self.world.meanwhile()
        if self.is_killed:
            raise SharesUnreachable("This process is dead.")

    # --- its clock --------------------------------------------------------------------------------------------

    def monotonic(self) -> float:
        return self.world.now + self._skew

    def now(self) -> datetime:
        """Hours wrong: nothing may depend on it."""
        return datetime(2024, 3, 1, tzinfo=UTC) + timedelta(seconds=self.world.now + self._skew)

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"a look slept for {seconds} s")

    # --- its store --------------------------------------------------------------------------------------------

    def read(self) -> Seen:
        self._meanwhile()
        if self.world.troubles and self.world.random.random() < 0.03:
            raise SharesUnreachable("The store does not answer.")
        seen = Seen(self.world.shares, self.world.version)
        self._meanwhile()
        return seen

    def compare_and_swap(self, seen: Seen, shares: Shares) -> bool:
        self._meanwhile()
        if seen.version != self.world.version:
            return False
        allowed = {kind: self.world.allowed(kind) for kind in KINDS}
        self.world.shares, self.world.version = shares, self.world.version + 1
        for run in self.world.runs:
            run.alone = run.alone and not self.world.has_row(Priority.DAILY, run)
        for kind in KINDS:
            published = max((share.wish.budget[kind] for share in shares), default=0)
            assert self.world.shared_out(kind) <= max(allowed[kind], published), shares
        self._meanwhile()
        if self.world.troubles and self.world.random.random() < 0.03:
            raise SharesUnreachable("The answer is lost; the swap is done.")
        return True

    @contextmanager
    def present(self, run: str) -> Iterator[None]:  # noqa: ARG002 (the port)
        yield

    def has_died(self, run: str) -> bool:  # noqa: ARG002 (the port)
        return False

    # --- its limits -------------------------------------------------------------------------------------------

    def cap(self, target: Mapping[Kind, int]) -> Capped:
        capped = self.book.cap(target, self.monotonic())
        self._meanwhile()
        return capped

    def renew_share(self, permits: Mapping[Kind, int], until: float) -> None:
        self._meanwhile()
        self.book.renew_share(permits, until)


def settle(world: World, until: Callable[[], bool], rounds: int = 400) -> bool:
    """Let everybody who lives look and work, second by second, without further troubles; whether `until` came true."""
    world.troubles = False
    for run in world.runs:
        run.stalled_until = 0.0
        run.hear_of_budget()
    for _ in range(rounds):
        for run in list(world.runs):
            run.look()
            run.work()
        world.wait(2.0)
        if until():
            return True
    return False
