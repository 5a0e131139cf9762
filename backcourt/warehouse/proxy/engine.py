"""The process that is bqemulator: started by the proxy's process, and gone with it.

It chooses free ports, says them in one JSON line on its standard output, and ends when its standard input does: that
happens when its parent closes it and when its parent is killed. A script that runs is finished first: it may be a
commit, and whoever sent it will look for it.
"""

import asyncio
import gc
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from backcourt.clock import SystemClock
from backcourt.warehouse.proxy.files import ServerFiles, lock

_WAIT_FOR_PREDECESSOR = 30.0
_COLLECTED_AFTER = (50_000, 20, 50)
"""Python's garbage collector waits for so many objects, and so many rounds: a parsed statement is thousands of them,
and what bqemulator keeps of its jobs would be looked through again and again."""
_LARGEST_MESSAGE = 1 << 30
"""Bytes of a message of the Storage API, both ways. A stream's comes with 65,536 rows, BigQuery's with far fewer; with
bqemulator's own 11 MiB such a read would never end."""


def install_spatial() -> None:
    """Put DuckDB's spatial extension, which bqemulator insists on, into its place: offline, from its package."""
    import duckdb
    import duckdb_extensions

    connection = duckdb.connect()
    if (
        connection.sql("SELECT 1 FROM duckdb_extensions() WHERE extension_name = 'spatial' AND installed").fetchone()
        is None
    ):
        duckdb_extensions.import_extension("spatial", con=connection)
    connection.close()


async def serve(settings: Any, announce: int) -> None:
    """Run the emulator until standard input ends or SIGTERM comes; the ports go to the file descriptor `announce`."""
    from bqemulator.server import EmulatorServer

    server, stop, loop = EmulatorServer(settings), asyncio.Event(), asyncio.get_running_loop()
    await server.start()
    os.write(announce, json.dumps({"rest": server.rest_url, "storage": server.grpc_endpoint}).encode() + b"\n")
    os.close(announce)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGINT, lambda: None)

    def await_end_of_input() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=await_end_of_input, daemon=True).start()
    await stop.wait()
    await server.stop()


def change_bqemulator(*, time_travel: bool) -> None:
    """Put what we do otherwise in the place of bqemulator's own; imported late, for it takes a second."""
    from backcourt.warehouse.proxy import date_lists, parsed_once, past, sessions, transactions

    parsed_once.install()
    date_lists.install()
    transactions.install()
    sessions.install()
    if not time_travel:
        past.install()


def _settings(files: ServerFiles, project: str, in_memory: bool) -> Any:
    from bqemulator.config import LogFormat, LogLevel, PersistenceMode, Settings

    return Settings(
        rest_port=0,
        grpc_port=0,
        default_project_id=project,
        persistence_mode=PersistenceMode.EPHEMERAL if in_memory else PersistenceMode.PERSISTENT,
        data_dir=None if in_memory else files.data,
        upload_staging_dir=files.uploads,
        write_api_max_request_bytes=_LARGEST_MESSAGE,
        log_level=LogLevel.ERROR,
        log_format=LogFormat.CONSOLE,
    )


def main(folder: Path, project: str, *, in_memory: bool, time_travel: bool) -> int:
    """Start with the folder of a local BigQuery; 1 if another emulator does not let go of it."""
    files = ServerFiles(folder)
    announce = os.dup(1)
    os.dup2(2, 1)  # what bqemulator prints, already while it is imported, goes to the log and not before the ports
    with files.engine.open("w") as mine:
        if not lock(mine, SystemClock(), _WAIT_FOR_PREDECESSOR):
            sys.stderr.write("An earlier emulator still holds this folder. Wait until it has ended, then try again.\n")
            return 1
        install_spatial()
        change_bqemulator(time_travel=time_travel)
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_COLLECTED_AFTER)
        asyncio.run(serve(_settings(files, project, in_memory), announce))
    return 0


if __name__ == "__main__":
    _, data, name, storage, past = sys.argv
    sys.exit(main(Path(data), name, in_memory=storage == "memory", time_travel=past == "past"))
