"""From a seed to a list of kills: who dies, and at which step or which instant. Pure; the same seed, the same list.

    case_of(pool, seed) ─► Case ─► its kills, one after the other, each in a start of the same command or in the start
                                   that outlived the kill before

With a serial pool the worker, the committer and the driver are one process: a kill is named after whose step it was.
On Ray the committer is threads of the driver, so that it dies with the driver.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from random import Random

TABLES = ("revenue", "rolling")
"""What every case computes: a table made from raw rows, and one that looks back on it."""
FEWEST_KILLS, MOST_KILLS = 3, 7
"""Kills of one case."""
RAYLET_CASES = 0.2
"""Share of the cases on Ray that start a Ray of their own and lose its raylet."""


class Pool(StrEnum):
    """Where the command's steps run."""

    SERIAL = "serial"
    RAY = "ray"


class Victim(StrEnum):
    """Who is killed, always by SIGKILL."""

    DRIVER = "driver"
    WORKER = "worker"
    COMMITTER = "committer"
    PERMITS = "permit actor"
    REAPER = "reaper"
    RAYLET = "raylet"
    PROXY = "proxy"
    EMULATOR = "emulator"


class Step(StrEnum):
    """Steps of the commit path, in their order; a kill at a step comes while the call that begins it is on its way."""

    BEFORE_LOAD = "before load"
    AFTER_LOAD = "after load"
    ANNOUNCED = "announced"
    SCRIPT_ON_ITS_WAY = "script on its way"
    SCRIPT_SENT = "script sent"
    ANSWER_LOST = "answer lost"
    BEFORE_DROP = "before drop"


WORKERS_STEPS = (Step.BEFORE_LOAD, Step.AFTER_LOAD)
COMMITTERS_STEPS = tuple(step for step in Step if step not in WORKERS_STEPS)
ONCE = (Step.SCRIPT_SENT, Step.ANSWER_LOST, Step.BEFORE_DROP)
"""Steps that a run does not come by again for that table: its dates are committed then."""

WEIGHTS: dict[Pool, dict[Victim, int]] = {
    Pool.SERIAL: {Victim.DRIVER: 44, Victim.WORKER: 14, Victim.COMMITTER: 28, Victim.PROXY: 8, Victim.EMULATOR: 6},
    Pool.RAY: {
        Victim.DRIVER: 8,
        Victim.WORKER: 28,
        Victim.COMMITTER: 8,
        Victim.PERMITS: 20,
        Victim.REAPER: 20,
        Victim.PROXY: 8,
        Victim.EMULATOR: 4,
    },
}
"""How often each is drawn. Serially the driver is killed at instants only: its steps are the others'."""


@dataclass(frozen=True)
class Kill:
    """One kill: at a step of a table's commit, or at an instant.

    The instant is a share of what an undisturbed run takes, counted from the start of the command, or from the kill
    before if the command outlived that.
    """

    victim: Victim
    step: Step | None = None
    table: str = ""
    share: float = 0.0

    @property
    def moment(self) -> str:
        """The step, or that it is an instant."""
        return self.step or "any instant"

    def __str__(self) -> str:
        where = f"{self.step} of {self.table}" if self.step else f"after {self.share:.0%} of a run"
        return f"{self.victim} {where}"


@dataclass(frozen=True)
class Case:
    """Kills on one plan. With `own_ray` each command starts a Ray of its own."""

    pool: Pool
    seed: int
    kills: tuple[Kill, ...]
    own_ray: bool = False


def case_of(pool: Pool, seed: int) -> Case:
    """The kills of a seed."""
    random = Random(f"{pool}-{seed}")
    if pool is Pool.RAY and random.random() < RAYLET_CASES:
        return Case(pool, seed, (_moment(random, Victim.RAYLET),), own_ray=True)
    weights = WEIGHTS[pool]
    victims = random.choices(list(weights), list(weights.values()), k=random.randint(FEWEST_KILLS, MOST_KILLS))
    return Case(pool, seed, tuple(sorted(_moments(random, victims), key=_position)))


def cases(pool: Pool, first: int) -> Iterator[Case]:
    """The cases of consecutive seeds, without end."""
    return (case_of(pool, seed) for seed in count(first))


def _moments(random: Random, victims: list[Victim]) -> Iterator[Kill]:
    """A moment for each victim; none that a kill before it makes impossible."""
    committed: set[str] = set()
    for victim in victims:
        kill = _moment(random, victim)
        while kill.step in ONCE and kill.table in committed:
            kill = _moment(random, victim if len(committed) < len(TABLES) else Victim.DRIVER)
        if kill.step in ONCE:
            committed.add(kill.table)
        yield kill


def _moment(random: Random, victim: Victim) -> Kill:
    if victim is Victim.WORKER:
        steps = WORKERS_STEPS
    elif victim is Victim.COMMITTER:
        steps = COMMITTERS_STEPS
    elif victim is Victim.DRIVER or random.random() < 0.3:
        return Kill(victim, share=random.random())
    else:
        steps = tuple(Step)
    return Kill(victim, random.choice(steps), random.choice(TABLES))


def _position(kill: Kill) -> float:
    """About where in a run its moment is, so that a kill comes before those that need more to be done."""
    if kill.step is None:
        return kill.share
    return 0.4 + 0.25 * TABLES.index(kill.table) + 0.03 * list(Step).index(kill.step)
