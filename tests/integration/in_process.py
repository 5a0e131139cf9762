"""A command of ours, run in the test's own process."""

import json
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from backcourt.errors import BackcourtError
from jobs.cli import app, tell


@dataclass(frozen=True)
class Told:
    """What a command said, and its exit code."""

    code: int
    text: str

    @property
    def json(self) -> Any:
        """Its output as JSON."""
        return json.loads(self.text)


def command(words: tuple[str, ...], environment: Mapping[str, str]) -> Told:
    """`backcourt <words>`; its log lines are among what it says."""
    with _signals_as_before():
        result: Result = CliRunner().invoke(app, list(words), env=dict(environment))
    error = result.exception
    if isinstance(error, BackcourtError):
        return Told(tell(error), f"{result.output}{error}")
    if error is not None and not isinstance(error, SystemExit):
        raise error
    return Told(result.exit_code, result.output)


@contextmanager
def _signals_as_before() -> Iterator[None]:
    """The command's signal handlers do not outlive it."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
