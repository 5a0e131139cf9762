"""`backcourt emulator`: the local BigQuery by itself, for other commands, for tests and benchmarks, for a look."""

import json
import signal
import threading
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from backcourt.warehouse.emulator import LocalBigQuery
    from backcourt.warehouse.proxy.settings import Settings


class Address(StrEnum):
    """Where the local BigQuery listens."""

    LOOPBACK = "127.0.0.1"
    ANY = "0.0.0.0"  # noqa: S104 (only who asks for it)


def emulator(
    folder: Annotated[Path, typer.Option(help="Where the data is kept.")] = Path(".backcourt/warehouse"),
    memory: Annotated[bool, typer.Option("--memory", help="Keep nothing: data in memory.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="REST port; 0 for any.")] = 9050,
    storage_port: Annotated[int, typer.Option(min=0, max=65535, help="Storage port; 0 for any.")] = 9060,
    listen: Annotated[
        Address, typer.Option(help="0.0.0.0 lets other machines in, without a password: for a try-out in a cluster.")
    ] = Address.LOOPBACK,
    project: Annotated[str, typer.Option(help="Project that it plays.")] = "local",
    limits: Annotated[bool, typer.Option("--limits", help="Enforce BigQuery's documented limits.")] = False,
    slots: Annotated[int, typer.Option(min=1, help="With --limits: jobs that run at once; more queue.")] = 100,
    latency: Annotated[float, typer.Option(min=0, help="Seconds that every job and read takes at least.")] = 0.0,
    stub: Annotated[bool, typer.Option("--stub", help="Answer jobs without doing them.")] = False,
    faults: Annotated[float, typer.Option(min=0, max=1, help="Share of calls that go wrong, e.g. 0.05.")] = 0.0,
    race: Annotated[float | None, typer.Option(min=0, help="Seconds that a commit waits for a rival.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the addresses as one line of JSON.")] = False,
) -> None:
    """Run the local BigQuery until Ctrl-C or SIGTERM. Its proxy counts at http://127.0.0.1:PORT/_backcourt/counters."""
    from backcourt.errors import UsageError
    from backcourt.warehouse.emulator import LocalBigQuery

    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    settings = _settings(limits, slots, latency, stub, faults, race)
    kept = None if memory else folder
    with LocalBigQuery(kept, project, settings, port=port, storage_port=storage_port, listen=listen.value) as server:
        if not server.started_here:
            raise UsageError(
                f"A local BigQuery runs in {folder} already, at {server.endpoint.rest}.",
                "Use that one, or end the commands that use it, or name another --folder.",
            )
        if listen is Address.ANY:
            typer.echo("It listens on every address: whoever reaches its ports can read and write all data.", err=True)
        _announce(server, as_json)
        while not stop.wait(1.0):
            server.check()


def _settings(limits: bool, slots: int, latency: float, stub: bool, faults: float, race: float | None) -> "Settings":
    from backcourt.warehouse.proxy.settings import Limits, Settings
    from backcourt.warehouse.proxy.statements import JobKind

    return Settings(
        limits=Limits(slots=slots) if limits else None,
        latency=dict.fromkeys(JobKind, latency) if latency else {},
        stub=stub,
        fault_rate=faults,
        race=race,
    )


def _announce(server: "LocalBigQuery", as_json: bool) -> None:
    endpoint = server.endpoint
    if as_json:
        typer.echo(json.dumps({"project": endpoint.project, "rest": endpoint.rest, "storage": endpoint.storage}))
        return
    typer.echo(f"The local BigQuery answers for project {endpoint.project}. Ctrl-C stops it. For other commands:")
    typer.echo(f"export BACKCOURT_ENDPOINT={endpoint.rest}")
    typer.echo(f"export BACKCOURT_STORAGE_ENDPOINT={endpoint.storage}")
