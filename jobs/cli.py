"""The `backcourt` command: lists the commands, loads one when it is called, and turns errors into sentences.

Importing Ray and the Google clients takes seconds, so a command's module is imported only when that command runs.
Help is plain text for the same reason: drawing it with Rich would take a third of the half second that it may take.
"""

import gc
import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

import typer

from backcourt.errors import BackcourtError

COMMANDS = {
    "plan": "Show what a backfill would do, before it does it.",
    "backfill": "Compute, gate and commit every missing or stale partition.",
    "daily": "Ingest, heal the last days and do today; for every night.",
    "preflight": "Check that everything is there that a run needs.",
    "breaker": "List tables that keep failing, or let one in again.",
    "ingest": "Load raw tables from files.",
    "train": "Train models on committed rows.",
    "export": "Write one JSON file a date for readers outside the warehouse.",
    "status": "Show what is committed, missing and blocked, and the run that is alive.",
    "history": "Show runs, how each partition ended, and where coverage is going.",
    "report": "Write one HTML file: a calendar of every table, the run against its plan, the budget's curve.",
    "validate": "Compare calendar, ledger and rows of a date or a range, and tell every fault.",
    "spot-check": "Recompute figures of a random sample of rows a second way, from raw rows.",
    "verify": "Recompute a sample of partitions with one worker and compare, hash by hash and cell by cell.",
    "cleanup": "Take away stale rows of short-lived tables, and what dead starts left behind.",
    "dedupe": "Find rows that share a date and a key, and take all but the newest away.",
    "cancel": "Ask a run that is alive to stop cleanly, wherever it works.",
    "replay": "Recompute a partition from its inputs as they were, gate on and off; publish nothing.",
    "restore": "Put a partition back as an earlier commit made it.",
    "hold": "Keep every run off a table while somebody repairs it.",
    "tables": "List the pipeline's tables, keys, inputs and windows.",
    "simulate": "Write a simulated league's files.",
    "emulator": "Run the local BigQuery.",
    "submit": "Backfill on a Ray cluster of its own in Kubernetes, and follow it.",
    "runs": "List the backfills that Kubernetes knows, or follow one.",
    "drain": "Stop the jobs of this Ray cluster cleanly; a head's pod runs it before it ends.",
    "version": "Show the version.",
}
"""Every command with its line in `--help`; each is a module of this package with a function of its name."""


class _LazyGroup(typer.core.TyperGroup):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 (the group's own signature)
        """The commands in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 (the group's own signature)
        """The command's name and line, for the list of commands."""
        return _command(cmd_name, _listed) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself, imported now."""
        name, found, rest = super().resolve_command(ctx, args)
        if found is None or name is None:
            return name, found, rest
        return name, _command(name, _loaded(name)), rest


def _command(name: str, function: Callable[..., None]) -> Any:
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False, rich_markup_mode=None)
    app.command(name, help=COMMANDS[name])(function)
    return typer.main.get_command(app)


def _loaded(name: str) -> Callable[..., None]:
    """A command's function, from the module of its name."""
    module = name.replace("-", "_")
    function: Callable[..., None] = getattr(importlib.import_module(f"jobs.{module}"), module)
    return function


def _listed() -> None:
    """Stands for a command in the list of commands."""


app = typer.Typer(
    cls=_LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _root() -> None:
    """Backfill BigQuery date partitions on Ray: bounded, covered, committed once."""


_COLLECT = (50_000, 20, 20)
"""What Python's collector waits for. A command holds what it has read until it ends, and with Python's own figures a
long ledger's entries would be looked through again and again while they are made: a quarter of what `plan` takes."""

_ARROW = ("ARROW_DEFAULT_MEMORY_POOL", "system")
"""Arrow reads this when it is imported, and then takes its memory from malloc. Its own allocator keeps what threads
that are gone once had, and every commit has a thread."""


def main() -> None:
    """Run a command; leave with its exit code."""
    gc.set_threshold(*_COLLECT)
    os.environ.setdefault(*_ARROW)
    try:
        app()
    except BackcourtError as error:
        sys.exit(tell(error))
    except BrokenPipeError:  # the reader of the output has gone, `| head` for one
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def tell(error: BackcourtError) -> int:
    """Print an error as its two sentences; its exit code."""
    typer.echo(f"backcourt: {error}", err=True)
    return error.exit_code
