"""`--source`: from a text to a source. The one list of the sources that a command can name."""

from collections.abc import Callable
from pathlib import Path

from backcourt.clock import Clock
from backcourt.errors import UsageError
from backcourt.sources.source import Source
from jobs.selection import DateSelection

STATS_FOLDER = ".backcourt/stats_nba"
"""Where the answers of stats.nba.com are kept unless a folder is given."""

SIMULATOR_FOLDER = ".backcourt/simulated"
"""Where simulated leagues are kept."""

DEFAULT_SEED = 7
"""The simulated league that is meant when none is named, as in `backcourt simulate`."""

FORMS = "folder:PATH, stats.nba.com[:CACHE_FOLDER] or simulator[:SEED]"
"""What can be written, for help and messages."""


def find_source(text: str, dates: DateSelection, clock: Clock) -> Source:
    """The source that `--source` names; `dates` are those asked for, so that a service is asked for no others.

    Raises:
        UsageError: there is no such source, or its own part of the text cannot be used.
    """
    name, _, rest = text.partition(":")
    if name not in _SOURCES:
        raise UsageError(f"--source {text} is not a source.", f"Write {FORMS}.")
    return _SOURCES[name](rest, dates, clock)


def _folder(path: str, dates: DateSelection, clock: Clock) -> Source:  # noqa: ARG001 (the table's signature)
    from backcourt.sources.folder import FolderSource

    if not path:
        raise UsageError("--source folder: names no folder.", "Write folder:PATH.")
    return FolderSource(path)


def _stats_nba(folder: str, dates: DateSelection, clock: Clock) -> Source:
    """The service, from the first date asked for (or the first season that it is used for) to the last (or today)."""
    from backcourt.sources.stats_nba.source import FIRST_DATE, StatsNbaSource

    first = min(dates.named, default=dates.start or FIRST_DATE)
    last = max(dates.named, default=dates.end or clock.now().date())
    return StatsNbaSource(Path(folder or STATS_FOLDER), clock, first, last)


def _simulator(seed: str, dates: DateSelection, clock: Clock) -> Source:  # noqa: ARG001 (the table's signature)
    from backcourt.sources.simulator.source import SimulatorSource

    if seed and not seed.isdecimal():
        raise UsageError(f"--source simulator:{seed} names no seed.", "Write simulator:SEED with a whole number.")
    first = min(dates.named, default=dates.start)
    last = max(dates.named, default=dates.end)
    if first is None or last is None:
        raise UsageError("A simulated league has no dates of its own.", "Give --start and --end.")
    return SimulatorSource(Path(SIMULATOR_FOLDER), int(seed or DEFAULT_SEED), first, last)


_SOURCES: dict[str, Callable[[str, DateSelection, Clock], Source]] = {
    "folder": _folder,
    "stats.nba.com": _stats_nba,
    "simulator": _simulator,
}
