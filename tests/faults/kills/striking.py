"""How each victim is found and killed, always by SIGKILL; a server that was killed is started again at once."""

import signal

import psutil

from tests.faults.kills.fork_server import Child
from tests.faults.kills.place import Place
from tests.faults.kills.schedule import Case, Pool, Victim

TITLES = {
    Victim.WORKER: ("ray::stage", "ray::read", "ray::compute", "ray::Worker"),
    Victim.PERMITS: ("ray::PermitAuthority",),
    Victim.REAPER: ("ray::Reaper",),
}
"""Titles of the processes of each kind in a Ray: a worker that is busy has its step's name."""


def in_the_command(victim: Victim, pool: Pool) -> bool:
    """Whether killing it kills the command's own process."""
    return victim in (Victim.DRIVER, Victim.COMMITTER) or (victim is Victim.WORKER and pool is Pool.SERIAL)


def strike(victim: Victim, place: Place, case: Case, command: Child) -> bool:
    """Kill it; False if nobody of that kind lives."""
    if in_the_command(victim, case.pool):
        return _kill_the_command(command)
    if victim is Victim.RAYLET:
        return _kill_first([p for p in _family(command) if p.name() == "raylet"])
    if victim is Victim.PROXY:
        _kill_proxy(place)
        return True
    if victim is Victim.EMULATOR:
        _kill_emulator(place)
        return True
    assert place.ray
    return _kill_first([process for title in TITLES[victim] for process in place.ray.processes(title)])


def _kill_the_command(command: Child) -> bool:
    try:
        command.send(signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _kill_first(found: list[psutil.Process]) -> bool:
    for process in found[:1]:
        process.kill()
    return bool(found)


def _family(command: Child) -> list[psutil.Process]:
    try:
        return psutil.Process(command.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _kill_proxy(place: Place) -> None:
    """The emulator finishes what it works on and leaves, as it does whenever its parent is gone."""
    proxy = place.proxy
    proxy.kill()
    proxy.wait(30)
    place.restart_server()


def _kill_emulator(place: Place) -> None:
    """At once, whatever it works on: what a script has changed by then is gone with it."""
    proxy = place.proxy
    place.emulator.kill()
    proxy.wait(60)
    place.restart_server()
