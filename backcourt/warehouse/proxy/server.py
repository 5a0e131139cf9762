"""The server's process: the proxy itself, the emulator as its child, and the watch over who still uses them."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

from aiohttp import web

from backcourt.clock import Clock
from backcourt.warehouse.endpoint import Endpoint
from backcourt.warehouse.proxy.behaviour import Behaviour
from backcourt.warehouse.proxy.counters import Counters
from backcourt.warehouse.proxy.execution import Executor
from backcourt.warehouse.proxy.files import ServerFiles, try_lock, unlock
from backcourt.warehouse.proxy.jobs import JobBook
from backcourt.warehouse.proxy.rest import Rest
from backcourt.warehouse.proxy.settings import ServerOptions
from backcourt.warehouse.proxy.storage import StorageProxy
from backcourt.warehouse.proxy.uploads import Uploads
from backcourt.warehouse.proxy.upstream import Upstream

_ENGINE = "backcourt.warehouse.proxy.engine"
_ENGINE_START = 90.0
_ENGINE_STOP = 15.0
_DRAIN = 10.0
_BETWEEN_LOOKS = 0.25


async def run(options: ServerOptions, clock: Clock) -> int:
    """Serve until SIGTERM, until nobody uses the server any more, or until the emulator breaks (then 1)."""
    files = ServerFiles(options.folder)
    with files.server.open("w") as alive, files.users.open("a") as users:
        if not try_lock(alive):
            return 0
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, lambda: None)
        async with _engine(options) as (process, addresses), _proxy(options, addresses, clock) as (endpoint, book):
            files.write_endpoint(endpoint)
            ends = [
                asyncio.create_task(wait)
                for wait in (stop.wait(), _until_unused(users, options.linger), process.wait())
            ]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            broken = process.returncode is not None
            files.forget_endpoint()
            for task in ends:
                task.cancel()
            if not broken:
                await _drain(book)
    return 1 if broken else 0


async def _until_unused(users: Any, linger: float) -> None:
    """Return holding the users' lock alone: nobody has held it for `linger` seconds, and who comes now waits."""
    while True:
        await asyncio.sleep(_BETWEEN_LOOKS)
        if not try_lock(users):
            continue
        unlock(users)
        await asyncio.sleep(linger)
        if try_lock(users):
            return


async def _drain(book: JobBook) -> None:
    """Let the jobs end that have been accepted, for some seconds."""
    tasks = [job.task for job in book.running() if job.task]
    if tasks:
        await asyncio.wait(tasks, timeout=_DRAIN)


@asynccontextmanager
async def _engine(options: ServerOptions) -> AsyncIterator[tuple[Process, dict[str, str]]]:
    """The emulator's process and the addresses at which it answers."""
    storage, past = "memory" if options.in_memory else "disk", "past" if options.time_travel else "no-past"
    arguments = [str(options.folder), options.project, storage, past]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", _ENGINE, *arguments, stdin=PIPE, stdout=PIPE)
    try:
        line = await asyncio.wait_for(cast(asyncio.StreamReader, process.stdout).readline(), _ENGINE_START)
        if not line:
            raise RuntimeError("The emulator ended before it answered.")
        yield process, json.loads(line)
    finally:
        if process.stdin:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _ENGINE_STOP)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@asynccontextmanager
async def _proxy(
    options: ServerOptions, addresses: dict[str, str], clock: Clock
) -> AsyncIterator[tuple[Endpoint, JobBook]]:
    """Both interfaces of the proxy; the endpoint is how they are reached from this machine."""
    files = ServerFiles(options.folder)
    counters, behaviour, upstream = Counters(), Behaviour(options.settings), Upstream(addresses["rest"])
    book = JobBook(None if options.in_memory else files.used_job_ids)
    executor = Executor(upstream, counters, lambda: behaviour.settings, clock.now)
    rest = Rest(upstream, book, executor, counters, Uploads(files.uploads), behaviour, clock.now, clock.monotonic)
    storage = StorageProxy(
        addresses["storage"], upstream, counters, lambda: behaviour.settings, lambda: behaviour.faults
    )
    runner = web.AppRunner(rest.application(), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, options.listen, options.port)
        await site.start()
        storage_port = await storage.start(options.listen, options.storage_port)
        yield Endpoint(options.project, f"http://127.0.0.1:{runner.addresses[0][1]}", f"127.0.0.1:{storage_port}"), book
    finally:
        await runner.cleanup()
        await storage.stop()
        await upstream.close()
