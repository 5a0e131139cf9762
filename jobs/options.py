"""Flags that several commands share, declared once."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from backcourt.errors import UsageError

Config = Annotated[Path | None, typer.Option("--config", help="YAML file of settings.")]
Tables = Annotated[
    list[str] | None, typer.Option("--tables", help="Only these tables; repeat it or separate by commas.")
]
Start = Annotated[str | None, typer.Option("--start", help="First date, YYYY-MM-DD.")]
End = Annotated[str | None, typer.Option("--end", help="Last date, YYYY-MM-DD.")]
Dates = Annotated[list[str] | None, typer.Option("--dates", help="Only these dates, separated by commas.")]
DatesFile = Annotated[Path | None, typer.Option("--dates-file", help="Only the dates in this file, one a line.")]
Recompute = Annotated[
    bool,
    typer.Option("--recompute/--resume", help="Also what is committed (equal rows are not written), or only the rest."),
]
Rewrite = Annotated[
    bool, typer.Option("--rewrite", help="As --recompute, and write equal rows too: somebody changed what is there.")
]
Force = Annotated[bool, typer.Option("--force", help="Publish below the threshold too; it is recorded.")]
Stale = Annotated[
    bool, typer.Option("--stale", help="Also what another version of its processor made (equal rows are not written).")
]
OnlyFailed = Annotated[
    str | None, typer.Option("--only-failed", metavar="RUN", help="Only what this run blocked, failed or left undone.")
]
NoFallback = Annotated[
    bool, typer.Option("--no-fallback", help="Processors use no substitute for an incomplete input.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
SkipPreflight = Annotated[
    list[str] | None,
    typer.Option("--skip-preflight", help="A check not to ask before; `backcourt preflight` lists them."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]
Run = Annotated[str | None, typer.Option("--run", help="The run's id; the same id goes on with that run.")]
Workers = Annotated[int | None, typer.Option("--workers", help="Workers; by default the cores.")]
Budget = Annotated[list[str] | None, typer.Option("--budget", help="KIND=NUMBER, for example query=16.")]
Pool = Annotated[str | None, typer.Option("--pool", help="ray, or serial for one worker in this process.")]
ChunkDays = Annotated[int | None, typer.Option("--chunk-days", help="Longest span of dates of one task.")]
Models = Annotated[str | None, typer.Option("--models", help="Folder of trained models; gs:// works.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="Plan as on this date.")]


def parse_date(text: str, where: str) -> date:
    """A date as YYYY-MM-DD.

    Raises:
        UsageError: it is none; `where` says where it stood.
    """
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").date()  # noqa: DTZ007 (a date has no time zone)
    except ValueError:
        raise UsageError(f"{where}: {text!r} is not a date.", "Write dates as YYYY-MM-DD.") from None


def split_names(texts: list[str] | None) -> list[str]:
    """Names given by repeating a flag or separated by commas."""
    return [name.strip() for text in texts or [] for name in text.split(",") if name.strip()]
