"""A small part of what `make test-faults` does a thousand times: kills by seed, and the same command again after each.

BACKCOURT_SERIAL_KILLS and BACKCOURT_RAY_KILLS say how many, BACKCOURT_KILLS_SEED with which first seed. A failure names
the command that does its one case again.
"""

import os
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from tests.faults.kills.many import carry_out
from tests.faults.kills.schedule import COMMITTERS_STEPS, ONCE, WORKERS_STEPS, Pool, Step, Victim, case_of, cases
from tests.faults.kills.tally import kills_in, summary

KILLS = {
    Pool.SERIAL: int(os.environ.get("BACKCOURT_SERIAL_KILLS", "12")),
    Pool.RAY: int(os.environ.get("BACKCOURT_RAY_KILLS", "3")),
}
SEED = int(os.environ.get("BACKCOURT_KILLS_SEED", "1"))


@pytest.mark.parametrize("pool", Pool)
def test_after_any_kill_the_same_command_ends_as_if_nothing_had_happened(tmp_path: Path, pool: Pool) -> None:
    lines = list(carry_out(tmp_path, pool, KILLS[pool], SEED, float("inf"), sys.stdout.write))
    assert not any(line.failure for line in lines), f"\n{summary(lines)}"
    assert kills_in(lines, pool) >= KILLS[pool]


@pytest.mark.parametrize("pool", Pool)
def test_a_seed_is_always_the_same_case_and_seeds_differ(pool: Pool) -> None:
    made = [case_of(pool, seed) for seed in range(300)]
    assert made == [case_of(pool, seed) for seed in range(300)]
    assert len({case.kills for case in made}) > 250


def test_a_thousand_kills_come_by_every_victim_and_every_step() -> None:
    serial = Counter((k.victim, k.step) for case in islice(cases(Pool.SERIAL, 1), 200) for k in case.kills)
    on_ray = Counter((k.victim, k.step) for case in islice(cases(Pool.RAY, 1), 60) for k in case.kills)
    assert {victim for victim, _ in serial} | {victim for victim, _ in on_ray} == set(Victim)
    assert {step for _, step in serial} == {None, *Step} == {step for _, step in on_ray}
    assert {step for victim, step in serial if victim is Victim.WORKER} == set(WORKERS_STEPS)
    assert {step for victim, step in serial if victim is Victim.COMMITTER} == set(COMMITTERS_STEPS)
    assert {step for victim, step in serial if victim is Victim.DRIVER} == {None}


def test_no_case_waits_twice_for_a_step_that_a_table_comes_by_once() -> None:
    for case in islice(cases(Pool.SERIAL, 1), 300):
        once = [kill.table for kill in case.kills if kill.step in ONCE]
        assert len(once) == len(set(once))
